"""Marks on the picture: which pixels a click, a box, a stroke, an outline and a find give."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from demo.i18n.catalog import text
from demo.session import conversation
from demo.session.marks import (
    drop_point,
    mark_box,
    mark_brush,
    mark_point,
    mark_polygon,
    move_box,
    move_corner,
    move_point,
    other_extent,
    refine_mark,
    take_segment,
)
from demo.session.pictures import open_example, open_picture
from demo.session.regions import clear_regions, reshape_region, select_region, undo
from demo.session.segments import find_everything, preview_mask
from demo.session.services import Services
from demo.session.session import Session
from demo.shared.lazy_resource import LazyResource
from osprey_core.errors import InputError
from osprey_core.segment.protocol import ScoredMask
from tests import fakes
from tests.demo.sessions import png


def test_a_click_gives_the_clicked_pixels(two: Session) -> None:
    assert [region.number for region in two.regions] == [1, 2]
    assert (two.regions[0].mask.mask() == fakes.shape("red")).all()
    assert (two.regions[1].mask.mask() == fakes.shape("blue")).all()
    assert two.selected == 2


def test_a_click_is_in_pixels_of_the_full_picture(services: Services) -> None:
    session = open_picture(png(fakes.picture(scale=8)), "large.png")
    session = mark_point(services, session, 80 * 8 + 0.7, 100 * 8, "new")
    mask = session.regions[0].mask.mask()
    assert mask.shape == (270 * 8, 360 * 8)
    assert mask.sum() == fakes.shape("red").sum() * 64


def test_a_box_gives_what_it_frames_whatever_corner_comes_first(services: Services, opened: Session) -> None:
    for box in ([190, 50, 320, 170], [320, 170, 190, 50]):
        session = mark_box(services, opened, box, "new")
        assert (session.regions[0].mask.mask() == fakes.shape("blue")).all()


def test_a_stroke_is_the_mask(opened: Session) -> None:
    points = [[130.0, 200.0], [270.0, 220.0], [270.0, 100.0]]
    session = mark_brush(opened, points, 12.5, "new")
    ys, xs = np.mgrid[0:270, 0:360] + 0.5
    expected = np.zeros((270, 360), bool)
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        dx, dy = bx - ax, by - ay
        t = np.clip(((xs - ax) * dx + (ys - ay) * dy) / (dx * dx + dy * dy), 0, 1)
        expected |= (xs - ax - t * dx) ** 2 + (ys - ay - t * dy) ** 2 <= 12.5**2
    assert (session.regions[0].mask.mask() == expected).all()


def test_a_brush_thinner_than_a_pixel_marks_the_pixel() -> None:
    icon = open_picture(png(fakes.picture().resize((16, 16))), "icon.png")
    session = mark_brush(icon, [[3.4, 5.6]], 0.38, "new")
    assert np.argwhere(session.regions[0].mask.mask()).tolist() == [[5, 3]]


def test_a_polygon_is_the_mask(opened: Session) -> None:
    corners = [(40.0, 30.0), (300.0, 80.0), (120.0, 240.0)]  # clockwise on the screen
    session = mark_polygon(opened, corners, "new")
    ys, xs = np.mgrid[0:270, 0:360] + 0.5
    expected = np.ones((270, 360), bool)
    for (ax, ay), (bx, by) in itertools.pairwise([*corners, corners[0]]):
        expected &= (bx - ax) * (ys - ay) - (by - ay) * (xs - ax) > 0
    assert (session.regions[0].mask.mask() == expected).all()
    hole = [(140.0, 90.0), (180.0, 90.0), (180.0, 120.0), (140.0, 120.0)]
    less = mark_polygon(session, hole, "remove")
    expected[90:120, 140:180] = False
    assert (less.regions[0].mask.mask() == expected).all()


def test_a_corner_of_the_last_outline_can_be_moved(services: Services, opened: Session) -> None:
    square = [(40.0, 30.0), (140.0, 30.0), (140.0, 130.0), (40.0, 130.0)]
    hole = [(60.0, 50.0), (80.0, 50.0), (80.0, 70.0), (60.0, 70.0)]
    session = move_corner(mark_polygon(opened, square, "new"), 1, 1, 240.0, -7.0)  # ends at the picture's edge
    again = mark_polygon(opened, [square[0], (240.0, 0.0), *square[2:]], "new")
    assert session.regions[0].mask == again.regions[0].mask
    assert session.regions[0].corners == again.regions[0].corners
    assert session.undone().regions[0].mask == mark_polygon(opened, square, "new").regions[0].mask

    # Of two outlines it is the last one, which may take away.
    less = move_corner(mark_polygon(session, hole, "remove"), 1, 2, 100.0, 90.0)
    expected = mark_polygon(session, [*hole[:2], (100.0, 90.0), hole[3]], "remove")
    assert less.regions[0].mask == expected.regions[0].mask

    # After another change of the region there is no outline to change any more.
    for changed in (mark_brush(session, [[200.0, 200.0]], 5, "add"), reshape_region(session, 1, "grow")):
        assert changed.regions[0].corners == ()
        with pytest.raises(InputError):
            move_corner(changed, 1, 0, 10.0, 10.0)
    with pytest.raises(InputError, match="no pixel"):
        move_corner(mark_polygon(opened, [(0.0, 0.0), (20.0, 0.0), (10.0, 20.0)], "new"), 1, 2, 10.0, 0.0)
    assert mark_point(services, opened, 80, 100, "new").regions[0].corners == ()


def test_a_segment_of_everything_becomes_a_region(services: Services, opened: Session) -> None:
    found = find_everything(services, opened)
    areas = [int(segment.mask.mask().sum()) for segment in found]
    assert areas == sorted(areas, reverse=True)
    session = take_segment(services, opened, 1, "new")
    assert session.regions[0].mask == found[1].mask
    both = take_segment(services, session, 0, "add")
    assert (both.regions[0].mask.mask() == found[0].mask.mask() | found[1].mask.mask()).all()
    for wrong in (-1, len(found), None, "0"):
        with pytest.raises(InputError):
            take_segment(services, session, wrong, "new")  # type: ignore[arg-type]


def test_strokes_add_to_and_take_from_the_selected_region_only(services: Services, two: Session) -> None:
    more = mark_brush(two, [[330.0, 30.0]], 8, "add")
    assert len(more.regions) == 2
    assert (more.regions[1].mask.mask() & ~fakes.shape("blue")).sum() == pytest.approx(np.pi * 64, rel=0.05)
    less = mark_brush(more, [[330.0, 30.0]], 9, "remove")
    assert (less.regions[1].mask.mask() == fakes.shape("blue")).all()
    assert (less.regions[0].mask.mask() == fakes.shape("red")).all()


def test_points_refine_and_hand_made_changes_stay(services: Services, two: Session) -> None:
    painted = mark_brush(two, [[330.0, 30.0]], 8, "add")
    wider = mark_point(services, painted, 200, 210, "add")
    mask = wider.regions[1].mask.mask()
    assert (mask & fakes.shape("green")).sum() == fakes.shape("green").sum()
    assert mask[30, 330]
    back = mark_point(services, wider, 201, 211, "remove")
    assert not (back.regions[1].mask.mask() & fakes.shape("green")).any()
    assert back.regions[1].mask.mask()[30, 330]


def test_a_click_outside_its_box_still_adds(services: Services, opened: Session) -> None:
    boxed = mark_box(services, opened, [190, 50, 320, 170], "new")
    both = mark_point(services, boxed, 80, 100, "add")
    assert (both.regions[0].mask.mask() == (fakes.shape("blue") | fakes.shape("red"))).all()


def test_the_other_extent_comes_and_goes(services: Services, two: Session) -> None:
    session = other_extent(services, two, 2)
    assert session.regions[1].mask.mask().sum() == 100 * 100
    session = other_extent(services, session, 2)
    assert (session.regions[1].mask.mask() == fakes.shape("blue")).all()
    painted = mark_brush(two, [[20.0, 20.0]], 5, "new")
    with pytest.raises(InputError, match="no other extent"):
        other_extent(services, painted, 3)


def test_marking_the_same_again_selects_it(services: Services, two: Session) -> None:
    for again in (
        mark_point(services, two, 81, 101, "new"),
        mark_point(services, two, 60, 60, "new"),
        mark_box(services, two, [30, 40, 130, 160], "new"),
        take_segment(services, two, 1, "new"),
        mark_polygon(two, [(40, 50), (120, 50), (120, 150), (40, 150)], "new"),
    ):
        assert again.regions == two.regions
        assert again.selected == 1


def test_a_click_on_a_region_that_was_changed_since_selects_it(services: Services, two: Session) -> None:
    larger = other_extent(services, two, 2)
    again = mark_point(services, select_region(larger, 1), 251, 111, "new")
    assert again.regions == larger.regions
    assert again.selected == 2


def test_a_part_of_what_is_marked_becomes_a_region_of_its_own(services: Services, two: Session) -> None:
    painted = mark_brush(two, [[80.0, 100.0]], 12, "new")
    assert [region.number for region in painted.regions] == [1, 2, 3]
    assert painted.selected == 3


def test_the_clicks_of_a_region_are_moved_and_removed(services: Services, two: Session) -> None:
    both = mark_point(services, two, 200, 210, "add")
    assert (both.regions[1].mask.mask() == fakes.shape("blue") | fakes.shape("green")).all()
    moved = move_point(services, both, 2, 0, 60, 60)
    assert moved.regions[1].prompt is not None
    assert moved.regions[1].prompt.points_xy == ((60, 60), (200, 210))
    assert (moved.regions[1].mask.mask() == fakes.shape("red") | fakes.shape("green")).all()
    dropped = drop_point(services, both, 2, 1)
    assert (dropped.regions[1].mask.mask() == fakes.shape("blue")).all()
    with pytest.raises(InputError, match="the same as region 1"):
        drop_point(services, moved, 2, 1)
    for wrong in (
        lambda: move_point(services, both, 2, 5, 60, 60),
        lambda: move_point(services, both, 2, 0, -1, 60),
        lambda: drop_point(services, dropped, 2, 0),
        lambda: move_box(services, mark_brush(two, [[20.0, 20.0]], 5, "new"), 3, [0, 0, 50, 50]),
    ):
        with pytest.raises(InputError):
            wrong()


def test_the_box_of_a_region_is_changed(services: Services, opened: Session) -> None:
    boxed = mark_box(services, opened, [190, 50, 250, 170], "new")
    wider = move_box(services, boxed, 1, [190, 170, 320, 50])
    assert (wider.regions[0].mask.mask() == fakes.shape("blue")).all()
    assert wider.regions[0].prompt is not None
    assert wider.regions[0].prompt.box_xyxy == (190, 50, 320, 170)


class _Reduced(fakes.FakeSegmenter):
    """A segmenter that sees every tenth pixel of a large picture, as a network sees a picture at its own size."""

    name = "reduced"
    opened_wh: list[tuple[int, int]]

    def __init__(self) -> None:
        super().__init__()
        self.opened_wh = []

    def open(self, image: NDArray[np.uint8]) -> Any:
        height, width = image.shape[:2]
        self.opened_wh.append((width, height))
        step = 10 if width > 200 else 1
        few = fakes.FakeSegmenter().open(np.ascontiguousarray(image[::step, ::step]))

        def segment(points_xy: Any, labels: Any, box_xyxy: Any = None) -> list[ScoredMask]:
            found = few.segment([(x // step, y // step) for x, y in points_xy], labels, box_xyxy)
            large = [each.mask.repeat(step, 0).repeat(step, 1)[:height, :width] for each in found]
            return [ScoredMask(mask, each.score) for mask, each in zip(large, found, strict=True)]

        return SimpleNamespace(segment=segment)


def test_a_small_thing_is_found_exactly_where_the_picture_is_enlarged(services: Services) -> None:
    pixels = np.zeros((600, 800, 3), np.uint8)
    pixels[300:307, 500:511] = (255, 0, 0)
    pixels[:, :60] = (0, 0, 255)
    segmenter = _Reduced()
    services = Services(model=services.model, segmenter=LazyResource.of(segmenter))
    session = open_picture(png(Image.fromarray(pixels)), "dot.png")
    rough = mark_point(services, session, 505, 303, "new")
    assert rough.regions[0].mask.mask().sum() != 7 * 11
    both = mark_point(services, rough, 505, 303, "new", shown=80)
    assert np.argwhere(both.regions[1].mask.mask()).tolist() == np.argwhere(pixels[..., 0]).tolist()
    assert both.picture is not None
    assert preview_mask(services, both.picture, 505, 303, 80) == both.regions[1].mask
    assert mark_point(services, both, 506, 304, "new", shown=80).selected == 2
    # A thing that goes on beyond what is shown is found in the whole picture.
    beyond = mark_point(services, both, 30, 300, "new", shown=80)
    assert (beyond.regions[2].mask.mask() == (pixels[..., 2] > 0)).all()
    assert segmenter.opened_wh == [(800, 600), (96, 96), (96, 96)]


def test_a_preview_is_what_the_click_gives_and_changes_nothing(services: Services, opened: Session) -> None:
    assert opened.picture is not None
    preview = preview_mask(services, opened.picture, 80, 100)
    assert preview == mark_point(services, opened, 80, 100, "new").regions[0].mask
    assert preview_mask(services, opened.picture, -1, 100) is None
    loading = Services(model=services.model, segmenter=LazyResource("slow", lambda: None))
    assert preview_mask(loading, opened.picture, 80, 100) is None


def test_other_extents_have_names_and_never_repeat_a_mask(opened: Session) -> None:
    def block(side: int) -> np.ndarray:
        mask = np.zeros((270, 360), bool)
        mask[100 : 100 + side, 100 : 100 + side] = True
        return mask

    class Nested(fakes.FakeSegmenter):
        def open(self, image: np.ndarray) -> fakes.FakeOpened:
            class Opened(fakes.FakeOpened):
                def segment(self, *_: object, **__: object) -> list[fakes.ScoredMask]:
                    return [fakes.ScoredMask(block(side), 0.9) for side in (40, 80, 79, 20)]

            return Opened(image)

    services = Services(model=LazyResource.of(fakes.FakeModel()), segmenter=LazyResource.of(Nested()))
    session = mark_point(services, opened, 110, 110, "new")
    assert session.regions[0].extent_names == ("thing", "whole", "part")
    seen = []
    for _ in range(4):
        (region,) = session.regions
        seen.append((region.extent_names[region.extent], region.mask.area))
        session = other_extent(services, session, 1)
    assert seen == [("thing", 1600), ("whole", 6400), ("part", 400), ("thing", 1600)]
    # An extent that is a region already is passed over.
    both = mark_polygon(session, [(100, 100), (120, 100), (120, 120), (100, 120)], "new")
    assert [region.mask.area for region in both.regions] == [6400, 400]
    thing = other_extent(services, both, 1)
    assert thing.regions[0].mask.area == 1600
    assert other_extent(services, thing, 1).regions[0].mask.area == 6400


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda v, s: mark_point(v, Session(), 1, 1, "new"), text("page.no_picture")),
        (lambda v, s: mark_point(v, s, -1, 5, "new"), text("page.outside")),
        (lambda v, s: mark_point(v, s, 360, 5, "new"), text("page.outside")),
        (lambda v, s: mark_point(v, s, float("nan"), 5, "new"), text("page.bad_gesture")),
        (lambda v, s: mark_point(v, s, None, 5, "new"), text("page.bad_gesture")),  # type: ignore[arg-type]
        (lambda v, s: mark_point(v, s, 5, 5, "explode"), text("page.bad_gesture")),  # type: ignore[arg-type]
        (lambda v, s: mark_point(v, s, 5, 5, "remove"), text("page.nothing_to_remove_from")),
        (lambda v, s: mark_box(v, s, [5, 5, 6, 60], "new"), text("page.box_too_small")),
        (lambda v, s: mark_box(v, s, [-40, 5, 0, 60], "new"), text("page.outside")),
        (lambda v, s: mark_box(v, s, [360, 5, 360, 60], "new"), text("page.outside")),
        (lambda v, s: mark_box(v, s, [1, 2, 3], "new"), text("page.bad_gesture")),
        (lambda v, s: mark_box(v, s, [5, 5, 30, 30], "new"), text("page.nothing_found")),
        (lambda v, s: mark_brush(s, [], 5, "new"), text("page.bad_gesture")),
        (lambda v, s: mark_brush(s, [[1, 2, 3]], 5, "new"), text("page.bad_gesture")),
        (lambda v, s: mark_brush(s, [[1, 2]], 1e9, "new"), text("page.bad_gesture")),
        (lambda v, s: mark_brush(s, [[1, 2]], 0, "new"), text("page.bad_gesture")),
        (lambda v, s: mark_brush(s, [[-500, -500]], 5, "new"), text("page.outside")),
        (lambda v, s: mark_polygon(s, [[1, 2], [5, 6]], "new"), text("page.bad_gesture")),
        (lambda v, s: mark_polygon(s, [[1, 2], [5, 6], [7, None]], "new"), text("page.bad_gesture")),  # type: ignore[list-item]
        (lambda v, s: mark_polygon(s, [[1, 2], [50, 60], [99, 118]], "new"), text("page.polygon_too_thin")),
        (lambda v, s: mark_polygon(s, [[-9, -9], [-5, -9], [-9, -5]], "new"), text("page.polygon_too_thin")),
        (lambda v, s: select_region(s, 4), text("page.no_region")),
        (lambda v, s: open_example(v, "../secret"), text("page.unknown_example")),
        (lambda v, s: conversation.ask(s, "What is @1?"), text("page.no_region")),
        (lambda v, s: conversation.ask(Session(), "What?"), text("page.no_picture")),
        (lambda v, s: conversation.retry(s), text("page.nothing_to_retry")),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    services: Services, opened: Session, act: Callable[[Services, Session], object], sentence: str
) -> None:
    with pytest.raises(InputError) as caught:
        act(services, opened)
    assert str(caught.value) == sentence


def test_nothing_may_be_left_of_a_region(services: Services, two: Session) -> None:
    with pytest.raises(InputError, match="nothing of the region"):
        mark_brush(two, [[250.0, 110.0]], 90, "remove")


def test_a_fitted_stroke_is_the_outline_and_undo_brings_the_stroke_back(services: Services, opened: Session) -> None:
    drawn = mark_brush(opened, [(230, 100), (270, 120)], 8, "new")
    fitted = refine_mark(services, drawn)
    (region,) = fitted.regions
    assert (region.mask.mask() == fakes.shape("blue")).all()
    assert undo(fitted).regions == drawn.regions
    assert undo(undo(fitted)).regions == ()
    # Clicks go on refining it, and other extents can be had, as if the clicks had made it.
    assert other_extent(services, fitted, 1).regions[0].mask.area > region.mask.area
    more = mark_point(services, fitted, 80, 100, "add")
    assert (more.regions[0].mask.mask() == fakes.shape("blue") | fakes.shape("red")).all()


def test_a_fitted_stroke_joins_and_leaves_the_selected_region(services: Services, two: Session) -> None:
    red, blue, green = (fakes.shape(name) for name in ("red", "blue", "green"))
    joined = refine_mark(services, mark_polygon(two, [(130, 200), (200, 200), (150, 230)], "add"))
    assert (joined.regions[1].mask.mask() == blue | green).all()
    left = refine_mark(services, mark_brush(joined, [(240, 100), (260, 110)], 5, "remove"))
    assert (left.regions[1].mask.mask() == green).all()
    assert (left.regions[0].mask.mask() == red).all()


def test_what_fits_no_outline_stays_as_drawn(opened: Session) -> None:
    class Blind(fakes.FakeSegmenter):
        def open(self, image: np.ndarray) -> fakes.FakeOpened:
            far = np.zeros(image.shape[:2], bool)
            far[-1, -1] = True

            class Opened(fakes.FakeOpened):
                def segment(self, *_: object, **__: object) -> list[fakes.ScoredMask]:
                    return [fakes.ScoredMask(far, 0.9)]

            return Opened(image)

    blind = Services(model=LazyResource.of(fakes.FakeModel()), segmenter=LazyResource.of(Blind()))
    drawn = mark_brush(opened, [(230, 100), (270, 120)], 8, "new")
    with pytest.raises(InputError, match="stays as you drew it"):
        refine_mark(blind, drawn)


def test_only_what_was_just_drawn_is_fitted(services: Services, two: Session) -> None:
    for session in (two, select_region(two, 1), clear_regions(two)):
        with pytest.raises(InputError, match="could not be understood"):
            refine_mark(services, session)


def test_a_loading_segmenter_is_not_waited_for(model: fakes.FakeModel, opened: Session) -> None:
    services = Services(model=LazyResource.of(model), segmenter=LazyResource("slow", lambda: None))
    with pytest.raises(InputError, match="still loading"):
        mark_point(services, opened, 80, 100, "new")
