"""One thing on its own before it is placed: chosen by chance, then flipped, turned, resized and perhaps outlined."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from osprey_core.training.art import Atlas
from osprey_core.training.scenes.drawn import DrawnObject, Rng, draw_object, draw_shape
from osprey_core.training.scenes.names import Thing, things

Rgba = np.ndarray
"""uint8 (h, w, 4), premultiplied."""

_DRAWN_SYNONYMS = {
    "sailboat": ("boat",), "airplane": ("plane",), "bicycle": ("bike",), "mug": ("cup",), "face": ("person", "head"),
    "circle": ("disc", "ball"), "ring": ("circle",), "oval": ("ellipse",), "diamond": ("rhombus",), "cross": ("plus",),
    "crescent": ("moon",), "square": ("box",), "truck": ("lorry",), "half circle": ("semicircle",),
}  # fmt: skip


@dataclass(frozen=True)
class Drawing:
    """One thing before it is placed.

    rgba uint8 (h, w, 4) premultiplied; parts uint8 (h, w), 0 where no part, k for part_names[k - 1], None for sprites;
    style is a sprite's art style, "drawn" or "shape"; texture is "" for all but shapes.
    """

    thing: Thing
    style: str
    rgba: Rgba
    parts: np.ndarray | None = None
    part_names: tuple[str, ...] = ()
    texture: str = ""


def pick_drawing(
    rng: Rng, atlas: Atlas | None, kind_weights: np.ndarray, art_px: int, again: Drawing | None = None
) -> Drawing:
    """A sprite, a drawn object or a shape by chance.

    Args:
        kind_weights: float (3,), chances of a sprite, a drawn object and a shape; they sum to one.
        art_px: side of the field in which objects and shapes are drawn.
        again: another drawing of the same thing is wanted.
    """
    kind = int(rng.choice(3, p=kind_weights))
    if again is not None:
        kind = {"drawn": 1, "shape": 2}.get(again.style, 0)
    if kind == 0 and atlas is not None:
        name = again.thing.name if again else atlas.names[int(rng.integers(len(atlas.sprites)))]
        sprites = atlas.sprites[name]
        sprite = sprites[int(rng.integers(len(sprites)))]
        thing = things().get(name) or Thing(name, name, "thing")
        return Drawing(thing, sprite.style, sprite.rgba)
    if kind == 1:
        drawn: DrawnObject = draw_object(rng, art_px, again.thing.name if again else None)
        style = "drawn"
    else:
        drawn = draw_shape(rng, art_px, again.thing.name if again else None)
        style = "shape"
    return Drawing(_thing_of(drawn, style), style, drawn.rgba, drawn.parts, drawn.part_names, drawn.texture)


def _thing_of(drawn: DrawnObject, style: str) -> Thing:
    known = things().get(drawn.name)
    if style == "drawn" and known is not None:
        return known
    return Thing(drawn.name, drawn.name, drawn.group, _DRAWN_SYNONYMS.get(drawn.name, ()))


def turned(rng: Rng, rgba: Rgba, side: float) -> Rgba:
    """A picture flipped, rotated and resized by chance so that its longest side is about `side` pixels."""
    return turned_drawing(rng, Drawing(Thing("", "", ""), "", rgba), side)[0]


def turned_drawing(rng: Rng, drawing: Drawing, side: float, upright: bool = False) -> tuple[Rgba, np.ndarray | None]:
    """Picture and part map of a drawing, flipped, rotated and resized to about `side` pixels on the longer side."""
    rgba, parts = drawing.rgba, drawing.parts
    if rng.random() < 0.5:
        rgba = rgba[:, ::-1]
        parts = None if parts is None else parts[:, ::-1]
    height, width = rgba.shape[:2]
    draw = rng.random()
    angle = float(rng.normal(0, 6)) if draw < 0.55 else float(rng.uniform(-40, 40)) if draw < 0.65 else 0.0
    if drawing.style == "shape" and drawing.thing.name in ("square", "diamond"):
        angle = float(np.clip(angle, -12, 12))  # a square on its corner is a diamond
    stretch = float(np.exp(rng.normal(0, 0.05)))
    if upright:
        angle, stretch = 0.0, 1.0
    scale = side / max(height, width)
    if scale < 0.6:  # shrink by area first: a bare affine warp would alias
        size_wh = max(2, round(width * scale)), max(2, round(height * scale))
        rgba = cv2.resize(rgba, size_wh, interpolation=cv2.INTER_AREA)
        parts = None if parts is None else cv2.resize(parts, size_wh, interpolation=cv2.INTER_NEAREST)
        height, width = rgba.shape[:2]
        scale = 1.0
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    sx, sy = scale * stretch, scale / stretch
    out_w = max(3, math.ceil(abs(width * sx * cos) + abs(height * sy * sin)))
    out_h = max(3, math.ceil(abs(width * sx * sin) + abs(height * sy * cos)))
    matrix = np.array([[sx * cos, -sy * sin, 0.0], [sx * sin, sy * cos, 0.0]])
    matrix[:, 2] = np.array([out_w / 2, out_h / 2]) - matrix[:, :2] @ np.array([width / 2, height / 2])
    rgba = cv2.warpAffine(np.ascontiguousarray(rgba), matrix, (out_w, out_h), flags=cv2.INTER_LINEAR)
    if parts is not None:
        parts = cv2.warpAffine(np.ascontiguousarray(parts), matrix, (out_w, out_h), flags=cv2.INTER_NEAREST)
    return rgba, parts


def with_outline(
    rgba: np.ndarray, parts: np.ndarray | None, solid: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """A white rim, like a sticker's. It hides what is behind it but belongs to nothing, so `solid` is without it."""
    rim = max(2, max(rgba.shape[:2]) // 28)
    rgba = cv2.copyMakeBorder(rgba, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    if parts is not None:
        parts = cv2.copyMakeBorder(parts, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=(0,))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1, 2 * rim + 1))
    around = cv2.dilate(rgba[..., 3], kernel)
    add = ((255 - rgba[..., 3].astype(np.uint16)) * around // 255).astype(np.uint8)
    return rgba + add[..., None], parts, np.pad(solid, rim)
