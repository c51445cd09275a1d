"""Masks as plain boolean arrays: checking them and measuring them.

A mask is a bool array (H, W), True inside. Points are (x, y) in pixels: the pixel in column x, row y covers the
square [x, x + 1) x [y, y + 1). Boxes are half-open integers (x0, y0, x1, y1).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from osprey_core.errors import InputError

Mask = NDArray[np.bool_]


def as_mask(mask: Any, size_hw: tuple[int, int]) -> Mask:
    """Check that `mask` marks at least one pixel of a picture of `size_hw`, and return it as a new bool array (H, W).

    Accepts bool, and integers or floats that are all 0 or 1. Raises InputError for anything else.
    """
    return np.array(checked_mask(mask, size_hw))


def checked_mask(mask: Any, size_hw: tuple[int, int]) -> Mask:
    """As `as_mask`, without a copy of what is bool already: only for reading."""
    if not isinstance(mask, np.ndarray):
        raise InputError("mask.not_an_array", kind=type(mask).__name__)
    if mask.ndim != 2:
        raise InputError("mask.shape_invalid", shape=str(mask.shape))
    height, width = size_hw
    if mask.shape != (height, width):
        raise InputError(
            "mask.size_mismatch", width=mask.shape[1], height=mask.shape[0], picture_width=width, picture_height=height
        )
    if mask.dtype != np.bool_:
        if not (np.issubdtype(mask.dtype, np.integer) or np.issubdtype(mask.dtype, np.floating)):
            raise InputError("mask.type_invalid", kind=str(mask.dtype))
        odd = mask[(mask != 0) & (mask != 1)]
        if odd.size:
            raise InputError("mask.value_invalid", value=f"{odd.flat[0]:g}")
    if not mask.any():
        raise InputError("mask.empty")
    return np.asarray(mask, dtype=np.bool_)


def area(mask: Mask) -> int:
    """Number of pixels inside the mask."""
    return int(np.count_nonzero(mask))


def box_xyxy(mask: Mask) -> tuple[int, int, int, int]:
    """Smallest half-open box (x0, y0, x1, y1) around the mask. Raises InputError if the mask is empty."""
    columns = np.flatnonzero(mask.any(axis=0))
    rows = np.flatnonzero(mask.any(axis=1))
    if not columns.size:
        raise InputError("mask.box_of_empty")
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def intersection_over_union(one: Mask, other: Mask) -> float:
    """Overlap of two masks of the same size, 0..1; two empty masks count as equal (1)."""
    union = np.count_nonzero(one | other)
    return float(np.count_nonzero(one & other) / union) if union else 1.0
