"""Convert a hand-drawn mark to a segmenter's prompt, and choose the resulting mask that fits the mark best."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from osprey_core.regions.masks import Mask, box_xyxy, intersection_over_union
from osprey_core.segment.protocol import BoxXYXY, PointXY

MAX_POINTS = 3
"""Largest number of points. Only deep ones are used, because a rough outline also contains pixels outside the thing."""

DEEP = 0.7
"""Smallest depth of a point, as a share of the largest depth."""


@dataclass(frozen=True)
class Hints:
    """Points (x, y) that belong to a mark, the deepest first, and the box (x0, y0, x1, y1) around it, in pixels."""

    points_xy: tuple[PointXY, ...]
    box_xyxy: BoxXYXY


def hints_of(mask: Mask) -> Hints:
    """Hints for a mark, bool (H, W) with at least one pixel: its box and up to MAX_POINTS points.

    The first point is the pixel farthest from everything outside the mask; each further one lies nearly as deep, as far
    as possible from those before it, so that they spread along a stroke. All are centres of pixels of the mask.
    """
    x0, y0, x1, y1 = box_xyxy(mask)
    framed = np.pad(mask[y0:y1, x0:x1], 1).astype(np.uint8)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    rows, columns = np.nonzero(depth >= DEEP * depth.max())
    best = int(np.argmax(depth[rows, columns]))
    apart = np.full(rows.shape, np.inf)  # distance to the nearest point that is chosen already
    points: list[PointXY] = []
    while len(points) < MAX_POINTS and apart[best] > 0:
        points.append((float(x0 + columns[best]) + 0.5, float(y0 + rows[best]) + 0.5))
        apart = np.minimum(apart, np.hypot(rows - rows[best], columns - columns[best]))
        best = int(np.argmax(apart))
    return Hints(tuple(points), (float(x0), float(y0), float(x1), float(y1)))


def best_match(candidates: Sequence[Mask], mask: Mask) -> int | None:
    """The index of the candidate with the largest intersection over union with the mask; None if none overlaps it."""
    overlaps = [intersection_over_union(candidate, mask) for candidate in candidates]
    best = max(range(len(overlaps)), key=overlaps.__getitem__, default=None)
    return best if best is not None and overlaps[best] > 0 else None
