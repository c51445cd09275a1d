"""Masks: what is accepted, what is refused with which sentence, and what is measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays

from osprey_core.errors import InputError
from osprey_core.regions import masks

any_mask = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int64, np.float32, np.float16])
def test_zeros_and_ones_of_any_number_type_become_bool(dtype: Any) -> None:
    given_mask = np.eye(3, 4, dtype=dtype)
    mask = masks.as_mask(given_mask, (3, 4))
    assert mask.dtype == np.bool_
    assert np.array_equal(mask, np.eye(3, 4) > 0)
    given_mask[:] = 0
    assert mask.any(), "the result must not change with the caller's array"


def test_one_pixel_and_the_whole_picture_are_masks() -> None:
    one = np.zeros((5, 7))
    one[4, 6] = 1
    assert masks.area(masks.as_mask(one, (5, 7))) == 1
    assert masks.as_mask(np.ones((5, 7), bool), (5, 7)).all()


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        ([[1, 0]], "must be a NumPy array, not list"),
        (None, "must be a NumPy array, not NoneType"),
        (np.ones(6), r"two dimensions \(height, width\), but this one has the shape \(6,\)"),
        (np.ones((2, 3, 1)), r"shape \(2, 3, 1\)"),
        (np.ones((3, 2)), "The mask is 2 x 3 pixels, but the picture is 3 x 2"),
        (np.ones((0, 0)), "The mask is 0 x 0 pixels, but the picture is 3 x 2"),
        (np.full((2, 3), 255, np.uint8), "only 0 and 1, but this one holds 255"),
        (np.full((2, 3), 0.5), "holds 0.5"),
        (np.full((2, 3), -1), "holds -1"),
        (np.full((2, 3), np.nan), "holds nan"),
        (np.full((2, 3), "x"), "not values of the type"),
        (np.ones((2, 3), complex), "not values of the type complex128"),
        (np.full((2, 3), None), "not values of the type object"),
        (np.zeros((2, 3), bool), "The mask is empty"),
    ],
)
def test_what_is_no_mask_is_refused_with_the_reason(mask: np.ndarray, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        masks.as_mask(mask, (2, 3))


@given(any_mask)
def test_the_box_is_the_smallest_half_open_one(mask: np.ndarray) -> None:
    if not mask.any():
        with pytest.raises(InputError, match="empty mask has no box"):
            masks.box_xyxy(mask)
        return
    x0, y0, x1, y1 = masks.box_xyxy(mask)
    assert masks.area(mask[y0:y1, x0:x1]) == masks.area(mask)
    assert mask[y0].any()
    assert mask[y1 - 1].any()
    assert mask[:, x0].any()
    assert mask[:, x1 - 1].any()


def test_intersection_over_union() -> None:
    one = np.array([[True, True, False, False]])
    assert masks.intersection_over_union(one, np.roll(one, 1, 1)) == pytest.approx(1 / 3)
    assert masks.intersection_over_union(one, ~one) == 0
    assert masks.intersection_over_union(one & False, one & False) == 1
