"""Simulated clicks: the middle of a thing, then the middle of the largest error."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from osprey_core.segment.clicks import Correction, middle_of, middle_of_largest_piece, next_click


def box(y0: int, x0: int, y1: int, x1: int) -> np.ndarray:
    mask = np.zeros((40, 60), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def test_the_middle_lies_deepest_by_an_exact_distance() -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        mask = np.asarray(ndimage.gaussian_filter(rng.normal(size=(40, 60)), 4) > 0)
        depth = np.asarray(ndimage.distance_transform_edt(np.pad(mask, 1)))[1:-1, 1:-1]
        x, y = middle_of(mask)
        assert mask[int(y), int(x)]
        assert depth[int(y), int(x)] >= depth.max() - 0.6  # OpenCV's distance is an approximation


def test_the_border_of_the_picture_is_a_border() -> None:
    assert middle_of(box(0, 0, 9, 9)) == (4.5, 4.5)


def test_the_largest_piece_is_clicked_and_not_the_thickest() -> None:
    long, thick = box(2, 0, 7, 60), box(20, 20, 30, 30)
    _, y = middle_of_largest_piece(long | thick)
    assert 2 <= y < 7
    x, y = middle_of(long | thick)
    assert thick[int(y), int(x)]


@pytest.mark.parametrize(
    ("answer", "label", "row"),
    [
        (box(0, 0, 0, 0), 1, 19),
        (box(10, 10, 20, 40), 1, 25),
        (box(0, 10, 30, 40), 0, 4),
        (box(10, 10, 30, 40) | box(34, 0, 40, 60), 0, 36),
    ],
    ids=["nothing found", "lower half missed", "too much above", "another thing as well"],
)
def test_the_largest_error_is_corrected(answer: np.ndarray, label: int, row: int) -> None:
    correction = next_click(box(10, 10, 30, 40), answer)
    assert isinstance(correction, Correction)
    assert correction.label == label
    assert abs(correction.point_xy[1] - row) <= 1.5


def test_a_right_answer_needs_no_click() -> None:
    assert next_click(box(1, 1, 5, 5), box(1, 1, 5, 5)) is None
