"""Rasterization of outlines and brush strokes to masks.

Points are (x, y) in pixels, as in `masks`; a pixel is covered if its centre is.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osprey_core.errors import InputError
from osprey_core.regions.masks import Mask

MAX_STROKE_ROWS = 40_000_000
"""Largest number of pixel rows, summed over the segments of all strokes of one call: some seconds of work."""
_ROWS_AT_ONCE = 400_000


def polygon_to_mask(points_xy: ArrayLike, size_hw: tuple[int, int]) -> Mask:
    """Mask of the pixels whose centre lies inside a closed polygon (even-odd rule), clipped to the picture.

    points_xy: (N, 2), N >= 3, finite; corners may lie outside the picture. Raises InputError otherwise.
    """
    points = _as_points(points_xy)
    if len(points) < 3:
        raise InputError("polygon.corners_too_few", count=len(points))
    height, width = size_hw
    # Each edge flips all pixels right of its crossing with a row's centre line; a pixel is inside if the number of
    # flips at or left of it is odd.
    flips = np.zeros((height, width + 1), dtype=np.int32)
    for (xa, ya), (xb, yb) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if ya == yb:
            continue
        if ya > yb:
            xa, ya, xb, yb = xb, yb, xa, ya
        rows = np.arange(
            max(0, int(np.ceil(max(ya, -1.0) - 0.5))), min(height, int(np.ceil(min(yb, height + 1.0) - 0.5)))
        )
        if rows.size:
            crossing = xa + (rows + 0.5 - ya) / (yb - ya) * (xb - xa)
            columns = np.ceil(np.clip(crossing, -1, width + 1) - 0.5).clip(0, width).astype(np.intp)
            flips[rows, columns] += 1
    return (np.cumsum(flips, axis=1)[:, :width] % 2).astype(np.bool_)


def strokes_to_mask(strokes_xy: Sequence[ArrayLike], radius: float, size_hw: tuple[int, int]) -> Mask:
    """Mask of the pixels whose centre lies within `radius` of the given polylines, clipped to the picture.

    strokes_xy: polylines of shape (N, 2), N >= 1; one point is a dot. The pixels under the points are always in.
    The work grows with points times radius, and not with the area: raises InputError where it would still be too much.
    """
    if not np.isfinite(radius) or radius <= 0:
        raise InputError("brush.radius_invalid", value=f"{radius:g}")
    height, width = size_hw
    # +1 where a run of covered pixels begins, -1 after its end; a pixel is covered if the sum up to it is positive.
    edges = np.zeros((height, width + 1), dtype=np.int32)
    budget = MAX_STROKE_ROWS
    for stroke in strokes_xy:
        points = np.clip(_as_points(stroke), -1e6, 1e6)
        inside = points[((points >= 0) & (points < (width, height))).all(axis=1)].astype(np.intp)
        _add_runs(edges, inside[:, 1], inside[:, 0], inside[:, 0] + 1)
        ends = points[1:] if len(points) > 1 else points
        budget -= _add_capsules(edges, points[: len(ends)], ends, float(radius), budget)
    return np.cumsum(edges[:, :width], axis=1, dtype=np.int32) > 0


def _add_runs(edges: NDArray[np.int32], rows: NDArray[np.intp], first: NDArray[np.intp], end: NDArray[np.intp]) -> None:
    flat = edges.reshape(-1)
    np.add.at(flat, rows * edges.shape[1] + first, 1)
    np.add.at(flat, rows * edges.shape[1] + end, -1)


def _add_capsules(
    edges: NDArray[np.int32], starts: NDArray[np.float64], ends: NDArray[np.float64], radius: float, budget: int
) -> int:
    """Add all that is within `radius` of the segments, (N, 2) each; returns how many rows of segments that were."""
    height, width = edges.shape[0], edges.shape[1] - 1
    low, high = np.minimum(starts, ends) - radius, np.maximum(starts, ends) + radius
    near = (high[:, 0] > 0) & (low[:, 0] < width) & (high[:, 1] > 0) & (low[:, 1] < height)
    starts, ends = starts[near], ends[near]
    top = np.floor(low[near, 1]).clip(0, height).astype(np.int64)
    counts = np.ceil(high[near, 1]).clip(0, height).astype(np.int64) - top
    total = int(counts.sum())
    if total > budget:
        raise InputError("brush.stroke_too_long")
    offsets = np.cumsum(counts) - counts
    first = 0
    while first < len(counts):  # a part at a time, so that memory stays small
        last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + _ROWS_AT_ONCE)))
        part = slice(first, last)
        segment = np.repeat(np.arange(first, min(last, len(counts))), counts[part])
        rows = np.arange(len(segment)) - np.repeat(offsets[part] - offsets[first], counts[part]) + top[segment]
        left, right = _capsule_rows(starts[segment], ends[segment], rows + 0.5, radius)
        # Centres that lie on the rim belong to the stroke, whatever the last bit says.
        begin = np.ceil(left - 0.5 - 1e-9).clip(0, width)
        end = (np.floor(right - 0.5 + 1e-9) + 1).clip(0, width)
        full = begin < end
        _add_runs(edges, rows[full], begin[full].astype(np.intp), end[full].astype(np.intp))
        first = last
    return total


def _capsule_rows(
    start: NDArray[np.float64], end: NDArray[np.float64], y: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the line at height y (N,) enters and leaves the capsule around start-end (N, 2); inf, -inf if nowhere.

    A capsule is convex, so that it is two discs and the strip between them, each of which gives one interval.
    """
    left, right = np.full(len(y), np.inf), np.full(len(y), -np.inf)
    for centre in (start, end):
        half2 = radius**2 - (y - centre[:, 1]) ** 2
        half = np.sqrt(np.maximum(half2, 0))
        left = np.where(half2 >= 0, np.minimum(left, centre[:, 0] - half), left)
        right = np.where(half2 >= 0, np.maximum(right, centre[:, 0] + half), right)
    dx, dy = (end - start).T
    length2 = dx**2 + dy**2
    v = y - start[:, 1]
    # Along the segment 0 <= u dx + v dy <= length2, across it |u dy - v dx| <= radius length; u is x from the start.
    along = _between(dx, -v * dy, length2 - v * dy)
    reach = radius * np.sqrt(length2)
    across = _between(dy, v * dx - reach, v * dx + reach)
    low, high = np.maximum(along[0], across[0]), np.minimum(along[1], across[1])
    strip = (low <= high) & (length2 > 0)
    left = np.where(strip, np.minimum(left, start[:, 0] + low), left)
    right = np.where(strip, np.maximum(right, start[:, 0] + high), right)
    return left, right


def _between(
    factor: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The interval of u with low <= factor u <= high: everything or nothing (inf, -inf) where the factor is 0."""
    flat = factor == 0
    divisor = np.where(flat, 1.0, factor)
    one, other = low / divisor, high / divisor
    everything = flat & (low <= 0) & (high >= 0)
    first = np.where(flat, np.where(everything, -np.inf, np.inf), np.minimum(one, other))
    last = np.where(flat, np.where(everything, np.inf, -np.inf), np.maximum(one, other))
    return first, last


def _as_points(points_xy: ArrayLike) -> NDArray[np.float64]:
    try:
        points = np.asarray(points_xy, dtype=np.float64)
    except (ValueError, TypeError):
        raise InputError("points.not_pairs") from None
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise InputError("points.shape_invalid", shape=str(points.shape))
    if not np.isfinite(points).all():
        raise InputError("points.not_finite")
    return points
