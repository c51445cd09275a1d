"""Gestures as the canvas's script sends them: what is read, and that values of the wrong kind are refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from demo.canvas import gestures
from demo.canvas.events import edit_regions
from demo.canvas.gestures import (
    BoxGesture,
    BrushGesture,
    Gesture,
    OpenGesture,
    PointGesture,
    PolygonGesture,
    SegmentGesture,
    SheetGesture,
    seq_of,
)
from demo.session.services import Services
from demo.session.session import Session
from osprey_core.errors import InputError

EDITS: dict[str, tuple[dict[str, Any], list[int], int | None]] = {
    "select": ({"number": 1}, [1, 2], 1),
    "delete": ({"number": 1}, [2], 2),
    "extent": ({"number": 2}, [1, 2], 2),
    "rename": ({"number": 2, "name": "sky"}, [1, 2], 2),
    "hide": ({"number": 2}, [1, 2], 2),
    "grow": ({"number": 1}, [1, 2], 1),
    "invert": ({"number": 2}, [1, 2], 2),
    "merge": ({"number": 1, "other": 2}, [1], 1),
    "subtract": ({"number": 2, "other": 1}, [1, 2], 2),
    "clear": ({}, [], None),
    "undo": ({}, [1], 1),
}
"""What each edit of two regions, the second selected, leaves: numbers, and which is selected."""


@pytest.mark.parametrize("op", EDITS)
def test_edits_reach_the_region_that_they_name(services: Services, two: Session, op: str) -> None:
    values, numbers, selected = EDITS[op]
    edited = edit_regions(services, two, gestures.read_edit({"seq": 1, "op": op, **values}))
    assert [region.number for region in edited.regions] == numbers
    assert edited.selected == selected
    assert (edited.regions, edited.selected) != (two.regions, two.selected)


def test_gestures_are_read_as_the_script_sends_them() -> None:
    point = PointGesture.read({"seq": 2, "picture": "abc", "x": 80, "y": 10.5, "action": "add"})
    assert (point.seq, point.picture, point.x, point.y, point.action) == (2, "abc", 80, 10.5, "add")
    brush = BrushGesture.read({"seq": 2, "picture": None, "points": [[1, 2], [3.5, 4]], "radius": 5, "action": "new"})
    assert brush.points == ((1, 2), (3.5, 4))
    assert OpenGesture.read({"seq": 2, "picture": None, "example": "one.png"}).example == "one.png"


def test_a_gesture_cannot_be_changed() -> None:
    gesture = Gesture.read({"seq": 2})
    with pytest.raises(ValidationError):
        gesture.seq = 3


WRONG: list[tuple[type[Gesture], dict[str, Any]]] = [
    (PointGesture, {"x": None, "y": 5, "action": "new"}),
    (PointGesture, {"x": "80", "y": 100, "action": "new"}),
    (PointGesture, {"x": float("nan"), "y": 100, "action": "new"}),
    (PointGesture, {"x": float("inf"), "y": 100, "action": "new"}),
    (PointGesture, {"x": True, "y": 100, "action": "new"}),
    (PointGesture, {"x": 80, "y": 100, "action": "paint"}),
    (PointGesture, {"x": 80, "y": 100}),
    (BoxGesture, {"box": [1, 2, 3], "action": "new"}),
    (BoxGesture, {"box": [1, 2, 30, None], "action": "new"}),
    (BrushGesture, {"points": [[1, 2], [3]], "radius": 4, "action": "new"}),
    (BrushGesture, {"points": [[1, 2]], "radius": "4", "action": "new"}),
    (PolygonGesture, {"points": 5, "action": "new"}),
    (SegmentGesture, {"index": 1.5, "action": "new"}),
    (SegmentGesture, {"index": 1.0, "action": "new"}),
    (SegmentGesture, {"index": None, "action": "new"}),
    (SegmentGesture, {"index": True, "action": "new"}),
    (OpenGesture, {"example": 5}),
    (OpenGesture, {"address": ["http://a.b"]}),
]


@pytest.mark.parametrize(("kind", "values"), WRONG)
def test_values_of_the_wrong_kind_are_refused(kind: type[Gesture], values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="could not be understood"):
        kind.read({"seq": 2, "picture": "abc", **values})


@pytest.mark.parametrize("value", [None, "x", [1], {}, {"seq": 1.5}, {"seq": None}, {"seq": 1, "picture": 5}])
def test_what_is_no_gesture_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="could not be understood"):
        Gesture.read(value)


@pytest.mark.parametrize("sheet", [None, "a", 1.5, True])
def test_a_sheet_by_anything_but_its_number_is_refused(sheet: Any) -> None:
    with pytest.raises(InputError, match="not open any more"):
        SheetGesture.read({"seq": 2, "sheet": sheet})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"op": None},
        {"op": "paint", "number": 1},
        {"op": "select", "number": 1.5},
        {"op": "select", "number": "1"},
        {"op": "delete", "number": None},
        {"op": "delete"},
        {"op": "rename", "number": 1, "name": 5},
        {"op": "merge", "number": 1, "other": "2"},
        {"op": "merge", "number": 1},
    ],
)
def test_edits_of_the_wrong_kind_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="could not be understood"):
        gestures.read_edit({"seq": 2, "picture": "abc", **values})


def test_the_number_of_a_gesture_is_known_even_if_it_is_refused() -> None:
    assert seq_of({"seq": 7, "x": "?"}) == 7
    for wrong in (None, "x", {}, {"seq": "7"}, {"seq": 7.5}):
        assert seq_of(wrong) == 0
