"""Things drawn in code, with a mask for every part, and plain geometric shapes with textures.

Each kind is one small function that paints on a `Canvas` in unit coordinates (0..1, y down) with its own random
proportions and colours. Nothing here knows scenes, questions or files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

Rgb = tuple[int, int, int]
Rng = np.random.Generator

BASE_COLORS: dict[str, tuple[Rgb, ...]] = {
    "red": ((221, 46, 68), (200, 30, 40), (235, 60, 60)),
    "orange": ((244, 144, 12), (250, 130, 20), (235, 120, 10)),
    "yellow": ((255, 204, 40), (250, 215, 60), (245, 225, 30)),
    "green": ((92, 145, 59), (60, 170, 80), (120, 177, 60)),
    "blue": ((59, 110, 220), (40, 90, 190), (85, 172, 238)),
    "purple": ((146, 80, 210), (120, 60, 180), (155, 100, 215)),
    "pink": ((250, 150, 190), (244, 171, 186), (245, 110, 170)),
    "brown": ((140, 85, 50), (120, 70, 40), (160, 100, 60)),
    "black": ((30, 30, 34), (20, 22, 26), (40, 40, 42)),
    "white": ((248, 248, 250), (240, 242, 245), (252, 250, 246)),
    "gray": ((135, 140, 148), (110, 112, 118), (160, 165, 170)),
}
BRIGHT = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
TEXTURES = ("plain", "striped", "dotted", "checkered")


@dataclass
class DrawnObject:
    """One drawing, cropped tight.

    rgba uint8 (h, w, 4) premultiplied; parts uint8 (h, w), 0 where no part, k for part_names[k - 1];
    texture is one of TEXTURES for shapes and "" for objects.
    """

    name: str
    group: str
    rgba: np.ndarray
    parts: np.ndarray
    part_names: tuple[str, ...] = ()
    texture: str = ""


@dataclass
class Canvas:
    """Painting surface of side_px squared pixels; painting later covers earlier, parts included."""

    side_px: int
    part_names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rgba = np.zeros((self.side_px, self.side_px, 4), np.uint8)
        self.parts = np.zeros((self.side_px, self.side_px), np.uint8)

    def poly(self, points: Sequence[tuple[float, float]] | np.ndarray, color: Rgb, part: str = "") -> None:
        corners = np.round(np.asarray(points, np.float64) * self.side_px * 16).astype(np.int32)
        cv2.fillPoly(self.rgba, [corners], (*color, 255), cv2.LINE_8, 4)
        cv2.fillPoly(self.parts, [corners], self._part(part), cv2.LINE_8, 4)

    def rect(self, x0: float, y0: float, x1: float, y1: float, color: Rgb, part: str = "") -> None:
        self.poly(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), color, part)

    def round_rect(self, x0: float, y0: float, x1: float, y1: float, radius: float, color: Rgb, part: str = "") -> None:
        radius = min(radius, (x1 - x0) / 2, (y1 - y0) / 2)
        corners = []
        for cx, cy, start in (
            (x1 - radius, y0 + radius, -90),
            (x1 - radius, y1 - radius, 0),
            (x0 + radius, y1 - radius, 90),
            (x0 + radius, y0 + radius, 180),
        ):
            for step in range(5):
                angle = math.radians(start + step * 22.5)
                corners.append((cx + radius * math.cos(angle), cy + radius * math.sin(angle)))
        self.poly(corners, color, part)

    def ellipse(
        self, cx: float, cy: float, rx: float, ry: float, color: Rgb, part: str = "", tilt: float = 0.0,
        start: float = 0.0, end: float = 360.0,
    ) -> None:  # fmt: skip
        scale = self.side_px * 16
        center, axes = (round(cx * scale), round(cy * scale)), (round(rx * scale), round(ry * scale))
        cv2.ellipse(self.rgba, center, axes, tilt, start, end, (*color, 255), -1, cv2.LINE_8, 4)
        cv2.ellipse(self.parts, center, axes, tilt, start, end, self._part(part), -1, cv2.LINE_8, 4)

    def line(self, x0: float, y0: float, x1: float, y1: float, width: float, color: Rgb, part: str = "") -> None:
        scale = self.side_px * 16
        ends = (round(x0 * scale), round(y0 * scale)), (round(x1 * scale), round(y1 * scale))
        thick = max(1, round(width * self.side_px))
        cv2.line(self.rgba, *ends, (*color, 255), thick, cv2.LINE_8, 4)
        cv2.line(self.parts, *ends, self._part(part), thick, cv2.LINE_8, 4)

    def arc(
        self, cx: float, cy: float, rx: float, ry: float, start: float, end: float, width: float, color: Rgb,
        part: str = "",
    ) -> None:  # fmt: skip
        scale = self.side_px * 16
        center, axes = (round(cx * scale), round(cy * scale)), (round(rx * scale), round(ry * scale))
        thick = max(1, round(width * self.side_px))
        cv2.ellipse(self.rgba, center, axes, 0, start, end, (*color, 255), thick, cv2.LINE_8, 4)
        cv2.ellipse(self.parts, center, axes, 0, start, end, self._part(part), thick, cv2.LINE_8, 4)

    def finish(self, name: str, group: str, texture: str = "") -> DrawnObject:
        """Crop, and halve the size so that edges come out smooth."""
        solid = self.rgba[..., 3] > 0
        rows, cols = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
        top, bottom, left, right = rows[0], rows[-1] + 1, cols[0], cols[-1] + 1
        bottom, right = bottom + (bottom - top) % 2, right + (right - left) % 2
        rgba, parts = self.rgba[top:bottom, left:right], self.parts[top:bottom, left:right]
        size_wh = (max(1, rgba.shape[1] // 2), max(1, rgba.shape[0] // 2))
        return DrawnObject(
            name,
            group,
            cv2.resize(rgba, size_wh, interpolation=cv2.INTER_AREA),
            cv2.resize(parts, size_wh, interpolation=cv2.INTER_NEAREST),
            tuple(self.part_names),
            texture,
        )

    def _part(self, part: str) -> int:
        if not part:
            return 0
        if part not in self.part_names:
            self.part_names.append(part)
        return self.part_names.index(part) + 1


def draw_object(rng: Rng, side_px: int = 128, name: str | None = None) -> DrawnObject:
    """One object of a random (or given) kind whose drawing field is side_px squared before cropping."""
    kind = name or list(OBJECTS)[int(rng.integers(len(OBJECTS)))]
    canvas = Canvas(side_px * 2)
    OBJECTS[kind][1](canvas, rng)
    return canvas.finish(kind, OBJECTS[kind][0])


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


def tint(rng: Rng, color: str) -> Rgb:
    """One of a colour's shades, slightly varied, still plainly that colour."""
    shades = BASE_COLORS[color]
    base = shades[int(rng.integers(len(shades)))]
    change = rng.integers(-8, 9, 3)
    return tuple(int(np.clip(v + d, 0, 255)) for v, d in zip(base, change, strict=True))  # type: ignore[return-value]


def shade(color: Rgb, factor: float) -> Rgb:
    """Darker (factor < 1) or lighter (factor > 1) version of a colour."""
    if factor <= 1:
        return tuple(int(v * factor) for v in color)  # type: ignore[return-value]
    return tuple(int(255 - (255 - v) * (2 - factor)) for v in color)  # type: ignore[return-value]


def _bright(rng: Rng, *but: Rgb) -> Rgb:
    while True:
        color = tint(rng, BRIGHT[int(rng.integers(len(BRIGHT)))])
        if all(sum(abs(a - b) for a, b in zip(color, other, strict=True)) > 120 for other in but):
            return color


def _any(rng: Rng) -> Rgb:
    names = list(BASE_COLORS)
    return tint(rng, names[int(rng.integers(len(names)))])


def _of(rng: Rng, *names: str) -> Rgb:
    return tint(rng, names[int(rng.integers(len(names)))])


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


# -- shapes: each gives polygons in unit coordinates -----------------------------------------------------------


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


# -- objects ---------------------------------------------------------------------------------------------------

INK: Rgb = (34, 32, 36)
GLASS: Rgb = (176, 216, 240)


def _house(c: Canvas, rng: Rng) -> None:
    wall, roof = (
        _of(rng, "white", "yellow", "pink", "blue", "brown", "gray", "orange"),
        _of(rng, "red", "brown", "blue", "gray", "green", "purple"),
    )
    eaves = float(rng.uniform(0.38, 0.5))
    left, right = float(rng.uniform(0.08, 0.18)), float(rng.uniform(0.82, 0.92))
    if rng.random() < 0.75:
        x = float(rng.choice([0.24, 0.66]))
        c.rect(x, 0.1, x + 0.11, eaves, _of(rng, "brown", "gray", "red"), "chimney")
    c.rect(left, eaves, right, 0.96, wall, "wall")
    peak = 0.5 + float(rng.uniform(-0.05, 0.05))
    if rng.random() < 0.5:
        c.poly([(left - 0.07, eaves), (peak, 0.05), (right + 0.07, eaves)], roof, "roof")
    else:
        c.poly([(left - 0.07, eaves), (left + 0.12, 0.16), (right - 0.12, 0.16), (right + 0.07, eaves)], roof, "roof")
    door = float(rng.choice([left + 0.08, 0.42, right - 0.26]))
    c.rect(door, 0.63, door + 0.18, 0.96, _of(rng, "brown", "red", "green", "blue", "black"), "door")
    c.ellipse(door + 0.14, 0.8, 0.015, 0.015, (250, 220, 90), "door")
    for x in (left + 0.07, 0.42, right - 0.25):
        if abs(x - door) > 0.19:
            c.rect(x, 0.58, x + 0.18, 0.78, (250, 250, 250), "windows")
            c.rect(x + 0.015, 0.595, x + 0.165, 0.765, GLASS, "windows")
            c.line(x + 0.09, 0.59, x + 0.09, 0.77, 0.012, (250, 250, 250), "windows")


def _wheel(c: Canvas, x: float, y: float, radius: float) -> None:
    c.ellipse(x, y, radius, radius, INK, "wheels")
    c.ellipse(x, y, radius * 0.5, radius * 0.5, (190, 195, 200), "wheels")


def _car(c: Canvas, rng: Rng) -> None:
    paint = _any(rng)
    roof = float(rng.uniform(0.24, 0.32))
    back, front = float(rng.uniform(0.14, 0.24)), float(rng.uniform(0.7, 0.8))
    c.poly([(back, 0.52), (back + 0.1, roof), (front - 0.14, roof), (front, 0.52)], paint, "body")
    c.round_rect(0.03, 0.48, 0.97, 0.72, 0.09, paint, "body")
    middle = (back + front) / 2
    c.poly(
        [(back + 0.06, 0.5), (back + 0.13, roof + 0.05), (middle - 0.02, roof + 0.05), (middle - 0.02, 0.5)],
        GLASS,
        "windows",
    )
    c.poly(
        [(middle + 0.02, 0.5), (middle + 0.02, roof + 0.05), (front - 0.16, roof + 0.05), (front - 0.06, 0.5)],
        GLASS,
        "windows",
    )
    c.ellipse(0.94, 0.57, 0.025, 0.03, (255, 235, 130))
    radius = float(rng.uniform(0.09, 0.12))
    for x in (0.25, 0.75):
        _wheel(c, x, 0.72, radius)


def _bus(c: Canvas, rng: Rng) -> None:
    paint = _bright(rng)
    c.round_rect(0.03, 0.22, 0.97, 0.78, 0.07, paint, "body")
    c.rect(0.03, 0.6, 0.97, 0.64, shade(paint, 0.7), "body")
    count = int(rng.integers(3, 6))
    step = 0.7 / count
    for k in range(count):
        c.round_rect(0.08 + k * step, 0.3, 0.08 + k * step + step * 0.8, 0.5, 0.02, GLASS, "windows")
    c.rect(0.81, 0.32, 0.93, 0.76, shade(GLASS, 0.8), "door")
    for x in (0.22, 0.68):
        _wheel(c, x, 0.78, 0.085)


def _truck(c: Canvas, rng: Rng) -> None:
    cab, load = _bright(rng), _any(rng)
    split = float(rng.uniform(0.6, 0.7))
    c.rect(0.03, 0.68, 0.97, 0.74, (70, 72, 78))
    c.rect(0.03, float(rng.uniform(0.2, 0.32)), split, 0.7, load, "cargo box")
    c.poly([(split + 0.02, 0.36), (0.87, 0.36), (0.97, 0.54), (0.97, 0.74), (split + 0.02, 0.74)], cab, "cab")
    c.poly([(split + 0.09, 0.41), (0.85, 0.41), (0.91, 0.54), (split + 0.09, 0.54)], GLASS, "window")
    for x in (0.17, 0.34, 0.82):
        _wheel(c, x, 0.76, 0.08)


def _train(c: Canvas, rng: Rng) -> None:
    paint, trim = _bright(rng), _of(rng, "black", "gray", "brown")
    c.rect(0.08, 0.2, 0.42, 0.74, paint, "cab")
    c.rect(0.04, 0.15, 0.46, 0.21, trim, "cab")
    c.rect(0.15, 0.29, 0.34, 0.47, GLASS, "window")
    c.round_rect(0.4, 0.42, 0.94, 0.74, 0.08, shade(paint, 0.85), "boiler")
    x = float(rng.uniform(0.68, 0.8))
    c.poly([(x - 0.05, 0.43), (x - 0.08, 0.2), (x + 0.08, 0.2), (x + 0.05, 0.43)], trim, "chimney")
    c.rect(0.05, 0.72, 0.96, 0.78, trim)
    for wx, radius in ((0.23, 0.12), (0.56, 0.085), (0.79, 0.085)):
        _wheel(c, wx, 0.89 - radius, radius)


def _face(c: Canvas, rng: Rng) -> None:
    skins = ((255, 219, 172), (241, 194, 125), (198, 134, 66), (141, 85, 36), (224, 172, 105), (96, 58, 32))
    skin = skins[int(rng.integers(len(skins)))]
    hair = _of(rng, "black", "brown", "yellow", "orange", "gray", "red")
    long = rng.random() < 0.5
    c.ellipse(0.5, 0.44, 0.4, 0.4, hair, "hair")
    if long:
        c.round_rect(0.1, 0.42, 0.9, 0.94, 0.12, hair, "hair")
    c.ellipse(0.5, 0.54, 0.33, 0.4, skin)
    for x in (0.16, 0.84):
        c.ellipse(x, 0.56, 0.05, 0.08, shade(skin, 0.92), "ears")
    c.ellipse(0.5, 0.24, 0.33, 0.15, hair, "hair", 0, 180, 360)
    eye = _of(rng, "blue", "green", "brown", "black")
    for x in (0.37, 0.63):
        c.ellipse(x, 0.48, 0.065, 0.045, (255, 255, 255), "eyes")
        c.ellipse(x, 0.48, 0.034, 0.036, eye, "eyes")
        c.line(x - 0.06, 0.39, x + 0.06, 0.39, 0.02, shade(hair, 0.7))
    c.poly([(0.5, 0.52), (0.445, 0.65), (0.555, 0.65)], shade(skin, 0.78), "nose")
    lips = (190, 60, 70)
    if rng.random() < 0.5:
        c.ellipse(0.5, 0.74, 0.13, 0.08, lips, "mouth", 0, 0, 180)
    else:
        c.ellipse(0.5, 0.77, 0.12, 0.035, lips, "mouth")


def _tree(c: Canvas, rng: Rng) -> None:
    leaf = _of(rng, "green", "green", "green", "orange", "red", "yellow", "pink")
    width = float(rng.uniform(0.055, 0.09))
    c.poly(
        [(0.5 - width, 0.5), (0.5 + width, 0.5), (0.5 + width * 1.3, 0.98), (0.5 - width * 1.3, 0.98)],
        _of(rng, "brown"),
        "trunk",
    )
    if rng.random() < 0.45:
        for k in range(3):
            top = 0.03 + k * 0.19
            half = 0.18 + k * 0.09
            c.poly([(0.5, top), (0.5 + half, top + 0.3), (0.5 - half, top + 0.3)], shade(leaf, 1 - 0.08 * k), "crown")
    else:
        for _ in range(7):
            x, y = rng.uniform(0.3, 0.7), rng.uniform(0.22, 0.5)
            c.ellipse(float(x), float(y), 0.2, 0.18, shade(leaf, float(rng.uniform(0.9, 1.0))), "crown")
        if rng.random() < 0.3:
            for _ in range(6):
                c.ellipse(
                    float(rng.uniform(0.28, 0.72)), float(rng.uniform(0.2, 0.52)), 0.035, 0.035, (220, 40, 50), "fruits"
                )


def _flower(c: Canvas, rng: Rng) -> None:
    petal, center = _bright(rng), _of(rng, "yellow", "brown", "orange")
    c.line(0.5, 0.4, 0.5, 0.97, 0.04, (70, 140, 60), "stem")
    c.ellipse(0.64, 0.76, 0.15, 0.06, (90, 165, 70), "leaves", -28)
    if rng.random() < 0.6:
        c.ellipse(0.36, 0.84, 0.15, 0.06, (90, 165, 70), "leaves", 28)
    count = int(rng.integers(5, 9))
    turn = float(rng.uniform(0, 360))
    for k in range(count):
        angle = turn + k * 360 / count
        x, y = 0.5 + 0.2 * math.cos(math.radians(angle)), 0.32 + 0.2 * math.sin(math.radians(angle))
        c.ellipse(x, y, 0.14, 0.62 / count, petal, "petals", angle)
    c.ellipse(0.5, 0.32, 0.1, 0.1, center, "center")


def _robot(c: Canvas, rng: Rng) -> None:
    metal, body = _of(rng, "gray", "white", "blue", "green", "yellow"), _any(rng)
    c.line(0.5, 0.02, 0.5, 0.14, 0.02, (90, 90, 95), "antenna")
    c.ellipse(0.5, 0.04, 0.035, 0.035, (230, 60, 60), "antenna")
    for x0, x1 in ((0.1, 0.24), (0.76, 0.9)):
        c.round_rect(x0, 0.46, x1, 0.74, 0.05, shade(metal, 0.82), "arms")
    for x0, x1 in ((0.32, 0.45), (0.55, 0.68)):
        c.rect(x0, 0.74, x1, 0.97, shade(metal, 0.75), "legs")
    c.round_rect(0.26, 0.43, 0.74, 0.8, 0.05, body, "body")
    c.round_rect(0.37, 0.52, 0.63, 0.66, 0.02, shade(body, 0.6), "body")
    c.round_rect(0.28, 0.12, 0.72, 0.41, 0.06, metal, "head")
    glow = _of(rng, "blue", "red", "yellow", "green")
    for x in (0.4, 0.6):
        c.ellipse(x, 0.23, 0.055, 0.055, (255, 255, 255), "eyes")
        c.ellipse(x, 0.23, 0.035, 0.035, glow, "eyes")
    c.rect(0.39, 0.325, 0.61, 0.36, INK, "mouth")


def _sailboat(c: Canvas, rng: Rng) -> None:
    hull, sail = _any(rng), _of(rng, "white", "red", "orange", "yellow", "blue")
    c.rect(0.47, 0.06, 0.51, 0.74, (120, 80, 50), "mast")
    c.poly([(0.53, 0.1), (0.53, 0.66), (0.92, 0.66)], sail, "sails")
    if rng.random() < 0.7:
        c.poly([(0.45, 0.2), (0.45, 0.66), (0.14, 0.66)], shade(sail, 0.88), "sails")
    c.poly([(0.04, 0.72), (0.96, 0.72), (0.82, 0.94), (0.18, 0.94)], hull, "hull")


def _rocket(c: Canvas, rng: Rng) -> None:
    body, trim = _of(rng, "white", "gray", "yellow", "blue"), _bright(rng)
    wide = float(rng.uniform(0.13, 0.18))
    c.poly([(0.5 - wide * 0.7, 0.76), (0.5, 0.98), (0.5 + wide * 0.7, 0.76)], (255, 150, 30), "flame")
    c.poly([(0.5 - wide * 0.35, 0.76), (0.5, 0.9), (0.5 + wide * 0.35, 0.76)], (255, 225, 80), "flame")
    c.poly([(0.5 - wide, 0.55), (0.5 - wide - 0.16, 0.82), (0.5 - wide, 0.76)], trim, "fins")
    c.poly([(0.5 + wide, 0.55), (0.5 + wide + 0.16, 0.82), (0.5 + wide, 0.76)], trim, "fins")
    c.rect(0.5 - wide, 0.3, 0.5 + wide, 0.77, body, "body")
    c.poly([(0.5 - wide, 0.31), (0.5, 0.03), (0.5 + wide, 0.31)], trim, "nose")
    c.ellipse(0.5, 0.44, wide * 0.55, wide * 0.55, (80, 90, 105), "window")
    c.ellipse(0.5, 0.44, wide * 0.4, wide * 0.4, GLASS, "window")


def _fish(c: Canvas, rng: Rng) -> None:
    body = _any(rng)
    fin = _bright(rng, body)
    c.poly([(0.28, 0.5), (0.04, 0.26), (0.1, 0.5), (0.04, 0.74)], fin, "tail")
    c.poly([(0.42, 0.32), (0.55, 0.12), (0.72, 0.34)], fin, "fins")
    c.poly([(0.48, 0.68), (0.52, 0.86), (0.64, 0.68)], fin, "fins")
    c.ellipse(0.58, 0.5, 0.37, float(rng.uniform(0.2, 0.27)), body, "body")
    if rng.random() < 0.5:
        for x in (0.42, 0.55):
            c.rect(x, 0.36, x + 0.05, 0.64, shade(fin, 0.9), "body")
    c.ellipse(0.79, 0.44, 0.05, 0.05, (255, 255, 255), "eye")
    c.ellipse(0.8, 0.44, 0.027, 0.027, INK, "eye")


def _snowman(c: Canvas, rng: Rng) -> None:
    snow = (245, 248, 252)
    c.line(0.3, 0.55, 0.08, 0.4, 0.022, (110, 75, 45), "arms")
    c.line(0.7, 0.55, 0.92, 0.42, 0.022, (110, 75, 45), "arms")
    c.ellipse(0.5, 0.76, 0.26, 0.22, shade(snow, 0.93), "body")
    c.ellipse(0.5, 0.52, 0.2, 0.17, shade(snow, 0.97), "body")
    c.ellipse(0.5, 0.3, 0.15, 0.14, snow, "head")
    hat = _of(rng, "black", "red", "blue", "green", "purple")
    c.rect(0.4, 0.03, 0.6, 0.18, hat, "hat")
    c.rect(0.33, 0.165, 0.67, 0.205, hat, "hat")
    for x in (0.45, 0.56):
        c.ellipse(x, 0.27, 0.018, 0.018, INK, "eyes")
    c.poly([(0.5, 0.3), (0.66, 0.33), (0.5, 0.345)], (245, 130, 30), "nose")
    if rng.random() < 0.6:
        c.rect(0.37, 0.4, 0.63, 0.445, _bright(rng), "scarf")
    for y in (0.5, 0.57, 0.68):
        c.ellipse(0.5, y, 0.017, 0.017, INK)


def _lamp(c: Canvas, rng: Rng) -> None:
    shade_color, base = _any(rng), _of(rng, "brown", "gray", "black", "white", "yellow")
    c.rect(0.475, 0.4, 0.525, 0.9, base, "stand")
    c.ellipse(0.5, 0.92, 0.19, 0.05, base, "base")
    top = float(rng.uniform(0.1, 0.2))
    c.poly([(0.5 - top, 0.06), (0.5 + top, 0.06), (0.82, 0.46), (0.18, 0.46)], shade_color, "shade")


def _mug(c: Canvas, rng: Rng) -> None:
    paint = _any(rng)
    c.arc(0.7, 0.55, 0.18, 0.2, -95, 95, 0.07, shade(paint, 0.88), "handle")
    c.round_rect(0.14, 0.2, 0.7, 0.92, 0.08, paint, "body")
    c.ellipse(0.42, 0.21, 0.28, 0.07, shade(paint, 0.75), "body")
    c.ellipse(0.42, 0.215, 0.23, 0.05, (94, 54, 30), "coffee")
    if rng.random() < 0.4:
        c.rect(0.14, 0.5, 0.7, 0.62, _bright(rng, paint), "body")


def _umbrella(c: Canvas, rng: Rng) -> None:
    first = _bright(rng)
    second = first if rng.random() < 0.5 else _of(rng, "white", "yellow", "black")
    c.rect(0.485, 0.4, 0.515, 0.86, (120, 80, 50), "handle")
    c.arc(0.42, 0.86, 0.08, 0.08, 0, 180, 0.03, (120, 80, 50), "handle")
    c.rect(0.488, 0.03, 0.512, 0.14, (120, 80, 50))
    for k in range(6):
        c.ellipse(0.5, 0.52, 0.46, 0.42, first if k % 2 == 0 else second, "canopy", 0, 180 + k * 30, 210 + k * 30)


def _ice_cream(c: Canvas, rng: Rng) -> None:
    c.poly([(0.28, 0.46), (0.72, 0.46), (0.5, 0.98)], (214, 160, 90), "cone")
    for k in range(3):
        c.line(0.34 + k * 0.12, 0.47, 0.52 + k * 0.04, 0.78 - 0.1 * k, 0.01, (176, 120, 60), "cone")
    count = int(rng.integers(1, 4))
    if count == 1:
        spots = [(0.5, 0.34)]
    elif count == 2:
        spots = [(0.5, 0.19), (0.5, 0.4)]
    else:
        spots = [(0.5, 0.18), (0.37, 0.38), (0.63, 0.38)]
    for x, y in spots:
        c.ellipse(
            x,
            y,
            0.2 if count != 1 else 0.26,
            0.17 if count != 1 else 0.24,
            _of(rng, "pink", "white", "brown", "yellow", "green", "red"),
            "scoop" if count == 1 else "scoops",
        )
    if rng.random() < 0.4:
        c.ellipse(0.5, 0.06, 0.05, 0.05, (214, 30, 50), "cherry")


def _mushroom(c: Canvas, rng: Rng) -> None:
    cap = _of(rng, "red", "brown", "orange", "purple", "yellow")
    width = float(rng.uniform(0.11, 0.16))
    c.round_rect(0.5 - width, 0.45, 0.5 + width, 0.96, 0.1, (245, 236, 218), "stem")
    c.ellipse(0.5, 0.55, 0.45, 0.46, cap, "cap", 0, 180, 360)
    if rng.random() < 0.7:
        for x, y, radius in ((0.3, 0.4, 0.06), (0.5, 0.25, 0.07), (0.7, 0.38, 0.06), (0.53, 0.46, 0.04)):
            c.ellipse(x, y, radius, radius, (250, 248, 244), "spots")


def _butterfly(c: Canvas, rng: Rng) -> None:
    wing = _bright(rng)
    spot = _bright(rng, wing)
    for side in (-1, 1):
        c.ellipse(0.5 + side * 0.24, 0.34, 0.23, 0.25, wing, "wings", side * 25)
        c.ellipse(0.5 + side * 0.2, 0.68, 0.18, 0.2, shade(wing, 0.85), "wings", -side * 20)
        c.ellipse(0.5 + side * 0.27, 0.33, 0.09, 0.1, spot, "wings")
        c.line(0.5, 0.24, 0.5 + side * 0.12, 0.06, 0.015, INK, "antennae")
    c.ellipse(0.5, 0.52, 0.045, 0.3, INK, "body")


def _cake(c: Canvas, rng: Rng) -> None:
    frosting, dough = _of(rng, "pink", "white", "brown", "yellow", "blue"), _of(rng, "brown", "orange", "yellow")
    for x in (0.32, 0.5, 0.68)[: int(rng.integers(1, 4))]:
        c.rect(x - 0.02, 0.2, x + 0.02, 0.42, _bright(rng), "candles")
        c.ellipse(x, 0.15, 0.028, 0.055, (255, 170, 40), "candles")
    c.round_rect(0.1, 0.4, 0.9, 0.9, 0.04, dough, "dough")
    c.round_rect(0.1, 0.38, 0.9, 0.58, 0.05, frosting, "frosting")
    for k in range(5):
        c.ellipse(0.18 + k * 0.16, 0.58, 0.08, 0.07 + 0.03 * (k % 2), frosting, "frosting")
    c.round_rect(0.03, 0.88, 0.97, 0.95, 0.03, (205, 210, 216), "plate")


def _chair(c: Canvas, rng: Rng) -> None:
    wood, seat = _of(rng, "brown", "black", "white", "gray"), _any(rng)
    for x in (0.22, 0.7):
        c.rect(x, 0.56, x + 0.07, 0.97, wood, "legs")
    c.round_rect(0.2, 0.04, 0.79, 0.48, 0.06, shade(seat, 0.9), "back")
    for x in (0.22, 0.7):
        c.rect(x, 0.4, x + 0.07, 0.58, wood, "back")
    c.round_rect(0.14, 0.52, 0.85, 0.64, 0.04, seat, "seat")


def _table(c: Canvas, rng: Rng) -> None:
    wood = _of(rng, "brown", "brown", "white", "gray", "black", "orange")
    for x in (0.12, 0.8):
        c.rect(x, 0.34, x + 0.08, 0.9, shade(wood, 0.78), "legs")
    c.round_rect(0.03, 0.24, 0.97, 0.38, 0.03, wood, "top")


def _pencil(c: Canvas, rng: Rng) -> None:
    paint = _bright(rng)
    c.rect(0.4, 0.16, 0.6, 0.78, paint, "body")
    c.rect(0.465, 0.16, 0.535, 0.78, shade(paint, 0.82), "body")
    c.poly([(0.4, 0.78), (0.6, 0.78), (0.5, 0.98)], (240, 205, 160), "tip")
    c.poly([(0.465, 0.91), (0.535, 0.91), (0.5, 0.98)], INK, "tip")
    c.rect(0.4, 0.1, 0.6, 0.17, (180, 185, 190))
    c.round_rect(0.4, 0.02, 0.6, 0.11, 0.04, (240, 130, 150), "eraser")


def _castle(c: Canvas, rng: Rng) -> None:
    stone, roof = _of(rng, "gray", "brown", "white", "pink"), _bright(rng)
    c.rect(0.2, 0.45, 0.8, 0.96, stone, "wall")
    for k in range(4):
        c.rect(0.29 + k * 0.115, 0.39, 0.345 + k * 0.115, 0.46, stone, "wall")
    for x in (0.06, 0.74):
        c.rect(x, 0.34, x + 0.2, 0.96, shade(stone, 0.88), "towers")
        c.poly([(x - 0.03, 0.35), (x + 0.1, 0.06), (x + 0.23, 0.35)], roof, "roofs")
        c.rect(x + 0.07, 0.48, x + 0.13, 0.6, (60, 60, 70), "windows")
    c.ellipse(0.5, 0.78, 0.1, 0.12, (96, 60, 36), "gate", 0, 180, 360)
    c.rect(0.4, 0.775, 0.6, 0.96, (96, 60, 36), "gate")


def _airplane(c: Canvas, rng: Rng) -> None:
    body, trim = _of(rng, "white", "gray", "yellow", "blue"), _bright(rng)
    c.poly([(0.06, 0.5), (0.05, 0.22), (0.16, 0.24), (0.27, 0.5)], trim, "tail")
    c.ellipse(0.52, 0.53, 0.45, 0.13, body, "body")
    c.poly([(0.42, 0.55), (0.62, 0.55), (0.4, 0.85), (0.28, 0.85)], shade(trim, 0.9), "wing")
    for k in range(5):
        c.ellipse(0.36 + k * 0.09, 0.48, 0.022, 0.026, (90, 130, 170), "windows")
    c.ellipse(0.88, 0.48, 0.05, 0.045, (90, 130, 170), "windows")


def _bird(c: Canvas, rng: Rng) -> None:
    body = _any(rng)
    for x in (0.5, 0.6):
        c.line(x, 0.74, x, 0.95, 0.022, (240, 150, 40), "legs")
    c.poly([(0.3, 0.56), (0.03, 0.42), (0.06, 0.66), (0.3, 0.7)], shade(body, 0.75), "tail")
    c.ellipse(0.48, 0.58, 0.29, 0.21, body, "body")
    c.ellipse(0.7, 0.34, 0.16, 0.16, shade(body, 0.95), "head")
    c.poly([(0.84, 0.29), (0.98, 0.37), (0.84, 0.42)], (245, 165, 40), "beak")
    c.ellipse(0.43, 0.56, 0.17, 0.11, shade(body, 0.72), "wing", 15)
    c.ellipse(0.74, 0.31, 0.035, 0.035, (255, 255, 255), "eye")
    c.ellipse(0.745, 0.31, 0.02, 0.02, INK, "eye")


def _bicycle(c: Canvas, rng: Rng) -> None:
    paint = _any(rng)
    for x in (0.23, 0.77):
        c.arc(x, 0.66, 0.18, 0.18, 0, 360, 0.035, INK, "wheels")
    for line in (
        (0.23, 0.66, 0.4, 0.36), (0.4, 0.36, 0.68, 0.36), (0.68, 0.36, 0.46, 0.66), (0.46, 0.66, 0.23, 0.66),
        (0.46, 0.66, 0.38, 0.3), (0.77, 0.66, 0.66, 0.26),
    ):  # fmt: skip
        c.line(*line, 0.035, paint, "frame")
    c.line(0.3, 0.29, 0.45, 0.29, 0.05, INK, "saddle")
    c.line(0.6, 0.24, 0.74, 0.22, 0.04, INK, "handlebar")


# kind -> (group, painter)
OBJECTS: dict[str, tuple[str, Callable[[Canvas, Rng], None]]] = {
    "house": ("building", _house),
    "castle": ("building", _castle),
    "car": ("vehicle", _car),
    "bus": ("vehicle", _bus),
    "truck": ("vehicle", _truck),
    "train": ("vehicle", _train),
    "sailboat": ("vehicle", _sailboat),
    "rocket": ("vehicle", _rocket),
    "airplane": ("vehicle", _airplane),
    "bicycle": ("vehicle", _bicycle),
    "face": ("character", _face),
    "robot": ("character", _robot),
    "snowman": ("character", _snowman),
    "tree": ("plant", _tree),
    "flower": ("plant", _flower),
    "mushroom": ("plant", _mushroom),
    "fish": ("animal", _fish),
    "bird": ("bird", _bird),
    "butterfly": ("insect", _butterfly),
    "lamp": ("household thing", _lamp),
    "chair": ("household thing", _chair),
    "table": ("household thing", _table),
    "mug": ("kitchen thing", _mug),
    "umbrella": ("clothing", _umbrella),
    "ice cream": ("sweet", _ice_cream),
    "cake": ("sweet", _cake),
    "pencil": ("office thing", _pencil),
}
