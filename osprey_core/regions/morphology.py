"""Operations on masks: set operations, growing and shrinking, components and holes. All return new arrays.

OpenCV is imported only inside the functions that need it.
"""

from collections.abc import Sequence

import numpy as np

from osprey_core.errors import InputError
from osprey_core.regions.masks import Mask, box_xyxy

MAX_PIXELS_GROWN = 1000


def union(masks: Sequence[Mask]) -> Mask:
    """The union of at least one mask (H, W). Raises InputError unless all have the same size."""
    if not masks or any(mask.shape != masks[0].shape for mask in masks):
        raise InputError("mask.union_mismatch")
    return np.logical_or.reduce(masks)


def subtract(mask: Mask, other: Mask) -> Mask:
    """The mask (H, W) without the other one's pixels; may be empty. Raises InputError if their sizes differ."""
    if mask.shape != other.shape:
        raise InputError("mask.difference_mismatch")
    return mask & ~other


def invert(mask: Mask) -> Mask:
    """The complement of the mask; empty if the mask fills the picture."""
    return ~mask


def grow(mask: Mask, pixels: int = 1) -> Mask:
    """The mask and every pixel of the picture whose centre lies within `pixels` of the centre of a mask pixel."""
    if isinstance(pixels, bool) or not isinstance(pixels, int) or not 1 <= pixels <= MAX_PIXELS_GROWN:
        raise InputError("mask.growth_invalid", limit=MAX_PIXELS_GROWN, value=repr(pixels))
    import cv2

    grown = mask.copy()
    if not mask.any() or mask.all():
        return grown
    x0, y0, x1, y1 = box_xyxy(mask)
    window = slice(max(0, y0 - pixels), y1 + pixels), slice(max(0, x0 - pixels), x1 + pixels)
    distance = cv2.distanceTransform((~mask[window]).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Distances are roots of whole numbers: the next one after n lies at sqrt(n² + 1), beyond n + 1 / (4 n).
    grown[window] = distance <= pixels + 1 / (4 * pixels)
    return grown


def shrink(mask: Mask, pixels: int = 1) -> Mask:
    """The mask without every pixel whose centre lies within `pixels` of one outside it; may be empty.

    Beyond the picture's border nothing counts as outside: a region that fills the picture stays unchanged.
    """
    return ~grow(~mask, pixels)


def largest_component(mask: Mask) -> Mask:
    """The largest 8-connected part of the mask; an empty mask stays empty."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask.copy()
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))


def fill_holes(mask: Mask, max_area: float | None = None) -> Mask:
    """The mask with its enclosed holes filled: background that reaches no side of the picture through 4-neighbours.

    max_area: holes with more pixels than this stay; None fills them all.
    """
    import cv2

    filled = mask.copy()
    if not mask.any():
        return filled
    x0, y0, x1, y1 = box_xyxy(mask)  # every hole lies in the box, which is often much smaller than the picture
    framed = np.pad(~mask[y0:y1, x0:x1], 1, constant_values=True)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(framed.astype(np.uint8), connectivity=4)
    fill = np.ones(count, dtype=np.bool_)
    fill[0] = False  # the mask itself
    fill[labels[0, 0]] = False  # the frame: everything that reaches outside
    if max_area is not None:
        fill &= stats[:, cv2.CC_STAT_AREA] <= max_area
    filled[y0:y1, x0:x1] |= fill[labels][1:-1, 1:-1]
    return filled
