"""Changes of the list of regions: undo, numbers, whole regions, names, mask files."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from demo.session.conversation import clear_chat
from demo.session.marks import mark_brush, mark_point, mark_polygon
from demo.session.regions import (
    delete_region,
    load_masks,
    merge_regions,
    redo,
    rename_region,
    reshape_region,
    show_region,
    subtract_region,
    undo,
)
from demo.session.services import Services
from demo.session.session import Session
from osprey_core.errors import InputError
from osprey_core.regions.rle import CodedMask, encode_rle
from tests import fakes
from tests.demo.sessions import asked, png


def test_undo_takes_back_one_change_at_a_time(services: Services, two: Session) -> None:
    session = delete_region(two, 1)
    assert [region.number for region in session.regions] == [2]
    session = undo(session)
    assert [region.number for region in session.regions] == [1, 2]
    session = undo(undo(session))
    assert session.regions == ()
    assert session.selected is None
    assert undo(session) == session


def test_redo_makes_again_what_was_undone_until_something_new_is_done(services: Services, two: Session) -> None:
    back = undo(undo(two))
    assert back.regions == ()
    assert redo(back).regions == two.regions[:1]
    assert redo(redo(back)) == two
    assert redo(two) == two
    other = mark_brush(undo(two), [[300.0, 20.0]], 5, "new")
    assert redo(other) == other


def test_a_cleared_conversation_comes_back_before_what_was_asked_since(services: Services, two: Session) -> None:
    first = asked(services, two, "What is it?")
    cleared = clear_chat(first)
    assert cleared.transcript == ()
    assert undo(cleared).transcript == first.transcript
    assert redo(undo(cleared)).transcript == ()
    since = undo(asked(services, cleared, "And now?"))
    assert [turn.typed for turn in since.transcript] == ["What is it?", "And now?"]
    assert since.regions == two.regions


def test_a_number_that_the_chat_speaks_of_is_not_given_again(services: Services, two: Session) -> None:
    unused = delete_region(two, 2)
    assert mark_point(services, unused, 200, 210, "new").selected == 2
    used = delete_region(asked(services, two, "What is it?"), 2)
    assert mark_point(services, used, 200, 210, "new").selected == 3


def test_regions_are_merged_subtracted_and_reshaped(two: Session) -> None:
    both = merge_regions(two, 2, 1)
    assert [region.number for region in both.regions] == [2]
    assert (both.regions[0].mask.mask() == fakes.shape("red") | fakes.shape("blue")).all()
    (back,) = subtract_region(undo(both), 2, 1).regions[1:]
    assert (back.mask.mask() == fakes.shape("blue")).all()
    assert undo(both).regions == two.regions

    grown = reshape_region(two, 1, "grow")
    wider = grown.regions[0].mask.mask()
    assert (wider | fakes.shape("red") == wider).all()
    assert wider.sum() > fakes.shape("red").sum()
    inverted = reshape_region(two, 1, "invert").regions[0]
    assert (inverted.mask.mask() == ~fakes.shape("red")).all()
    assert inverted.prompt is None
    pieces = reshape_region(mark_brush(two, [[330.0, 30.0]], 4, "add"), 2, "largest")
    assert (pieces.regions[1].mask.mask() == fakes.shape("blue")).all()


def test_a_region_has_the_name_it_is_given_and_can_be_hidden(two: Session) -> None:
    named = rename_region(two, 1, "  the   red one ")
    assert named.regions[0].name == "the red one"
    assert rename_region(two, 1, "\u202ered\x07 ☕\u2069").regions[0].name == "red ☕"
    assert rename_region(named, 1, "").regions[0].name == ""
    assert show_region(two, 2, False).regions[1].hidden
    assert not show_region(show_region(two, 2, False), 2, True).regions[1].hidden


@pytest.mark.parametrize(
    "act",
    [
        lambda s: merge_regions(s, 1, 1),
        lambda s: subtract_region(s, 1, 9),
        lambda s: reshape_region(s, 1, "explode"),  # type: ignore[arg-type]
        lambda s: rename_region(s, 1, "x" * 201),
        lambda s: subtract_region(reshape_region(s, 2, "invert"), 1, 2),  # nothing would be left
    ],
)
def test_a_change_that_makes_no_sense_is_one_sentence(two: Session, act: Callable[[Session], Session]) -> None:
    with pytest.raises(InputError):
        act(two)


def test_a_mask_file_brings_its_regions_with_their_names(two: Session) -> None:
    runs = encode_rle(fakes.shape("green"))
    annotation = {"image_id": 1, "category_id": 7, "segmentation": runs}
    picture = {"id": 1, "file_name": "shapes.png", "width": 360, "height": 270}
    coco = {"images": [picture], "categories": [{"id": 7, "name": "leaf"}], "annotations": [annotation]}
    session = load_masks(two, json.dumps(coco).encode())
    assert [(region.number, region.name) for region in session.regions] == [(1, ""), (2, ""), (3, "leaf")]
    assert (session.regions[2].mask.mask() == fakes.shape("green")).all()
    assert session.selected == 3
    assert undo(session).regions == two.regions
    black_and_white = png(Image.fromarray(fakes.shape("green")))
    assert (load_masks(two, black_and_white).regions[2].mask.mask() == fakes.shape("green")).all()
    for wrong in (b"", b"{}", png(Image.new("L", (10, 10), 255))):
        with pytest.raises(InputError):
            load_masks(two, wrong)


def test_a_mask_that_is_a_region_already_is_not_loaded_again(two: Session) -> None:
    red = png(Image.fromarray(fakes.shape("red")))
    again = load_masks(two, red)
    assert again.regions == two.regions
    assert again.selected == 1
    hidden = load_masks(show_region(two, 1, False), red)
    assert [region.hidden for region in hidden.regions] == [False, False]
    annotations = [
        {"image_id": 1, "category_id": 7, "segmentation": encode_rle(fakes.shape(name))}
        for name in ("green", "red", "green")
    ]
    picture = {"id": 1, "file_name": "shapes.png", "width": 360, "height": 270}
    coco = {"images": [picture], "categories": [{"id": 7, "name": "leaf"}], "annotations": annotations}
    loaded = load_masks(two, json.dumps(coco).encode())
    assert [region.number for region in loaded.regions] == [1, 2, 3]
    assert loaded.selected == 3


def test_no_change_makes_a_region_the_same_as_another(two: Session) -> None:
    dotted = mark_brush(two, [[80.0, 100.0]], 12, "new")
    with pytest.raises(InputError, match="the same as region 1"):
        mark_polygon(dotted, [(40, 50), (120, 50), (120, 150), (40, 150)], "add")


def test_what_is_left_out_of_a_mask_file_is_told_to_the_person(opened: Session) -> None:
    red, blue = encode_rle(fakes.shape("red")), encode_rle(fakes.shape("blue"))
    told: list[str] = []
    entries = [{"segmentation": red}, {"segmentation": [[1, 1]]}, {"segmentation": blue}]
    session = load_masks(opened, json.dumps(entries).encode(), lambda note: told.append(str(note)))
    assert len(session.regions) == 2
    assert told == [
        "Left out of the mask file: 1. The first: Mask 2 of the mask file cannot be used: A polygon needs at least "
        "three corners, but this one has 1."
    ]


def test_a_label_map_brings_a_region_for_each_value(opened: Session) -> None:
    values = fakes.shape("red") * 1 + fakes.shape("blue") * 2 + fakes.shape("green") * 3
    session = load_masks(opened, png(Image.fromarray(values.astype(np.uint8))))
    for region, name in zip(session.regions, ("red", "blue", "green"), strict=True):
        assert (region.mask.mask() == fakes.shape(name)).all()


def test_a_mask_file_of_another_picture_is_refused(two: Session) -> None:
    picture = {"id": 1, "file_name": "a.png", "width": 360, "height": 270}
    annotation = {"image_id": 1, "segmentation": encode_rle(fakes.shape("green"))}
    labelme = {"shapes": [{"label": "x", "points": [[1, 1], [9, 9]], "shape_type": "rectangle"}], "imagePath": "a.png"}
    for values in ({"images": [picture], "annotations": [annotation]}, labelme):
        with pytest.raises(InputError, match=r"is for “a\.png” and not for “shapes\.png”"):
            load_masks(two, json.dumps(values).encode())


def test_a_stored_mask_comes_back_as_it_was() -> None:
    mask = np.random.default_rng(0).random((37, 53)) > 0.5
    stored = CodedMask.of(mask)
    assert (stored.mask() == mask).all()
    assert stored == CodedMask.of(mask.copy())
