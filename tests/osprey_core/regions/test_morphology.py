"""Masks made from masks: sets of pixels, growing and shrinking by exact distances, parts and holes as SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from osprey_core.errors import InputError
from osprey_core.regions import masks, morphology

any_mask = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))


def disc(size_hw: tuple[int, int], center_xy: tuple[float, float], radius: float) -> masks.Mask:
    y, x = np.mgrid[: size_hw[0], : size_hw[1]] + 0.5
    return (x - center_xy[0]) ** 2 + (y - center_xy[1]) ** 2 <= radius**2


@given(any_mask)
def test_filling_holes_only_adds_and_settles_at_once(mask: np.ndarray) -> None:
    filled = morphology.fill_holes(mask)
    assert not (mask & ~filled).any()
    assert np.array_equal(morphology.fill_holes(filled), filled)
    assert np.array_equal(morphology.fill_holes(mask, max_area=0), mask)


def test_holes_are_filled_up_to_the_given_area() -> None:
    ring = disc((60, 60), (30, 30), 25) & ~disc((60, 60), (30, 30), 10) & ~disc((60, 60), (12, 30), 2)
    assert np.array_equal(morphology.fill_holes(ring), disc((60, 60), (30, 30), 25))
    assert np.array_equal(morphology.fill_holes(ring, max_area=50), ring | disc((60, 60), (12, 30), 2))


@given(any_mask)
def test_the_largest_component_is_a_part_of_the_mask(mask: np.ndarray) -> None:
    part = morphology.largest_component(mask)
    assert not (part & ~mask).any()
    assert part.any() == mask.any()
    assert np.array_equal(morphology.largest_component(part), part)


def test_the_largest_component_drops_specks() -> None:
    blob = disc((40, 40), (20, 20), 10)
    specks = blob.copy()
    specks[0, 0] = specks[39, 39] = True
    assert np.array_equal(morphology.largest_component(specks), blob)


def round_footprint(radius: int) -> np.ndarray:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return x**2 + y**2 <= radius**2


@given(any_mask, st.integers(1, 9))
@settings(deadline=None)  # the first call imports OpenCV
def test_growing_is_dilation_by_a_disc_and_shrinking_its_counterpart(mask: np.ndarray, pixels: int) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    disc_shape = round_footprint(pixels)
    assert np.array_equal(morphology.grow(mask, pixels), ndimage.binary_dilation(mask, disc_shape))
    assert np.array_equal(morphology.shrink(mask, pixels), ndimage.binary_erosion(mask, disc_shape, border_value=1))


@pytest.mark.parametrize("pixels", [50, 333, 1000])
def test_growing_far_stays_exact(pixels: int) -> None:
    mask = np.zeros((30, 2100), bool)
    mask[17, 1040] = True
    y, x = np.mgrid[:30, :2100]
    assert np.array_equal(morphology.grow(mask, pixels), (x - 1040) ** 2 + (y - 17) ** 2 <= pixels**2)


def test_growing_by_a_pixel_adds_the_four_neighbours_and_shrinking_takes_them_back() -> None:
    one = np.zeros((5, 5), bool)
    one[2, 2] = True
    cross = one | np.roll(one, 1, 0) | np.roll(one, -1, 0) | np.roll(one, 1, 1) | np.roll(one, -1, 1)
    assert np.array_equal(morphology.grow(one), cross)
    assert np.array_equal(morphology.shrink(cross), one)
    assert not morphology.shrink(one).any()
    assert morphology.shrink(np.ones((5, 5), bool)).all(), "the picture's border eats nothing"
    assert not morphology.grow(np.zeros((5, 5), bool)).any()


@pytest.mark.parametrize("pixels", [0, -1, 1001, 1.5, True, None])
def test_only_sensible_distances_are_grown(pixels: int) -> None:
    for change in (morphology.grow, morphology.shrink):
        with pytest.raises(InputError, match="by 1 to 1000 pixels"):
            change(np.ones((3, 3), bool), pixels)


@given(any_mask, st.data())
def test_masks_are_sets_of_pixels(mask: np.ndarray, data: Any) -> None:
    other = data.draw(arrays(np.bool_, mask.shape))
    assert np.array_equal(morphology.union([mask, other]), mask | other)
    assert np.array_equal(morphology.union([mask]), mask)
    assert np.array_equal(morphology.subtract(mask, other), mask & ~other)
    assert np.array_equal(morphology.invert(morphology.invert(mask)), mask)


def test_masks_of_different_pictures_do_not_mix() -> None:
    small, large = np.ones((2, 2), bool), np.ones((3, 2), bool)
    with pytest.raises(InputError, match="same picture"):
        morphology.union([small, large])
    with pytest.raises(InputError, match="at least one"):
        morphology.union([])
    with pytest.raises(InputError, match="same picture"):
        morphology.subtract(small, large)


@given(any_mask)
def test_holes_and_components_are_those_of_scipy(mask: np.ndarray) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    assert np.array_equal(morphology.fill_holes(mask), ndimage.binary_fill_holes(mask))
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    part = morphology.largest_component(mask)
    assert part.sum() == (sizes.max() if count else 0)
    if count:
        assert np.array_equal(part, labels == labels[part][0])
