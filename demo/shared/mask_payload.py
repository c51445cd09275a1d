"""The JSON payload of a mask for the browser: digest, share of the picture, and run lengths of a reduced copy."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from osprey_core.regions import masks
from osprey_core.regions.rle import CodedMask

MASK_SIDE = 1024
"""Longest side of the part of a mask that is sent to the browser, in pixels, so that a small thing in a large picture
keeps its exact outline; the model always gets the mask at the picture's full size."""


@lru_cache(maxsize=256)
def shown_mask(stored: CodedMask) -> dict[str, Any]:
    """The mask reduced for the browser: its size, its bounding box, and the run lengths inside that box.

    How far depends on its box alone: `size` is that of the equally reduced picture. Runs go row by row and
    alternate, starting with background. A reduced pixel is set if any part of it is covered, so that thin strokes stay
    visible.
    """
    mask = stored.mask()
    share = masks.area(mask) / mask.size
    height, width = mask.shape
    x0, y0, x1, y1 = masks.box_xyxy(mask)
    scale = MASK_SIDE / max(height, width)
    while scale < 1 and 2 * scale * max(y1 - y0, x1 - x0) <= MASK_SIDE:
        scale *= 2
    if scale < 1:
        rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
        shown = _any_of(_any_of(mask, rows, 0), columns, 1)
    else:
        shown = mask
    x0, y0, x1, y1 = masks.box_xyxy(shown)
    flat = shown[y0:y1, x0:x1].ravel()
    changes = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    return {
        "key": stored.digest,
        "percent": percent(share),
        "size": [int(shown.shape[1]), int(shown.shape[0])],
        "box": [x0, y0, x1, y1],
        "runs": [0, *runs] if flat[0] else runs,
    }


def percent(share: float) -> str:
    """A share of the picture as text; never “0 %” for a non-empty mask."""
    value = share * 100
    return "<0.1 %" if value < 0.1 else f"{value:.1f} %" if value < 9.95 else f"{value:.0f} %"


def _any_of(mask: masks.Mask, count: int, axis: int) -> masks.Mask:
    """The mask with the axis divided into `count` equal parts; a part is True if any pixel in it is."""
    length = mask.shape[axis]
    starts = np.arange(count) * length
    # A pixel that lies across the border of two parts belongs to both.
    shown = np.logical_or.reduceat(mask, starts // count, axis=axis)
    shown |= np.logical_or.reduceat(mask, -(-starts // count), axis=axis)
    return shown
