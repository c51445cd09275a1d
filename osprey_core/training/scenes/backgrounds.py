"""Backgrounds by chance: plain, patterned, indoors or a landscape, with a map of their named stretches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from osprey_core.training.scenes.drawn import BASE_COLORS, Rgb, Rng, tint

BACKGROUND_NAMES = (
    "background", "sky", "grass", "sea", "sand", "snow", "hills", "road", "wall", "floor",
)  # fmt: skip
_BACKGROUND_WEIGHTS = (0.22, 0.12, 0.14, 0.12, 0.28, 0.12)

_SKY: tuple[Rgb, ...] = ((150, 205, 250), (120, 185, 240), (180, 220, 250), (250, 190, 140), (40, 50, 100))
_GRASS: tuple[Rgb, ...] = ((110, 180, 80), (90, 160, 70), (140, 200, 95))
_PALE: tuple[Rgb, ...] = (
    (250, 248, 240), (235, 242, 250), (240, 250, 238), (252, 238, 240), (245, 240, 252), (225, 228, 232),
    (255, 255, 255), (250, 244, 220),
)  # fmt: skip


@dataclass(frozen=True)
class Background:
    """A background without anything on it.

    image uint8 (H, W, 3); layer uint8 (H, W) says which stretch a pixel belongs to: k for layer_names[k].
    """

    image: np.ndarray
    name: str
    layer: np.ndarray
    layer_names: tuple[str, ...]


def background_image(rng: Rng, height: int, width: int) -> np.ndarray:
    """A background by chance, uint8 (height, width, 3)."""
    return make_background(rng, height, width).image


def make_background(rng: Rng, height: int, width: int) -> Background:
    """A background by chance."""
    layer = np.zeros((height, width), np.uint8)
    kind = str(rng.choice(["plain", "gradient", "noise", "pattern", "landscape", "indoor"], p=_BACKGROUND_WEIGHTS))
    name = list(BASE_COLORS)[int(rng.integers(len(BASE_COLORS)))]
    color: Rgb = _one(rng, _PALE) if rng.random() < 0.5 else tint(rng, name)
    image = np.empty((height, width, 3), np.uint8)
    image[:] = color
    if kind == "plain":
        return _evenly(image, "plain background")
    if kind == "gradient":
        other = _one(rng, _PALE) if rng.random() < 0.5 else tint(rng, list(BASE_COLORS)[int(rng.integers(11))])
        return _evenly(_ramp(color, other, height, width, rng.random() < 0.5), "smooth background")
    if kind == "noise":
        cells = int(rng.integers(6, 40))
        grain = rng.integers(-26, 27, (cells, cells * width // height + 1, 3 if rng.random() < 0.4 else 1))
        small = (np.asarray(color) + grain).clip(0, 255).astype(np.uint8)
        return _evenly(_smooth(small, height, width), "cloudy background")
    if kind == "pattern":
        return _pattern_background(rng, image, color)
    if kind == "indoor":
        return _indoor(rng, image, layer)
    return _landscape(rng, image, layer)


def _evenly(image: np.ndarray, name: str) -> Background:
    """A background that is the same thing everywhere."""
    return Background(image, name, np.zeros(image.shape[:2], np.uint8), (name,))


def _smooth(small: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.ascontiguousarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def _ramp(first: Sequence[int], last: Sequence[int], height: int, width: int, across: bool = False) -> np.ndarray:
    """A colour turning into another from top to bottom, or from left to right."""
    steps = np.linspace(0, 1, width if across else height)[:, None]
    line = (np.asarray(first) * (1 - steps) + np.asarray(last) * steps).astype(np.uint8)
    out = np.empty((height, width, 3), np.uint8)
    out[:] = line[None] if across else line[:, None]
    return out


def _pattern_background(rng: Rng, image: np.ndarray, color: Rgb) -> Background:
    height, width = image.shape[:2]
    other = tuple(int(np.clip(v + (-34 if sum(color) > 380 else 40), 0, 255)) for v in color)
    if rng.random() < 0.3:
        other = _one(rng, _PALE)
        if sum(abs(a - b) for a, b in zip(color, other, strict=True)) < 40:
            other = tuple(int(v * 0.8) for v in color)
    period = max(6, int(min(height, width) * float(rng.uniform(0.06, 0.2))))
    x, y = np.arange(width)[None, :], np.arange(height)[:, None]
    kind = str(rng.choice(["striped", "checkered", "dotted"]))
    if kind == "striped":
        along = [x + 0 * y, y + 0 * x, x + y][int(rng.integers(3))]
        chosen = (along // period) % 2 == 0
    elif kind == "checkered":
        chosen = ((x // period) + (y // period)) % 2 == 0
    else:
        chosen = (x % period - period // 2) ** 2 + (y % period - period // 2) ** 2 < (period * 0.27) ** 2
    image[chosen] = other
    return _evenly(image, f"{kind} background")


def _indoor(rng: Rng, image: np.ndarray, layer: np.ndarray) -> Background:
    height, width = layer.shape
    image[:] = (
        _one(rng, _PALE) if rng.random() < 0.5 else tint(rng, str(rng.choice(["blue", "green", "pink", "yellow"])))
    )
    if rng.random() < 0.4:
        step = max(8, width // int(rng.integers(8, 18)))
        image[:, (np.arange(width) // step) % 2 == 0] = (image[0, 0] * 0.94).astype(np.uint8)
    line = int(height * float(rng.uniform(0.58, 0.8)))
    floor = tint(rng, "brown") if rng.random() < 0.6 else (170, 172, 176)
    image[line:] = floor
    for k in range(1, 5):
        row = line + (height - line) * k * k // 25
        image[row : row + 1] = tuple(int(v * 0.85) for v in floor)
    image[line - max(1, height // 90) : line] = tuple(int(v * 0.6) for v in floor)
    layer[line:] = 1
    return Background(image, "room", layer, ("wall", "floor"))


def _landscape(rng: Rng, image: np.ndarray, layer: np.ndarray) -> Background:
    height, width = layer.shape
    sky = _one(rng, _SKY)
    pale = tuple(min(255, v + 40) for v in sky)
    image[:] = _ramp(sky, pale, height, width)
    line = int(height * float(rng.uniform(0.45, 0.72)))
    kind = str(rng.choice(["meadow", "sea", "road", "desert", "snow"], p=[0.4, 0.2, 0.15, 0.12, 0.13]))
    ground = {"meadow": _one(rng, _GRASS), "sea": (50, 120, 190), "road": _one(rng, _GRASS),
              "desert": (228, 196, 130), "snow": (238, 243, 250)}[kind]  # fmt: skip
    names = ["sky", {"meadow": "grass", "road": "grass", "desert": "sand"}.get(kind, kind)]
    if kind != "sea" and rng.random() < 0.6:
        far = tuple(int(v * 0.8) for v in ground)
        x = np.linspace(0, 1, width)
        bumps = np.sin(x * float(rng.uniform(4, 9)) + float(rng.uniform(0, 6))) * 0.05 + 0.06
        tops = (line - (bumps + float(rng.uniform(0.0, 0.08))) * height).astype(np.int64)
        hills = (np.arange(height)[:, None] >= tops[None, :]) & (np.arange(height)[:, None] < line)
        image[hills] = far
        layer[hills] = 2
        names.append("hills")
    image[line:] = _ramp(ground, tuple(int(v * 0.86) for v in ground), height - line, width)
    layer[line:] = 1
    if kind == "road":
        middle = width * float(rng.uniform(0.35, 0.65))
        far_half, near_half = width * 0.04, width * float(rng.uniform(0.2, 0.32))
        corners = np.array([
            (middle - far_half, line), (middle + far_half, line), (middle + near_half, height),
            (middle - near_half, height),
        ], np.int32)  # fmt: skip
        cv2.fillPoly(image, [corners], (105, 108, 114))
        names.append("road")
        cv2.fillPoly(layer, [corners], (len(names) - 1,))
        for k in range(4):
            row = line + int((height - line) * (k + 0.3) ** 2 / 16)
            half = max(1, int(near_half * 0.03 * (k + 1)))
            cv2.rectangle(image, (int(middle) - half, row), (int(middle) + half, row + 3 * half), (245, 240, 200), -1)
    if kind == "sea":
        for row in range(line + 4, height, max(6, (height - line) // 6)):
            start = int(rng.integers(0, width // 2))
            cv2.line(image, (start, row), (start + width // 3, row), (110, 170, 220), 1)
    return Background(image, "landscape" if kind != "sea" else "seascape", layer, tuple(names))


def _one(rng: Rng, colors: tuple[Rgb, ...]) -> Rgb:
    return colors[int(rng.integers(len(colors)))]
