"""Masks as plain boolean arrays: checking them, measuring them, and turning them into and out of other forms.

A mask is a bool array (H, W), True inside. Points are (x, y) in pixels: the pixel in column x, row y covers the
square [x, x + 1) x [y, y + 1). Boxes are half-open integers (x0, y0, x1, y1).
Knows NumPy alone (OpenCV only inside the two functions about connected pixels); knows no picture and no model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osprey_core.errors import InputError

Mask = NDArray[np.bool_]


def as_mask(mask: Any, size_hw: tuple[int, int]) -> Mask:
    """Check that `mask` marks at least one pixel of a picture of `size_hw`, and return it as a new bool array (H, W).

    Accepts bool, and integers or floats that are all 0 or 1. Raises InputError for anything else.
    """
    if not isinstance(mask, np.ndarray):
        raise InputError(
            f"A mask must be a NumPy array, not {type(mask).__name__}; convert it with numpy.asarray first."
        )
    if mask.ndim != 2:
        raise InputError(
            f"A mask must have two dimensions (height, width), but this one has the shape {mask.shape}; "
            "give one mask for each region, without a channel axis."
        )
    height, width = size_hw
    if mask.shape != (height, width):
        raise InputError(
            f"The mask is {mask.shape[1]} x {mask.shape[0]} pixels, but the picture is {width} x {height}; "
            "a mask must be exactly as large as its picture."
        )
    if mask.dtype != np.bool_:
        if not (np.issubdtype(mask.dtype, np.integer) or np.issubdtype(mask.dtype, np.floating)):
            raise InputError(f"A mask must hold True and False or 0 and 1, not values of the type {mask.dtype}.")
        odd = mask[(mask != 0) & (mask != 1)]
        if odd.size:
            raise InputError(
                f"A mask must hold only 0 and 1, but this one holds {odd.flat[0]:g}; "
                "threshold it first, for example mask > 0."
            )
    if not mask.any():
        raise InputError("The mask is empty; mark at least one pixel of the region.")
    return np.array(mask, dtype=np.bool_)


def area(mask: Mask) -> int:
    """Number of pixels inside the mask."""
    return int(np.count_nonzero(mask))


def box_xyxy(mask: Mask) -> tuple[int, int, int, int]:
    """Smallest half-open box (x0, y0, x1, y1) around the mask. Raises InputError if the mask is empty."""
    columns = np.flatnonzero(mask.any(axis=0))
    rows = np.flatnonzero(mask.any(axis=1))
    if not columns.size:
        raise InputError("An empty mask has no box; mark at least one pixel of the region.")
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def intersection_over_union(one: Mask, other: Mask) -> float:
    """Overlap of two masks of the same size, 0..1; two empty masks count as equal (1)."""
    union = np.count_nonzero(one | other)
    return float(np.count_nonzero(one & other) / union) if union else 1.0


# --- run-length encoding -------------------------------------------------------------------------------------------


def encode_rle(mask: Mask) -> dict[str, Any]:
    """COCO's compressed run-length form {"size": [h, w], "counts": str}; the inverse of decode_rle."""
    height, width = mask.shape
    flat = np.asarray(mask, dtype=np.bool_).ravel(order="F")  # COCO runs down the columns
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts_inside = bool(flat.size) and bool(flat[0])
    edges = np.concatenate([[0], [0] if starts_inside else [], changes, [flat.size]]).astype(np.int64)
    return {"size": [int(height), int(width)], "counts": _pack_counts(np.diff(edges))}


def decode_rle(rle: Mapping[str, Any]) -> Mask:
    """Mask (H, W) from COCO's run-length form, compressed (str or bytes) or not (a list of run lengths).

    Raises InputError if the runs do not fill the stated size exactly.
    """
    try:
        height, width = (int(side) for side in rle["size"])
        counts = rle["counts"]
    except (KeyError, TypeError, ValueError):
        raise InputError('A run-length mask needs "size": [height, width] and "counts".') from None
    if height < 0 or width < 0:
        raise InputError(f"A run-length mask cannot have the size {height} x {width}.")
    runs = _unpack_counts(counts) if isinstance(counts, str | bytes) else _list_counts(counts)
    # Checked before anything is allocated, so that a forged size or run costs nothing.
    if (runs < 0).any() or (runs > height * width).any() or int(runs.sum()) != height * width:
        raise InputError(
            f"The run lengths do not fill a mask of {height} x {width} pixels; the mask is damaged or has another size."
        )
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape((height, width), order="F")


def _list_counts(counts: Any) -> NDArray[np.int64]:
    try:
        runs = np.asarray(counts)
        if runs.ndim != 1 or not (runs.size == 0 or np.issubdtype(runs.dtype, np.integer)):
            raise ValueError
        return runs.astype(np.int64)
    except (ValueError, TypeError, OverflowError):
        raise InputError("The counts of a run-length mask must be a string or a list of whole numbers.") from None


def _pack_counts(runs: NDArray[np.int64]) -> str:
    # From the fourth run on, COCO stores the difference to the run two places earlier (the last one of its colour).
    values = runs.copy()
    values[3:] -= runs[1:-2]
    # Little-endian groups of 5 bits; bit 5 says that more follow; bit 4 of the last group is the sign.
    groups: list[NDArray[np.int64]] = []
    present: list[Mask] = []
    alive = np.ones(len(values), dtype=np.bool_)
    while alive.any():
        low = values & 0x1F
        values = values >> 5
        more = np.where(low & 0x10, values != -1, values != 0) & alive
        groups.append(low + np.where(more, 0x20, 0) + 48)
        present.append(alive)
        alive = more
    if not groups:
        return ""
    codes = np.stack(groups, axis=1)  # (runs, groups)
    return codes[np.stack(present, axis=1)].astype(np.uint8).tobytes().decode("ascii")


def _unpack_counts(text: str | bytes) -> NDArray[np.int64]:
    damaged = InputError("The counts of the run-length mask are damaged; encode the mask again.")
    try:
        raw = text.encode("ascii") if isinstance(text, str) else bytes(text)
    except UnicodeEncodeError:
        raise damaged from None
    codes = np.frombuffer(raw, dtype=np.uint8).astype(np.int64) - 48
    if not codes.size:
        return np.zeros(0, dtype=np.int64)
    last = (codes & 0x20) == 0
    if (codes < 0).any() or (codes > 0x3F).any() or not last[-1]:
        raise damaged
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 7:  # 35 bits: no run of a picture is longer
        raise damaged
    place = np.arange(codes.size) - np.repeat(starts, lengths)
    values = np.add.reduceat((codes & 0x1F) << (5 * place), starts)
    values -= np.where(codes[ends] & 0x10, np.int64(1) << (5 * lengths), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values


# --- drawing -------------------------------------------------------------------------------------------------------


def polygon_to_mask(points_xy: ArrayLike, size_hw: tuple[int, int]) -> Mask:
    """Mask of the pixels whose centre lies inside a closed polygon (even-odd rule), clipped to the picture.

    points_xy: (N, 2), N >= 3, finite; corners may lie outside the picture. Raises InputError otherwise.
    """
    points = _as_points(points_xy)
    if len(points) < 3:
        raise InputError(f"A polygon needs at least three corners, but this one has {len(points)}.")
    height, width = size_hw
    # Each edge flips everything to the right of where it crosses the centre line of a row; the parity of the flips
    # to the left of a pixel says whether it is inside.
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
    """Mask of everything within `radius` pixels of the given polylines, clipped to the picture.

    strokes_xy: polylines of shape (N, 2), N >= 1; one point is a dot. The pixels under the points are always in.
    """
    if not np.isfinite(radius) or radius <= 0:
        raise InputError(f"The brush radius must be greater than 0, but it is {radius:g}.")
    height, width = size_hw
    mask = np.zeros((height, width), dtype=np.bool_)
    for stroke in strokes_xy:
        points = _as_points(stroke)
        for x, y in points:
            if 0 <= x < width and 0 <= y < height:
                mask[int(y), int(x)] = True
        ends = points[1:] if len(points) > 1 else points
        for start, end in zip(points, ends, strict=False):
            _mark_capsule(mask, start, end, float(radius))
    return mask


def _mark_capsule(mask: Mask, start: NDArray[np.float64], end: NDArray[np.float64], radius: float) -> None:
    height, width = mask.shape
    low, high = np.minimum(start, end) - radius, np.maximum(start, end) + radius
    x0, y0 = (int(np.clip(np.floor(v), 0, side)) for v, side in zip(low, (width, height), strict=True))
    x1, y1 = (int(np.clip(np.ceil(v), 0, side)) for v, side in zip(high, (width, height), strict=True))
    if x0 >= x1 or y0 >= y1:
        return
    x = np.arange(x0, x1)[None, :] + 0.5 - start[0]
    y = np.arange(y0, y1)[:, None] + 0.5 - start[1]
    along = end - start
    length2 = float(along @ along)
    t = np.clip((x * along[0] + y * along[1]) / length2, 0, 1) if length2 else np.zeros((1, 1))
    mask[y0:y1, x0:x1] |= (x - t * along[0]) ** 2 + (y - t * along[1]) ** 2 <= radius**2


def _as_points(points_xy: ArrayLike) -> NDArray[np.float64]:
    try:
        points = np.asarray(points_xy, dtype=np.float64)
    except (ValueError, TypeError):
        raise InputError("Points must be pairs of numbers (x, y).") from None
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise InputError(f"Points must be a list of pairs (x, y), but this has the shape {points.shape}.")
    if not np.isfinite(points).all():
        raise InputError("Points must be finite numbers.")
    return points


# --- connected pixels ----------------------------------------------------------------------------------------------


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
