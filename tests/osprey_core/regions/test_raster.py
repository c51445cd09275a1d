"""Outlines and strokes cover exactly the pixels whose centre they reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from osprey_core.errors import InputError
from osprey_core.regions import masks
from osprey_core.regions.raster import polygon_to_mask, strokes_to_mask

any_mask = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))


def disc(size_hw: tuple[int, int], center_xy: tuple[float, float], radius: float) -> masks.Mask:
    y, x = np.mgrid[: size_hw[0], : size_hw[1]] + 0.5
    return (x - center_xy[0]) ** 2 + (y - center_xy[1]) ** 2 <= radius**2


def test_a_polygon_covers_the_pixels_whose_centre_is_inside() -> None:
    assert np.array_equal(
        polygon_to_mask([(1, 1), (4, 1), (4, 3), (1, 3)], (4, 6)), np.pad(np.ones((2, 3), bool), ((1, 1), (1, 2)))
    )
    assert polygon_to_mask([(-50, -50), (90, -50), (90, 90), (-50, 90)], (4, 6)).all()
    assert not polygon_to_mask([(-5, 0), (-1, 0), (-1, 9)], (4, 6)).any()
    angles = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    circle = np.stack([50 + 30 * np.cos(angles), 40 + 30 * np.sin(angles)], axis=1)
    assert masks.intersection_over_union(polygon_to_mask(circle, (80, 100)), disc((80, 100), (50, 40), 30)) > 0.98


@given(arrays(np.float64, (5, 2), elements=st.floats(-20, 20)))
def test_the_direction_and_start_of_a_polygon_do_not_matter(points: Any) -> None:
    first = polygon_to_mask(points, (12, 15))
    assert np.array_equal(first, polygon_to_mask(np.roll(points, 2, axis=0), (12, 15)))
    assert np.array_equal(first, polygon_to_mask(points[::-1], (12, 15)))


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ([(1, 1), (2, 2)], "at least three corners"),
        ([], "list of pairs"),
        ([1, 2, 3], "list of pairs"),
        ([(1, 2), (3, 4), (5,)], "pairs of numbers"),
        ([(1, 2), (3, 4), (5, np.inf)], "finite"),
    ],
)
def test_what_is_no_polygon_is_refused(points: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        polygon_to_mask(points, (9, 9))


def test_strokes_are_as_thick_as_the_brush() -> None:
    dot = strokes_to_mask([[(20.0, 15.0)]], 8, (30, 40))
    assert np.array_equal(dot, disc((30, 40), (20, 15), 8))
    line = strokes_to_mask([[(10, 15), (30, 15)]], 3, (30, 40))
    assert masks.box_xyxy(line) == (7, 12, 33, 18)
    assert masks.area(strokes_to_mask([[(2.2, 3.9)]], 0.1, (30, 40))) == 1, "a hair-thin brush still marks"
    assert not strokes_to_mask([[(-50, -50), (-20, -90)]], 5, (30, 40)).any()
    with pytest.raises(InputError, match="greater than 0, but it is 0"):
        strokes_to_mask([[(1, 1)]], 0, (30, 40))


@given(
    arrays(np.float64, st.tuples(st.integers(1, 6), st.just(2)), elements=st.floats(-30, 60, width=32)),
    st.floats(0.05, 40),
)
def test_a_stroke_is_everything_near_it(points: Any, radius: float) -> None:
    got = strokes_to_mask([points], radius, (30, 40))
    ys, xs = np.mgrid[0:30, 0:40] + 0.5
    distance = np.full((30, 40), np.inf)
    for (ax, ay), (bx, by) in zip(points, points[1:] if len(points) > 1 else points, strict=False):
        length2 = (bx - ax) ** 2 + (by - ay) ** 2
        t = np.clip(((xs - ax) * (bx - ax) + (ys - ay) * (by - ay)) / length2, 0, 1) if length2 > 1e-12 else 0.0
        distance = np.minimum(distance, np.hypot(xs - ax - t * (bx - ax), ys - ay - t * (by - ay)))
    under = np.zeros((30, 40), bool)
    for x, y in points:
        if 0 <= x < 40 and 0 <= y < 30:
            under[int(y), int(x)] = True
    assert not ((distance <= radius - 1e-4) & ~got).any()
    assert not (got & ~under & (distance > radius + 1e-4)).any()


def test_a_long_stroke_of_a_wide_brush_is_drawn_and_a_wider_one_refused() -> None:
    turns = np.linspace(0, 300, 20_000)
    spiral = np.stack([1500 + 4 * turns * np.cos(turns), 1500 + 4 * turns * np.sin(turns)], axis=1)
    mask = strokes_to_mask([spiral], 400, (3000, 3000))
    assert mask[1500, 1500]
    assert not mask[0, 0]
    with pytest.raises(InputError, match="in several strokes"):
        strokes_to_mask([spiral], 5000, (3000, 3000))


def test_points_far_outside_cost_nothing_and_overflow_nothing() -> None:
    assert strokes_to_mask([[(-1e300, 15), (1e300, 15)]], 2, (30, 40))[13:17].all()
