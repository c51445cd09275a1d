"""Masks as plain boolean arrays: checking them, measuring them, and turning them into and out of other forms.

A mask is a bool array (H, W), True inside. Points are (x, y) in pixels: the pixel in column x, row y covers the
square [x, x + 1) x [y, y + 1). Boxes are half-open integers (x0, y0, x1, y1).
Knows NumPy alone (OpenCV only inside the functions about neighbouring pixels); knows no picture and no model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osprey_core.errors import InputError

Mask = NDArray[np.bool_]

MAX_STROKE_ROWS = 40_000_000
"""Most rows of pixels, summed over the segments of the strokes, that are drawn at once: some seconds of work."""
MAX_COUNTS = 4_000_000
"""Most characters or numbers of a run-length mask from elsewhere: more than any mask of a photograph needs."""
MAX_PIXELS_GROWN = 1000
_ROWS_AT_ONCE = 400_000


def as_mask(mask: Any, size_hw: tuple[int, int]) -> Mask:
    """Check that `mask` marks at least one pixel of a picture of `size_hw`, and return it as a new bool array (H, W).

    Accepts bool, and integers or floats that are all 0 or 1. Raises InputError for anything else.
    """
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
    return np.array(mask, dtype=np.bool_)


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
    height, width, runs = _checked_runs(rle)
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape((height, width), order="F")


@dataclass(frozen=True)
class CodedMask:
    """A mask in little memory, run-length coded. Equal masks are equal values, which can be hashed and kept."""

    height: int
    width: int
    counts: str = field(repr=False)
    """COCO's compressed runs, without empty runs but for a first one."""

    @classmethod
    def of(cls, mask: Mask) -> "CodedMask":
        """From a bool array (H, W)."""
        return cls(int(mask.shape[0]), int(mask.shape[1]), encode_rle(mask)["counts"])

    @classmethod
    def read(cls, rle: Any, size_hw: tuple[int, int]) -> "CodedMask":
        """From somebody else's run-length form; it is never decoded, so that a forged one costs nothing.

        Raises InputError if it is damaged, too long, empty or not of the size (height, width).
        """
        if not isinstance(rle, Mapping):
            raise InputError("rle.incomplete")
        counts = rle.get("counts")
        if isinstance(counts, str | bytes | list) and len(counts) > MAX_COUNTS:
            raise InputError("rle.too_ragged")
        height, width, runs = _checked_runs(rle)
        if (height, width) != tuple(size_hw):
            raise InputError(
                "mask.size_mismatch", width=width, height=height, picture_width=size_hw[1], picture_height=size_hw[0]
            )
        if not runs[1::2].any():
            raise InputError("mask.empty")
        return cls(height, width, _pack_counts(_without_empty_runs(runs)))

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def area(self) -> int:
        """Number of pixels inside."""
        return int(_unpack_counts(self.counts)[1::2].sum())

    def rle(self) -> dict[str, Any]:
        """COCO's form {"size": [h, w], "counts": str}."""
        return {"size": [self.height, self.width], "counts": self.counts}

    def mask(self) -> Mask:
        """A new bool array (H, W)."""
        return decode_rle(self.rle())


def _checked_runs(rle: Mapping[str, Any]) -> tuple[int, int, NDArray[np.int64]]:
    """Height, width and the run lengths, which fill them exactly."""
    try:
        height, width = (int(side) for side in rle["size"])
        counts = rle["counts"]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError("rle.incomplete") from None
    if height < 0 or width < 0:
        raise InputError("rle.size_invalid", height=height, width=width)
    runs = _unpack_counts(counts) if isinstance(counts, str | bytes) else _list_counts(counts)
    # Checked before anything is allocated, so that a forged size or run costs nothing.
    if (runs < 0).any() or (runs > height * width).any() or int(runs.sum()) != height * width:
        raise InputError("rle.size_mismatch", height=height, width=width)
    return height, width, runs


def _without_empty_runs(runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same pixels in as few runs as they need; the first run, of outside pixels, may be empty."""
    filled = np.flatnonzero(runs)
    inside = filled % 2
    begins = np.concatenate([[True], inside[1:] != inside[:-1]])
    joined = np.add.reduceat(runs[filled], np.flatnonzero(begins))
    return np.concatenate([[0], joined]) if inside[0] else joined


def _list_counts(counts: Any) -> NDArray[np.int64]:
    try:
        runs = np.asarray(counts)
        if runs.ndim != 1 or not (runs.size == 0 or np.issubdtype(runs.dtype, np.integer)):
            raise ValueError
        return runs.astype(np.int64)
    except (ValueError, TypeError, OverflowError):
        raise InputError("rle.counts_invalid") from None


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
    damaged = InputError("rle.counts_damaged")
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
        raise InputError("polygon.corners_too_few", count=len(points))
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
    """Mask of the pixels whose centre lies within `radius` of the given polylines, clipped to the picture.

    strokes_xy: polylines of shape (N, 2), N >= 1; one point is a dot. The pixels under the points are always in.
    The work grows with points times radius, and not with the area: raises InputError where it would still be too much.
    """
    if not np.isfinite(radius) or radius <= 0:
        raise InputError("brush.radius_invalid", value=f"{radius:g}")
    height, width = size_hw
    # +1 where a run of covered pixels begins, -1 behind its end; summed along the row they say what is covered.
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


# --- neighbouring pixels -------------------------------------------------------------------------------------------


def union(masks: Sequence[Mask]) -> Mask:
    """What is in any of the masks (H, W), at least one and all of one size; a new array."""
    if not masks or any(mask.shape != masks[0].shape for mask in masks):
        raise InputError("mask.union_mismatch")
    return np.logical_or.reduce(masks)


def subtract(mask: Mask, other: Mask) -> Mask:
    """What is in the mask (H, W) but not in the other one; may be empty."""
    if mask.shape != other.shape:
        raise InputError("mask.difference_mismatch")
    return mask & ~other


def invert(mask: Mask) -> Mask:
    """What is not in the mask; empty if that was the whole picture."""
    return ~mask


def grow(mask: Mask, pixels: int = 1) -> Mask:
    """The mask and every pixel whose centre lies within `pixels` of one of its own, within the picture."""
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

    What lies beyond the picture's border is not outside: a region that fills the picture stays as it is.
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
