"""Redraws sprites in another style: a few flat colours with black lines around them, sometimes in other hues.

A model that sees every thing in one more style depends less on how one artist draws. This module does not know scenes;
its functions change none of their arguments.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection

import cv2
import numpy as np

from osprey_core.training.art import Atlas, Sprite, atlas_of, unpremultiply
from osprey_core.training.scenes.drawn import Rng

COLORS = (3, 6)
"""Flat colours that a drawing is reduced to, at least and at most."""
LINE_SHARE = (0.022, 0.05)
"""Width of the lines as a share of the longer side."""
RECOLORED = 0.5
"""Share of drawings whose hues are turned."""
_SOLID = 110


def inked_atlas(atlas: Atlas, styles: Collection[str], seed: int = 0) -> Atlas:
    """The atlas with another version, of the style "inked", of every sprite in some styles; the same seed, the same."""
    drawings = []
    for sprites in atlas.sprites.values():
        for sprite in sprites:
            drawings.append(sprite)
            if sprite.style in styles:
                rng = np.random.default_rng([seed, zlib.crc32(f"{sprite.name}/{sprite.style}".encode())])
                drawings.append(Sprite(sprite.name, "inked", ink(rng, sprite.rgba)))
    return atlas_of(drawings)


def ink(rng: Rng, rgba: np.ndarray) -> np.ndarray:
    """Redraw a premultiplied sprite uint8 (h, w, 4); the result is larger by its outline on every side."""
    width = max(2, round(float(rng.uniform(*LINE_SHARE)) * max(rgba.shape[:2])))
    rgba = cv2.copyMakeBorder(rgba, width, width, width, width, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    solid = rgba[..., 3] > _SOLID
    if not solid.any():
        return rgba
    labels, palette = _flat_colors(rng, unpremultiply(rgba)[..., :3], solid)
    if rng.random() < RECOLORED:
        palette = _turned_hues(rng, palette)
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width + 1, width + 1))
    # Areas narrower than a line would be all line: they go to their neighbours first.
    labels = cv2.medianBlur(labels, 2 * (width // 2) + 3)
    labels[~solid] = 0
    lines = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0
    drawn = cv2.dilate(lines.astype(np.uint8), shape) > 0
    rgb = np.vstack([np.zeros((1, 3), np.uint8), palette])[labels]
    rgb[drawn | (labels == 0)] = rng.integers(0, 28)
    alpha = np.where(solid | drawn, 255, 0).astype(np.uint8)
    inked = np.dstack([np.where(alpha[..., None] > 0, rgb, 0).astype(np.uint8), alpha])
    return cv2.GaussianBlur(inked, (3, 3), 0.6)  # premultiplied: the edge stays clean


def _flat_colors(rng: Rng, rgb: np.ndarray, solid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels uint8 (h, w), 0 outside, and the colour uint8 (k, 3) of each label from 1 on."""
    smooth = cv2.bilateralFilter(rgb, 5, 40, 5)
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB)
    pixels = lab[solid].astype(np.float32)
    count = min(int(rng.integers(COLORS[0], COLORS[1] + 1)), len(np.unique(pixels, axis=0)))
    cv2.setRNGSeed(int(rng.integers(1 << 30)))
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 1.0)
    _, nearest, centers = cv2.kmeans(
        pixels, count, np.zeros((len(pixels), 1), np.int32), stop, 1, cv2.KMEANS_PP_CENTERS
    )
    labels = np.zeros(solid.shape, np.uint8)
    labels[solid] = nearest.ravel() + 1
    palette = cv2.cvtColor(centers.clip(0, 255).astype(np.uint8)[None], cv2.COLOR_LAB2RGB)[0]
    return labels, palette


def _turned_hues(rng: Rng, palette: np.ndarray) -> np.ndarray:
    """All hues turned alike, colours somewhat stronger or paler."""
    hsv = cv2.cvtColor(palette[None], cv2.COLOR_RGB2HSV)[0].astype(np.float32)
    hsv[:, 0] = (hsv[:, 0] + float(rng.uniform(0, 180))) % 180
    hsv[:, 1] = (hsv[:, 1] * float(rng.uniform(0.7, 1.3))).clip(0, 255)
    return cv2.cvtColor(hsv.astype(np.uint8)[None], cv2.COLOR_HSV2RGB)[0]
