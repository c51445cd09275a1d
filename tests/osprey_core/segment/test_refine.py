"""Marks drawn by hand as hints for a segmenter: the hints lie where they must, and the best answer is chosen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from osprey_core.regions.raster import strokes_to_mask
from osprey_core.segment import load_segmenter
from osprey_core.segment.refine import MAX_POINTS, best_match, hints_of


@settings(max_examples=60, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_hints_are_pixels_of_the_mark_inside_the_tightest_box(mask: np.ndarray) -> None:
    if not mask.any():
        return
    hints = hints_of(mask)
    rows, columns = np.nonzero(mask)
    assert hints.box_xyxy == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert 1 <= len(set(hints.points_xy)) == len(hints.points_xy) <= MAX_POINTS
    assert all(mask[int(y), int(x)] for x, y in hints.points_xy)


def test_points_spread_along_a_stroke() -> None:
    stroke = strokes_to_mask([np.array([[20.0, 30.0], [180.0, 30.0]])], 6, (60, 200))
    xs = sorted(x for x, _ in hints_of(stroke).points_xy)
    assert xs[-1] - xs[0] > 80


def test_the_first_point_is_the_deepest() -> None:
    ys, xs = np.mgrid[0:90, 0:120]
    disc = (xs - 70) ** 2 + (ys - 40) ** 2 < 30**2
    x, y = hints_of(disc).points_xy[0]
    assert np.hypot(x - 70, y - 40) < 3


def test_the_candidate_that_overlaps_most_is_chosen() -> None:
    mark = np.zeros((20, 20), bool)
    mark[4:10, 4:10] = True
    larger, nearly, elsewhere = np.zeros((3, 20, 20), bool)
    larger[:15, :15] = True
    nearly[4:10, 4:11] = True
    elsewhere[15:, 15:] = True
    assert best_match([larger, nearly, elsewhere], mark) == 1
    assert best_match([elsewhere], mark) is None
    assert best_match([], mark) is None


@pytest.mark.parametrize("sloppiness", [0, 4])
def test_a_rough_outline_finds_the_thing(sloppiness: int) -> None:
    """With the segmenter that is always there: what is drawn around a disc becomes the disc."""
    ys, xs = np.mgrid[0:120, 0:160] + 0.5
    disc = np.hypot(xs - 80, ys - 60) < 30
    image = np.where(disc[..., None], np.array([200, 60, 40]), np.array([90, 140, 200])).astype(np.uint8)
    rough = (abs(xs - 80) < 30 + sloppiness) & (abs(ys - 60) < 30 + sloppiness)
    hints = hints_of(rough)
    found = [
        scored.mask
        for scored in load_segmenter("classic")
        .open(image)
        .segment(hints.points_xy, [1] * len(hints.points_xy), hints.box_xyxy)
    ]
    place = best_match(found, rough)
    assert place is not None
    overlap = (found[place] & disc).sum() / (found[place] | disc).sum()
    assert overlap > 0.9
