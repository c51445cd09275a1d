"""Where captions fit over the picture, as the canvas's script asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from demo.canvas.caption_spots import place_captions

CAPTION = {"box": [10, 10, 200, 100], "anchor": [100, 50], "width": 80, "height": 20, "least": 40}


def test_a_caption_keeps_its_size_and_stays_in_its_box() -> None:
    (spot,) = place_captions({"captions": [CAPTION], "size": [300, 200], "taken": []})
    assert spot is not None
    x0, y0, x1, y1 = spot
    assert (x1 - x0, y1 - y0) == (80, 20)
    assert 10 <= x0 < x1 <= 200
    assert 10 <= y0 < y1 <= 100


@pytest.mark.parametrize(
    "wrong",
    [None, 3, {}, {"captions": [{}]}, {"captions": [CAPTION], "size": [float("nan"), 1], "taken": []}],
    ids=["nothing", "number", "empty", "incomplete", "no size"],
)
def test_nonsense_is_answered_with_nothing(wrong: Any) -> None:
    assert place_captions(wrong) == []
