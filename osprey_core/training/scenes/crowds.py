"""Crowded pictures: many named things side by side, each with its exact mask.

A usual scene holds one to eight things. Here every picture is a jittered grid full of them, which gives an encoder
several times as many labels for the same computation.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from osprey_core.training.art import Atlas
from osprey_core.training.scenes.backgrounds import background_image
from osprey_core.training.scenes.drawings import Rgba, turned
from osprey_core.training.scenes.drawn import Rng, draw_object, draw_shape

GRIDS = (2, 3, 3, 4, 4)
"""Things per side of the grid, drawn evenly."""
DRAWN_SHARE, SHAPE_SHARE = 0.12, 0.06
"""Shares of drawn objects and of shapes among the things; the rest are sprites."""


@dataclass(frozen=True)
class Crowd:
    """One crowded picture."""

    image: np.ndarray
    """uint8 (S, S, 3)."""
    masks: list[np.ndarray]
    """bool (S, S): visible pixels of each thing."""
    region_names: list[str]
    """The things' names."""


def make_crowd(seed: int, atlas: Atlas | None, side_px: int) -> Crowd:
    """One crowded picture; the same arguments give the same."""
    rng = np.random.default_rng([seed, 77])
    image = background_image(rng, side_px, side_px)
    grid = int(rng.choice(GRIDS))
    cell = side_px / grid
    names: list[str] = []
    masks: list[np.ndarray] = []
    for row in range(grid):
        for column in range(grid):
            name, rgba = _some_thing(rng, atlas)
            rgba = turned(rng, rgba, float(rng.uniform(0.62, 1.0)) * cell)
            mask = _paste(rng, image, rgba, (column + 0.5) * cell, (row + 0.5) * cell, 0.12 * cell)
            if np.count_nonzero(mask) < 25:
                continue
            names.append(name)
            for earlier in masks:
                earlier &= ~mask
            masks.append(mask)
    visible = [index for index, mask in enumerate(masks) if np.count_nonzero(mask) >= 20]
    return Crowd(image, [masks[index] for index in visible], [names[index] for index in visible])


def _some_thing(rng: Rng, atlas: Atlas | None) -> tuple[str, Rgba]:
    draw = rng.random()
    if atlas is None or draw < DRAWN_SHARE:
        drawn = draw_object(rng, 96)
    elif draw < DRAWN_SHARE + SHAPE_SHARE:
        drawn = draw_shape(rng, 96)
    else:
        names = atlas.names
        sprites = atlas.sprites[names[int(rng.integers(len(names)))]]
        sprite = sprites[int(rng.integers(len(sprites)))]
        return sprite.name, sprite.rgba
    return drawn.name, drawn.rgba


def _paste(rng: Rng, image: np.ndarray, rgba: Rgba, x: float, y: float, jitter: float) -> np.ndarray:
    """Blend a premultiplied drawing in, centred near (x, y); returns what of the picture it covers."""
    side_h, side_w = image.shape[:2]
    h, w = rgba.shape[:2]
    left = round(x - w / 2 + float(rng.uniform(-jitter, jitter)))
    top = round(y - h / 2 + float(rng.uniform(-jitter, jitter)))
    x0, y0, x1, y1 = max(0, left), max(0, top), min(side_w, left + w), min(side_h, top + h)
    mask = np.zeros((side_h, side_w), bool)
    if x0 >= x1 or y0 >= y1:
        return mask
    piece = rgba[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = piece[..., 3:].astype(np.uint16)
    under = image[y0:y1, x0:x1]
    image[y0:y1, x0:x1] = cv2.add(piece[..., :3], (under * (255 - alpha) // 255).astype(np.uint8))
    mask[y0:y1, x0:x1] = piece[..., 3] > 110
    return mask
