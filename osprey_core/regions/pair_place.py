"""Where one region lies as seen from another, by their masks alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osprey_core.regions.masks import Mask, area, box_xyxy

_DIAGONAL = 1.5
"""Where the longer side of the way between two middles is more than so many times the shorter, the direction is a
straight one; otherwise it is both. Just between what training scenes call straight (1.73) and diagonal (1.33)."""


@dataclass(frozen=True)
class PairPlace:
    """How the first of two regions lies to the second."""

    directions: frozenset[str]
    """One or two of "left", "right", "above" and "below", by the middles of their boxes."""
    shared: float
    """Pixels of both, as a share of the smaller region."""


def pair_place(first: Mask, second: Mask) -> PairPlace:
    """How one region lies to another; both bool (H, W) with at least one pixel."""
    ax0, ay0, ax1, ay1 = box_xyxy(first)
    bx0, by0, bx1, by1 = box_xyxy(second)
    dx, dy = (ax0 + ax1 - bx0 - bx1) / 2, (ay0 + ay1 - by0 - by1) / 2
    across, along = "left" if dx < 0 else "right", "above" if dy < 0 else "below"
    if abs(dx) > _DIAGONAL * abs(dy):
        directions = frozenset({across})
    elif abs(dy) > _DIAGONAL * abs(dx):
        directions = frozenset({along})
    else:
        directions = frozenset({across, along})
    return PairPlace(
        directions,
        float(np.count_nonzero(first & second)) / min(area(first), area(second)),
    )
