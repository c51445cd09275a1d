"""Outlines of masks as polygons along the edges of pixels, so that drawing them gives exactly the mask again."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from osprey_core.regions.masks import Mask

_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Directions of an edge: right, down, left, up. An edge has the mask on its right-hand side."""


def outlines(mask: Mask) -> list[NDArray[np.int64]]:
    """The closed loops around a mask bool (H, W), each int64 (N, 2): corners (x, y) between pixels, 0..W and 0..H.

    Loops around pixels go clockwise on the screen, those around holes the other way. Where two pixels touch at a corner
    only, they belong to different loops.
    """
    edges = _edges(mask)
    loops = []
    for start in np.argwhere(edges):
        y, x = (int(value) for value in start)
        while edges[y, x]:
            loops.append(_loop(edges, x, y))
    return loops


def area_of(loop: NDArray[np.int64]) -> float:
    """The area inside a loop in pixels; negative for a hole."""
    x, y = loop[:, 0], loop[:, 1]
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


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
