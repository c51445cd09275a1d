"""Label maps that a lossy format has blurred: the few levels or colours of their areas, found again.

Such a format changes the values, most of all along borders. Inside an area they stay nearly the same, so areas that are
flat show which levels there were; the pixels along borders go to the level beside them that is nearest in value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST_PIXELS = 16_000_000
"""Larger pictures are not searched for levels."""

_FLAT_STEP = 8
"""How much the values around a pixel may differ in a flat area."""
_NEAR = 20
"""How far from its level a value of a flat area may be, in its worst channel."""
_FEWEST_PIXELS = 24
"""Flat pixels of a level: a smaller one may be an accident along a border."""
_MOST_LEVELS = 65
_LEAST_FLAT = 0.5
"""Share of the picture that a label map's flat areas cover."""
_MOST_STRAY = 0.01
"""Share of the flat pixels that belong to no level."""
_WIDEST_BORDER = 16
"""Pixels: chroma at half its size is blurred over two blocks of eight."""


def levels_of(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """Levels (L, 3) as RGB, most frequent first, and the level of each pixel (H, W); None if none are clear.

    None as well for more than MOST_PIXELS, because it takes 28 bytes for each.
    """
    if image.width * image.height > MOST_PIXELS:
        return None
    values = np.asarray(image.convert("RGB"))
    flat = _flat(values)
    levels = _frequent(values[flat]) if flat.mean() >= _LEAST_FLAT else None
    if levels is None:
        return None
    return levels.astype(np.uint8), _assigned(values, flat, levels)


def _flat(values: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels (H, W) around which no channel changes much within 3 x 3."""
    image = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = values.shape[:2]
    low, high = values.copy(), values.copy()
    for y in range(3):
        for x in range(3):
            part = image[y : y + height, x : x + width]
            np.minimum(low, part, out=low)
            np.maximum(high, part, out=high)
    return np.asarray(((high - low) <= _FLAT_STEP).all(axis=2))


def _frequent(colors: NDArray[np.uint8]) -> NDArray[np.int16] | None:
    """The levels (L, 3) of the colours (N, 3) of flat pixels; None if they do not gather around a few."""
    packed = colors.astype(np.int32) @ np.array([65536, 256, 1], dtype=np.int32)
    used, counts = np.unique(packed, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    used, counts = used[order], counts[order]
    rest = np.stack([used >> 16, used >> 8 & 255, used & 255], axis=1).astype(np.int16)
    levels: list[NDArray[np.int16]] = []
    stray = 0
    while len(rest):
        near = (np.abs(rest - rest[0]) <= _NEAR).all(axis=1)
        size = int(counts[near].sum())
        if size < _FEWEST_PIXELS:
            stray += size
        else:
            levels.append(np.round(np.average(rest[near], axis=0, weights=counts[near])).astype(np.int16))
        rest, counts = rest[~near], counts[~near]
        if len(levels) > _MOST_LEVELS or stray > _MOST_STRAY * len(colors):
            return None
    found = np.array(levels, dtype=np.int16).reshape(-1, 3)
    apart = np.abs(found[:, None] - found[None]).max(axis=2) + 999 * np.eye(len(found), dtype=np.int16)
    # Levels that lie as close to each other as their own noise are a ramp that was cut into pieces.
    return None if len(found) < 2 or apart.min() <= 1.5 * _NEAR else found


def _assigned(values: NDArray[np.uint8], flat: NDArray[np.bool_], levels: NDArray[np.int16]) -> NDArray[np.uint8]:
    """The level of each pixel (H, W): that of flat areas grows into their borders, where it is nearest in value."""
    none = len(levels)
    wide = values.astype(np.int16)
    nearest, least = np.zeros(flat.shape, dtype=np.uint8), np.full(flat.shape, 999, dtype=np.int16)
    for place, level in enumerate(levels):  # one after another: a large picture has no room for all distances
        distance = np.abs(wide - level).max(axis=2)
        closer = distance < least
        nearest[closer], least[closer] = place, distance[closer]
    labels = np.where(flat & (least <= _NEAR), nearest, none).astype(np.uint8)
    for _ in range(_WIDEST_BORDER):
        open_y, open_x = np.nonzero(labels == none)
        if not len(open_y):
            break
        around = np.pad(labels, 1, constant_values=none)
        best = np.full(len(open_y), 999, dtype=np.int16)
        chosen = np.full(len(open_y), none, dtype=np.uint8)
        for y, x in ((0, 1), (1, 0), (1, 2), (2, 1)):
            beside = around[open_y + y, open_x + x]
            level = levels[np.minimum(beside, none - 1)]
            distance = np.where(beside < none, np.abs(wide[open_y, open_x] - level).max(axis=1), 999)
            closer = distance < best
            best[closer], chosen[closer] = distance[closer], beside[closer]
        labels[open_y, open_x] = chosen
    return np.where(labels == none, nearest, labels)
