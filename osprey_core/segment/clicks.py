"""Where a person would click: in the middle of a thing, and then in the middle of what an answer has wrong.

Knows masks only. Training simulates people with it, evaluation measures with it.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from osprey_core.regions.masks import Mask
from osprey_core.segment.protocol import PointXY


@dataclass(frozen=True)
class Correction:
    """A click (x, y) in pixels and its label: 1, the place was missed; 0, it is too much."""

    point_xy: PointXY
    label: int


def middle_of(mask: Mask) -> PointXY:
    """The centre (x, y) of the mask's pixel that lies farthest from its border; the picture's border counts as one.

    mask: bool (H, W) with at least one pixel. In a mask of several pieces it lies in the thickest.
    """
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = divmod(int(depth.argmax()), mask.shape[1])
    return column + 0.5, row + 0.5


def middle_of_largest_piece(mask: Mask) -> PointXY:
    """`middle_of` the largest connected piece of a mask bool (H, W) with at least one pixel."""
    piece, _ = _largest_piece(mask)
    return middle_of(piece)


def next_click(target: Mask, answer: Mask) -> Correction | None:
    """The click in the middle of the largest piece of the answer's error; None where the answer is right.

    target, answer: bool (H, W).
    """
    missed, surplus = target & ~answer, answer & ~target
    pieces = [(_largest_piece(wrong), label) for wrong, label in ((missed, 1), (surplus, 0)) if wrong.any()]
    if not pieces:
        return None
    (piece, _), label = max(pieces, key=lambda item: item[0][1])
    return Correction(middle_of(piece), label)


def _largest_piece(mask: Mask) -> tuple[Mask, int]:
    """The largest connected piece of a mask that is not empty, bool (H, W), and its area in pixels."""
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return numbers == largest, int(stats[largest, cv2.CC_STAT_AREA])
