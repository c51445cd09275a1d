"""Pastes things into a picture so that each keeps enough visible pixels, and records what hides what."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from osprey_core.training.scenes.drawings import Drawing
from osprey_core.training.scenes.drawn import Rng
from osprey_core.training.scenes.names import Thing

_MIN_VISIBLE = 0.45  # share of a thing's pixels that stay visible
_NOBODY = 255  # in the owner map: a sticker's rim

_IN_THE_AIR = frozenset({
    "sky thing", "bird", "insect", "rocket", "airplane", "balloon", "kite", "helicopter", "parachute", "flying saucer",
    "satellite", "butterfly",
})  # fmt: skip


@dataclass
class PlacedThing:
    """One thing in the picture being made."""

    drawing: Drawing
    parts: np.ndarray | None
    """uint8 (h, w) in the box: 0 where no part, k for the drawing's part_names[k - 1]."""
    box_xyxy: tuple[int, int, int, int]
    """Half-open, around all its pixels inside the picture, hidden ones included."""
    full_area: int
    """All its pixels, hidden ones and those beyond the picture's edge included."""
    hidden_by: set[int] = field(default_factory=set)
    """Places in the list of placed things of those that cover some of it."""


def place(
    rng: Rng,
    image: np.ndarray,
    owner: np.ndarray,
    placed: list[PlacedThing],
    drawing: Drawing,
    rgba: np.ndarray,
    solid: np.ndarray,
    parts: np.ndarray | None,
    *,
    shadow: bool,
    tidy: bool,
    ground: tuple[int, int] | None,
) -> None:
    """Paste in front of what is there, at a place where all keep enough visible pixels; or give up.

    Args:
        image: uint8 (H, W, 3), painted on.
        owner: uint8 (H, W), written to: 0 background, k for placed[k - 1].
        placed: what is in the picture so far, from back to front; the new thing is appended.
        drawing: what the thing is.
        rgba: its turned picture, uint8 (h, w, 4) premultiplied.
        solid: bool (h, w), which of these pixels belong to the thing; an outline does not.
        parts: uint8 (h, w), its turned part map.
        tidy: neither cut by the edge nor overlapping.
        ground: lowest and highest allowed top row.
    """
    height, width = owner.shape
    h, w = rgba.shape[:2]
    covering = rgba[..., 3] > 110
    full = int(np.count_nonzero(solid))
    if full < 40:
        return
    over = 0.12 if rng.random() < 0.15 and not tidy else 0.0  # now and then cut by the picture's edge
    overlap_wanted = rng.random() < 0.4 and not tidy
    visible = np.bincount(owner.ravel(), minlength=len(placed) + 1)
    attempts = 8 if not tidy else 40
    for attempt in range(attempts):
        x = int(rng.integers(-int(over * w), max(1, width - w + int(over * w) + 1)))
        y = int(rng.integers(-int(over * h), max(1, height - h + int(over * h) + 1)))
        if ground is not None:
            y = int(rng.integers(ground[0], ground[1] + 1))
        x0, y0, x1, y1 = max(0, x), max(0, y), min(width, x + w), min(height, y + h)
        inside = solid[y0 - y : y1 - y, x0 - x : x1 - x]
        if np.count_nonzero(inside) < 0.7 * full:
            continue
        covered = covering[y0 - y : y1 - y, x0 - x : x1 - x]
        under = np.bincount(owner[y0:y1, x0:x1][covered], minlength=len(placed) + 1)
        touched = [k for k in range(1, len(placed) + 1) if under[k]]
        if touched and not overlap_wanted and (tidy or attempt < 6):
            continue
        if any(visible[k] - under[k] < _MIN_VISIBLE * 1.05 * placed[k - 1].full_area for k in touched):
            continue
        break
    else:
        return
    if shadow:
        _shadow(image, owner, rgba[..., 3], x, y)
    region = image[y0:y1, x0:x1]
    patch = rgba[y0 - y : y1 - y, x0 - x : x1 - x]
    keep = 255 - patch[..., 3:4].astype(np.uint16)
    region[:] = ((region * keep + 127) // 255 + patch[..., :3]).clip(0, 255).astype(np.uint8)
    owner[y0:y1, x0:x1][covered] = _NOBODY
    owner[y0:y1, x0:x1][inside] = len(placed) + 1
    for k in touched:
        if under[k] >= max(6, 0.02 * placed[k - 1].full_area):
            placed[k - 1].hidden_by.add(len(placed))
    rows, cols = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    bx0, by0 = x0 + int(cols[0]), y0 + int(rows[0])
    bx1, by1 = x0 + int(cols[-1]) + 1, y0 + int(rows[-1]) + 1
    cut_parts = None if parts is None else parts[by0 - y : by1 - y, bx0 - x : bx1 - x]
    placed.append(PlacedThing(drawing, cut_parts, (bx0, by0, bx1, by1), full))


def ground_rows(layer: np.ndarray, thing: Thing, height_px: int) -> tuple[int, int] | None:
    """Range of the top row for which a thing stands on the ground, or flies above it; None without ground."""
    rows = np.flatnonzero((layer == 1).any(1))
    if len(rows) == 0:
        return None
    total, line = layer.shape[0], int(rows[0])
    if thing.group in _IN_THE_AIR or thing.name in _IN_THE_AIR:
        return 0, max(0, line - height_px)
    lowest = max(0, total - height_px)
    return min(lowest, max(0, line + (total - line) // 6 - height_px)), lowest


def _shadow(image: np.ndarray, owner: np.ndarray, alpha: np.ndarray, x: int, y: int) -> None:
    height, width = owner.shape
    h, w = alpha.shape
    shift = max(2, max(h, w) // 22)
    x, y = x + shift, y + shift
    x0, y0, x1, y1 = max(0, x), max(0, y), min(width, x + w), min(height, y + h)
    if x1 <= x0 or y1 <= y0:
        return
    dark = cv2.blur(alpha, (shift * 2 + 1, shift * 2 + 1))[y0 - y : y1 - y, x0 - x : x1 - x, None].astype(np.uint16)
    region = image[y0:y1, x0:x1]
    region[:] = (region * (255 - dark * 2 // 5) // 255).astype(np.uint8)
