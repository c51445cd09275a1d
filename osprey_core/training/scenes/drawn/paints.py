"""Colours that things are painted in, each under the name that its pixels are later given."""

from __future__ import annotations

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

INK: Rgb = (34, 32, 36)
GLASS: Rgb = (176, 216, 240)


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


def bright(rng: Rng, *but: Rgb) -> Rgb:
    while True:
        color = tint(rng, BRIGHT[int(rng.integers(len(BRIGHT)))])
        if all(sum(abs(a - b) for a, b in zip(color, other, strict=True)) > 120 for other in but):
            return color


def any_color(rng: Rng) -> Rgb:
    names = list(BASE_COLORS)
    return tint(rng, names[int(rng.integers(len(names)))])


def one_of(rng: Rng, *names: str) -> Rgb:
    return tint(rng, names[int(rng.integers(len(names)))])
