"""Painters of household things and sweets; every drawing has random proportions and colours."""

from __future__ import annotations

from osprey_core.training.scenes.drawn.canvas import Canvas
from osprey_core.training.scenes.drawn.paints import INK, Rng, any_color, bright, one_of, shade


def draw_lamp(c: Canvas, rng: Rng) -> None:
    shade_color, base = any_color(rng), one_of(rng, "brown", "gray", "black", "white", "yellow")
    c.rect(0.475, 0.4, 0.525, 0.9, base, "stand")
    c.ellipse(0.5, 0.92, 0.19, 0.05, base, "base")
    top = float(rng.uniform(0.1, 0.2))
    c.poly([(0.5 - top, 0.06), (0.5 + top, 0.06), (0.82, 0.46), (0.18, 0.46)], shade_color, "shade")


def draw_chair(c: Canvas, rng: Rng) -> None:
    wood, seat = one_of(rng, "brown", "black", "white", "gray"), any_color(rng)
    for x in (0.22, 0.7):
        c.rect(x, 0.56, x + 0.07, 0.97, wood, "legs")
    c.round_rect(0.2, 0.04, 0.79, 0.48, 0.06, shade(seat, 0.9), "back")
    for x in (0.22, 0.7):
        c.rect(x, 0.4, x + 0.07, 0.58, wood, "back")
    c.round_rect(0.14, 0.52, 0.85, 0.64, 0.04, seat, "seat")


def draw_table(c: Canvas, rng: Rng) -> None:
    wood = one_of(rng, "brown", "brown", "white", "gray", "black", "orange")
    for x in (0.12, 0.8):
        c.rect(x, 0.34, x + 0.08, 0.9, shade(wood, 0.78), "legs")
    c.round_rect(0.03, 0.24, 0.97, 0.38, 0.03, wood, "top")


def draw_mug(c: Canvas, rng: Rng) -> None:
    paint = any_color(rng)
    c.arc(0.7, 0.55, 0.18, 0.2, -95, 95, 0.07, shade(paint, 0.88), "handle")
    c.round_rect(0.14, 0.2, 0.7, 0.92, 0.08, paint, "body")
    c.ellipse(0.42, 0.21, 0.28, 0.07, shade(paint, 0.75), "body")
    c.ellipse(0.42, 0.215, 0.23, 0.05, (94, 54, 30), "coffee")
    if rng.random() < 0.4:
        c.rect(0.14, 0.5, 0.7, 0.62, bright(rng, paint), "body")


def draw_umbrella(c: Canvas, rng: Rng) -> None:
    first = bright(rng)
    second = first if rng.random() < 0.5 else one_of(rng, "white", "yellow", "black")
    c.rect(0.485, 0.4, 0.515, 0.86, (120, 80, 50), "handle")
    c.arc(0.42, 0.86, 0.08, 0.08, 0, 180, 0.03, (120, 80, 50), "handle")
    c.rect(0.488, 0.03, 0.512, 0.14, (120, 80, 50))
    for k in range(6):
        c.ellipse(0.5, 0.52, 0.46, 0.42, first if k % 2 == 0 else second, "canopy", 0, 180 + k * 30, 210 + k * 30)


def draw_ice_cream(c: Canvas, rng: Rng) -> None:
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
            one_of(rng, "pink", "white", "brown", "yellow", "green", "red"),
            "scoop" if count == 1 else "scoops",
        )
    if rng.random() < 0.4:
        c.ellipse(0.5, 0.06, 0.05, 0.05, (214, 30, 50), "cherry")


def draw_cake(c: Canvas, rng: Rng) -> None:
    frosting, dough = one_of(rng, "pink", "white", "brown", "yellow", "blue"), one_of(rng, "brown", "orange", "yellow")
    for x in (0.32, 0.5, 0.68)[: int(rng.integers(1, 4))]:
        c.rect(x - 0.02, 0.2, x + 0.02, 0.42, bright(rng), "candles")
        c.ellipse(x, 0.15, 0.028, 0.055, (255, 170, 40), "candles")
    c.round_rect(0.1, 0.4, 0.9, 0.9, 0.04, dough, "dough")
    c.round_rect(0.1, 0.38, 0.9, 0.58, 0.05, frosting, "frosting")
    for k in range(5):
        c.ellipse(0.18 + k * 0.16, 0.58, 0.08, 0.07 + 0.03 * (k % 2), frosting, "frosting")
    c.round_rect(0.03, 0.88, 0.97, 0.95, 0.03, (205, 210, 216), "plate")


def draw_pencil(c: Canvas, rng: Rng) -> None:
    paint = bright(rng)
    c.rect(0.4, 0.16, 0.6, 0.78, paint, "body")
    c.rect(0.465, 0.16, 0.535, 0.78, shade(paint, 0.82), "body")
    c.poly([(0.4, 0.78), (0.6, 0.78), (0.5, 0.98)], (240, 205, 160), "tip")
    c.poly([(0.465, 0.91), (0.535, 0.91), (0.5, 0.98)], INK, "tip")
    c.rect(0.4, 0.1, 0.6, 0.17, (180, 185, 190))
    c.round_rect(0.4, 0.02, 0.6, 0.11, 0.04, (240, 130, 150), "eraser")
