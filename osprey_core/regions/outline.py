"""Outlines of masks as polygons along the edges of pixels, so that drawing them gives exactly the mask again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from osprey_core.regions.masks import Mask

Corner = tuple[int, int]

_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Directions of an edge: right, down, left, up. An edge has the mask on its right-hand side."""


def outlines(mask: Mask) -> list[NDArray[np.int64]]:
    """The closed loops around a mask bool (H, W), each int64 (N, 2): corners (x, y) between pixels, 0..W and 0..H.

    Loops around pixels go clockwise on the screen, those around holes the other way. Where two pixels touch at a corner
    only, they belong to different loops.
    """
    part, corner = _part_with_pixels(mask)
    edges = _edges(part)
    loops = []
    for start in np.argwhere(edges):
        y, x = (int(value) for value in start)
        while edges[y, x]:
            loops.append(_loop(edges, x, y) + corner)
    return loops


def outlines_with_holes(mask: Mask) -> list[NDArray[np.int64]]:
    """As `outlines`, but one loop for each piece: paths lead from its edge to each of its holes, around it and back.

    The two ways of such a path cover each other and run over pixels of the piece, so that filling the loop, by the
    even-odd rule or by winding, gives the piece with its holes.
    """
    part, corner = _part_with_pixels(mask)
    loops = outlines(part)
    owners = _owners_of_vertical_edges(loops, part)
    corners: list[list[Corner]] = [[(x, y) for x, y in loop.tolist()] for loop in loops]
    paths: list[dict[Corner, list[int]]] = [{} for _ in loops]  # of each loop: where the paths to which holes begin
    for hole in (place for place, loop in enumerate(loops) if area_of(loop) < 0):
        x, y = min(corners[hole])  # the upper end of the hole's leftmost edge
        start = corners[hole].index((x, y))
        corners[hole] = corners[hole][start:] + corners[hole][:start]
        outside = np.flatnonzero(~part[y, :x])
        edge = int(outside[-1]) + 1 if len(outside) else 0
        # That edge is further left than any of this hole, so that following such paths always ends at an outer loop.
        paths[owners[y, edge]].setdefault((edge, y), []).append(hole)
    return [_with_holes(place, corners, paths) + corner for place, loop in enumerate(loops) if area_of(loop) > 0]


def area_of(loop: NDArray[np.int64]) -> float:
    """The area inside a loop in pixels; negative for a hole."""
    x, y = loop[:, 0], loop[:, 1]
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


def _part_with_pixels(mask: Mask) -> tuple[Mask, NDArray[np.int64]]:
    """The part of the mask inside its box, and the box's upper left corner (x, y), int64 (2,)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return mask[:0, :0], np.zeros(2, np.int64)
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return part, np.array([columns[0], rows[0]], np.int64)


def _owners_of_vertical_edges(loops: list[NDArray[np.int64]], mask: Mask) -> NDArray[np.int32]:
    """int32 (H, W + 1): the place in `loops` of the loop that runs along the left side of a pixel, where one does."""
    owners = np.zeros((mask.shape[0], mask.shape[1] + 1), np.int32)
    for place, loop in enumerate(loops):
        for (x, y), (next_x, next_y) in zip(loop.tolist(), np.roll(loop, -1, axis=0).tolist(), strict=True):
            if x == next_x:
                owners[min(y, next_y) : max(y, next_y), x] = place
    return owners


def _with_holes(outer: int, corners: list[list[Corner]], paths: list[dict[Corner, list[int]]]) -> NDArray[np.int64]:
    """The corners of the loop at `outer` with those of its holes, int64 (N, 2)."""
    joined: list[Corner] = []
    unfinished = [_stops(corners[outer], paths[outer])]
    while unfinished:
        if (stop := next(unfinished[-1], None)) is None:
            unfinished.pop()
            continue
        joined.append(stop[0])
        for hole in stop[1]:
            back: list[tuple[Corner, list[int]]] = [(corners[hole][0], []), (stop[0], [])]
            unfinished.append(chain(_stops(corners[hole], paths[hole]), back))
    return np.array(joined, np.int64)


def _stops(corners: list[Corner], paths: dict[Corner, list[int]]) -> Iterator[tuple[Corner, list[int]]]:
    """The corners of a loop, and the places between them where paths begin, in order, each with the holes of its paths.

    A corner that the loop passes twice has its paths once.
    """
    rows_of: dict[int, list[int]] = {}  # by column, in order
    for column, row in sorted(paths):
        rows_of.setdefault(column, []).append(row)
    open_paths = dict(paths)
    for (x, y), (next_x, next_y) in zip(corners, corners[1:] + corners[:1], strict=True):
        yield (x, y), open_paths.pop((x, y), [])
        if x == next_x:
            rows = rows_of.get(x, [])
            between = rows[bisect_right(rows, min(y, next_y)) : bisect_left(rows, max(y, next_y))]
            for row in between if y < next_y else reversed(between):
                yield (x, row), open_paths.pop((x, row), [])


def _edges(mask: Mask) -> NDArray[np.uint8]:
    """uint8 (H + 1, W + 1): for each corner between pixels, as bits, the directions in which an edge leaves it."""
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    edges = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.uint8)
    edges[:-1, :-1] |= (inside & ~padded[:-2, 1:-1]).astype(np.uint8)
    edges[:-1, 1:] |= (inside & ~padded[1:-1, 2:]).astype(np.uint8) << 1
    edges[1:, 1:] |= (inside & ~padded[2:, 1:-1]).astype(np.uint8) << 2
    edges[1:, :-1] |= (inside & ~padded[1:-1, :-2]).astype(np.uint8) << 3
    return edges


def _loop(edges: NDArray[np.uint8], x: int, y: int) -> NDArray[np.int64]:
    """One loop from a corner, whose edges are taken out of `edges`."""
    start, direction = (x, y), -1
    corners: list[tuple[int, int]] = []
    while True:
        bits = int(edges[y, x])
        # At a corner with two ways, turn to the right, towards the loop's own pixel.
        turns: Iterable[int] = range(4) if direction < 0 else ((direction + turn) % 4 for turn in (1, 0, 3))
        following = next(turn for turn in turns if bits >> turn & 1)
        if following != direction:
            corners.append((x, y))
        direction = following
        edges[y, x] = bits & ~(1 << direction)
        x, y = x + _STEPS[direction][0], y + _STEPS[direction][1]
        if (x, y) == start:
            return np.array(corners, np.int64)
