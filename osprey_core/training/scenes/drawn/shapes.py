"""Plain geometric shapes with textures. Each outline is a list of polygons in unit coordinates (0..1, y down)."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from osprey_core.training.scenes.drawn.canvas import Canvas, DrawnObject
from osprey_core.training.scenes.drawn.paints import BASE_COLORS, Rng, shade, tint

TEXTURES = ("plain", "striped", "dotted", "checkered")


def draw_shape(
    rng: Rng, side_px: int = 128, name: str | None = None, color: str | None = None, texture: str | None = None
) -> DrawnObject:
    """One geometric shape of a random (or given) outline, colour name and texture."""
    kind = name or list(SHAPES)[int(rng.integers(len(SHAPES)))]
    color = color or list(BASE_COLORS)[int(rng.integers(len(BASE_COLORS)))]
    texture = texture or ("plain" if rng.random() < 0.62 else TEXTURES[int(rng.integers(1, 4))])
    canvas = Canvas(side_px * 2)
    first = tint(rng, color)
    for corners in SHAPES[kind](rng):
        canvas.poly(corners, first)
    if kind == "ring":
        hole = float(rng.uniform(0.2, 0.3))
        cv2.circle(canvas.rgba, (side_px, side_px), round(hole * side_px * 2), (0, 0, 0, 0), -1)
    if texture != "plain":
        others = [c for c in ("white", "black", "yellow", "gray") if c != color]
        second = tint(rng, others[int(rng.integers(len(others)))])
        chosen = _pattern(rng, texture, side_px * 2) & (canvas.rgba[..., 3] > 0)
        canvas.rgba[chosen] = (*second, 255)
    if texture == "plain" and rng.random() < 0.25:  # a darker outline, as in many drawings
        edge = cv2.erode(canvas.rgba[..., 3], np.ones((3, 3), np.uint8), iterations=max(2, side_px // 32))
        ring = (canvas.rgba[..., 3] > 0) & (edge == 0)
        canvas.rgba[ring] = (*shade(first, 0.55), 255)
    return canvas.finish(kind, "shape", texture)


def _pattern(rng: Rng, texture: str, side: int) -> np.ndarray:
    """Bool (side, side): where the second colour of a texture goes; it covers a bit less than half."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    angle = float(rng.choice([0, 45, 90, 135]))
    u = x * math.cos(math.radians(angle)) + y * math.sin(math.radians(angle))
    v = -x * math.sin(math.radians(angle)) + y * math.cos(math.radians(angle))
    period = float(rng.uniform(0.13, 0.24))
    if texture == "striped":
        return np.asarray((u % period) < period * 0.42)
    if texture == "checkered":
        return np.asarray(((u // period) + (v // period)) % 2 == 0)
    return np.asarray((u % period - period / 2) ** 2 + (v % period - period / 2) ** 2 < (period * 0.28) ** 2)


def _regular(corners: int, turn: float = -90.0, radius: float = 0.48) -> np.ndarray:
    angles = np.radians(turn + np.arange(corners) * 360 / corners)
    return np.stack([0.5 + radius * np.cos(angles), 0.5 + radius * np.sin(angles)], 1)


def _star(rng: Rng) -> list[np.ndarray]:
    outer, inner = _regular(5), _regular(5, -54, 0.48 * float(rng.uniform(0.38, 0.5)))
    return [np.stack([outer, inner], 1).reshape(-1, 2)]


def _heart(_: Rng) -> list[np.ndarray]:
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return [np.stack([0.5 + x / 35, 0.48 - y / 35], 1)]


def _cross(rng: Rng) -> list[np.ndarray]:
    arm = float(rng.uniform(0.11, 0.17))
    return [
        np.array([(0.5 - arm, 0.03), (0.5 + arm, 0.03), (0.5 + arm, 0.97), (0.5 - arm, 0.97)]),
        np.array([(0.03, 0.5 - arm), (0.97, 0.5 - arm), (0.97, 0.5 + arm), (0.03, 0.5 + arm)]),
    ]


def _crescent(rng: Rng) -> list[np.ndarray]:
    t = np.radians(np.linspace(50, 310, 40))
    outer = np.stack([0.5 + 0.47 * np.cos(t), 0.5 + 0.47 * np.sin(t)], 1)
    depth = float(rng.uniform(0.55, 0.8))
    inner = outer[::-1].copy()
    left = outer[:, 0].min()
    edge = outer[0, 0]
    inner[:, 0] = edge - (edge - inner[:, 0]) * (1 - depth) - (edge - left) * 0.0
    return [np.concatenate([outer, inner])]


def _arrow(rng: Rng) -> list[np.ndarray]:
    half, neck = float(rng.uniform(0.1, 0.16)), float(rng.uniform(0.5, 0.62))
    return [
        np.array([
            (0.03, 0.5 - half), (neck, 0.5 - half), (neck, 0.18), (0.97, 0.5), (neck, 0.82), (neck, 0.5 + half),
            (0.03, 0.5 + half),
        ])
    ]  # fmt: skip


def _half_circle(_: Rng) -> list[np.ndarray]:
    t = np.radians(np.linspace(180, 360, 40))
    return [np.stack([0.5 + 0.48 * np.cos(t), 0.7 + 0.48 * np.sin(t)], 1)]


def _box(rng: Rng, low: float, high: float) -> list[np.ndarray]:
    half = 0.47 * float(rng.uniform(low, high))
    return [np.array([(0.03, 0.5 - half), (0.97, 0.5 - half), (0.97, 0.5 + half), (0.03, 0.5 + half)])]


def _oval(rng: Rng) -> list[np.ndarray]:
    ring = _regular(60)
    ring[:, 1] = 0.5 + (ring[:, 1] - 0.5) * float(rng.uniform(0.5, 0.7))
    return [ring]


def _diamond(rng: Rng) -> list[np.ndarray]:
    half = float(rng.uniform(0.28, 0.42))
    return [np.array([(0.5, 0.03), (0.5 + half, 0.5), (0.5, 0.97), (0.5 - half, 0.5)])]


SHAPES: dict[str, Callable[[Rng], list[np.ndarray]]] = {
    "circle": lambda rng: [_regular(60)],
    "square": lambda rng: _box(rng, 0.98, 1.0),
    "rectangle": lambda rng: _box(rng, 0.4, 0.68),
    "triangle": lambda rng: [_regular(3)],
    "pentagon": lambda rng: [_regular(5)],
    "hexagon": lambda rng: [_regular(6)],
    "oval": _oval,
    "diamond": _diamond,
    "star": _star,
    "heart": _heart,
    "cross": _cross,
    "crescent": _crescent,
    "ring": lambda rng: [_regular(60)],
    "arrow": _arrow,
    "half circle": _half_circle,
}
