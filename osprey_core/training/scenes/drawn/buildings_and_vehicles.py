"""Painters of buildings and vehicles; every drawing has random proportions and colours."""

from __future__ import annotations

from osprey_core.training.scenes.drawn.canvas import Canvas
from osprey_core.training.scenes.drawn.paints import GLASS, INK, Rng, any_color, bright, one_of, shade


def draw_house(c: Canvas, rng: Rng) -> None:
    wall, roof = (
        one_of(rng, "white", "yellow", "pink", "blue", "brown", "gray", "orange"),
        one_of(rng, "red", "brown", "blue", "gray", "green", "purple"),
    )
    eaves = float(rng.uniform(0.38, 0.5))
    left, right = float(rng.uniform(0.08, 0.18)), float(rng.uniform(0.82, 0.92))
    if rng.random() < 0.75:
        x = float(rng.choice([0.24, 0.66]))
        c.rect(x, 0.1, x + 0.11, eaves, one_of(rng, "brown", "gray", "red"), "chimney")
    c.rect(left, eaves, right, 0.96, wall, "wall")
    peak = 0.5 + float(rng.uniform(-0.05, 0.05))
    if rng.random() < 0.5:
        c.poly([(left - 0.07, eaves), (peak, 0.05), (right + 0.07, eaves)], roof, "roof")
    else:
        c.poly([(left - 0.07, eaves), (left + 0.12, 0.16), (right - 0.12, 0.16), (right + 0.07, eaves)], roof, "roof")
    door = float(rng.choice([left + 0.08, 0.42, right - 0.26]))
    c.rect(door, 0.63, door + 0.18, 0.96, one_of(rng, "brown", "red", "green", "blue", "black"), "door")
    c.ellipse(door + 0.14, 0.8, 0.015, 0.015, (250, 220, 90), "door")
    for x in (left + 0.07, 0.42, right - 0.25):
        if abs(x - door) > 0.19:
            c.rect(x, 0.58, x + 0.18, 0.78, (250, 250, 250), "windows")
            c.rect(x + 0.015, 0.595, x + 0.165, 0.765, GLASS, "windows")
            c.line(x + 0.09, 0.59, x + 0.09, 0.77, 0.012, (250, 250, 250), "windows")


def draw_castle(c: Canvas, rng: Rng) -> None:
    stone, roof = one_of(rng, "gray", "brown", "white", "pink"), bright(rng)
    c.rect(0.2, 0.45, 0.8, 0.96, stone, "wall")
    for k in range(4):
        c.rect(0.29 + k * 0.115, 0.39, 0.345 + k * 0.115, 0.46, stone, "wall")
    for x in (0.06, 0.74):
        c.rect(x, 0.34, x + 0.2, 0.96, shade(stone, 0.88), "towers")
        c.poly([(x - 0.03, 0.35), (x + 0.1, 0.06), (x + 0.23, 0.35)], roof, "roofs")
        c.rect(x + 0.07, 0.48, x + 0.13, 0.6, (60, 60, 70), "windows")
    c.ellipse(0.5, 0.78, 0.1, 0.12, (96, 60, 36), "gate", 0, 180, 360)
    c.rect(0.4, 0.775, 0.6, 0.96, (96, 60, 36), "gate")


def _wheel(c: Canvas, x: float, y: float, radius: float) -> None:
    c.ellipse(x, y, radius, radius, INK, "wheels")
    c.ellipse(x, y, radius * 0.5, radius * 0.5, (190, 195, 200), "wheels")


def draw_car(c: Canvas, rng: Rng) -> None:
    paint = any_color(rng)
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


def draw_bus(c: Canvas, rng: Rng) -> None:
    paint = bright(rng)
    c.round_rect(0.03, 0.22, 0.97, 0.78, 0.07, paint, "body")
    c.rect(0.03, 0.6, 0.97, 0.64, shade(paint, 0.7), "body")
    count = int(rng.integers(3, 6))
    step = 0.7 / count
    for k in range(count):
        c.round_rect(0.08 + k * step, 0.3, 0.08 + k * step + step * 0.8, 0.5, 0.02, GLASS, "windows")
    c.rect(0.81, 0.32, 0.93, 0.76, shade(GLASS, 0.8), "door")
    for x in (0.22, 0.68):
        _wheel(c, x, 0.78, 0.085)


def draw_truck(c: Canvas, rng: Rng) -> None:
    cab, load = bright(rng), any_color(rng)
    split = float(rng.uniform(0.6, 0.7))
    c.rect(0.03, 0.68, 0.97, 0.74, (70, 72, 78))
    c.rect(0.03, float(rng.uniform(0.2, 0.32)), split, 0.7, load, "cargo box")
    c.poly([(split + 0.02, 0.36), (0.87, 0.36), (0.97, 0.54), (0.97, 0.74), (split + 0.02, 0.74)], cab, "cab")
    c.poly([(split + 0.09, 0.41), (0.85, 0.41), (0.91, 0.54), (split + 0.09, 0.54)], GLASS, "window")
    for x in (0.17, 0.34, 0.82):
        _wheel(c, x, 0.76, 0.08)


def draw_train(c: Canvas, rng: Rng) -> None:
    paint, trim = bright(rng), one_of(rng, "black", "gray", "brown")
    c.rect(0.08, 0.2, 0.42, 0.74, paint, "cab")
    c.rect(0.04, 0.15, 0.46, 0.21, trim, "cab")
    c.rect(0.15, 0.29, 0.34, 0.47, GLASS, "window")
    c.round_rect(0.4, 0.42, 0.94, 0.74, 0.08, shade(paint, 0.85), "boiler")
    x = float(rng.uniform(0.68, 0.8))
    c.poly([(x - 0.05, 0.43), (x - 0.08, 0.2), (x + 0.08, 0.2), (x + 0.05, 0.43)], trim, "chimney")
    c.rect(0.05, 0.72, 0.96, 0.78, trim)
    for wx, radius in ((0.23, 0.12), (0.56, 0.085), (0.79, 0.085)):
        _wheel(c, wx, 0.89 - radius, radius)


def draw_sailboat(c: Canvas, rng: Rng) -> None:
    hull, sail = any_color(rng), one_of(rng, "white", "red", "orange", "yellow", "blue")
    c.rect(0.47, 0.06, 0.51, 0.74, (120, 80, 50), "mast")
    c.poly([(0.53, 0.1), (0.53, 0.66), (0.92, 0.66)], sail, "sails")
    if rng.random() < 0.7:
        c.poly([(0.45, 0.2), (0.45, 0.66), (0.14, 0.66)], shade(sail, 0.88), "sails")
    c.poly([(0.04, 0.72), (0.96, 0.72), (0.82, 0.94), (0.18, 0.94)], hull, "hull")


def draw_rocket(c: Canvas, rng: Rng) -> None:
    body, trim = one_of(rng, "white", "gray", "yellow", "blue"), bright(rng)
    wide = float(rng.uniform(0.13, 0.18))
    c.poly([(0.5 - wide * 0.7, 0.76), (0.5, 0.98), (0.5 + wide * 0.7, 0.76)], (255, 150, 30), "flame")
    c.poly([(0.5 - wide * 0.35, 0.76), (0.5, 0.9), (0.5 + wide * 0.35, 0.76)], (255, 225, 80), "flame")
    c.poly([(0.5 - wide, 0.55), (0.5 - wide - 0.16, 0.82), (0.5 - wide, 0.76)], trim, "fins")
    c.poly([(0.5 + wide, 0.55), (0.5 + wide + 0.16, 0.82), (0.5 + wide, 0.76)], trim, "fins")
    c.rect(0.5 - wide, 0.3, 0.5 + wide, 0.77, body, "body")
    c.poly([(0.5 - wide, 0.31), (0.5, 0.03), (0.5 + wide, 0.31)], trim, "nose")
    c.ellipse(0.5, 0.44, wide * 0.55, wide * 0.55, (80, 90, 105), "window")
    c.ellipse(0.5, 0.44, wide * 0.4, wide * 0.4, GLASS, "window")


def draw_airplane(c: Canvas, rng: Rng) -> None:
    body, trim = one_of(rng, "white", "gray", "yellow", "blue"), bright(rng)
    c.poly([(0.06, 0.5), (0.05, 0.22), (0.16, 0.24), (0.27, 0.5)], trim, "tail")
    c.ellipse(0.52, 0.53, 0.45, 0.13, body, "body")
    c.poly([(0.42, 0.55), (0.62, 0.55), (0.4, 0.85), (0.28, 0.85)], shade(trim, 0.9), "wing")
    for k in range(5):
        c.ellipse(0.36 + k * 0.09, 0.48, 0.022, 0.026, (90, 130, 170), "windows")
    c.ellipse(0.88, 0.48, 0.05, 0.045, (90, 130, 170), "windows")


def draw_bicycle(c: Canvas, rng: Rng) -> None:
    paint = any_color(rng)
    for x in (0.23, 0.77):
        c.arc(x, 0.66, 0.18, 0.18, 0, 360, 0.035, INK, "wheels")
    for line in (
        (0.23, 0.66, 0.4, 0.36), (0.4, 0.36, 0.68, 0.36), (0.68, 0.36, 0.46, 0.66), (0.46, 0.66, 0.23, 0.66),
        (0.46, 0.66, 0.38, 0.3), (0.77, 0.66, 0.66, 0.26),
    ):  # fmt: skip
        c.line(*line, 0.035, paint, "frame")
    c.line(0.3, 0.29, 0.45, 0.29, 0.05, INK, "saddle")
    c.line(0.6, 0.24, 0.74, 0.22, 0.04, INK, "handlebar")
