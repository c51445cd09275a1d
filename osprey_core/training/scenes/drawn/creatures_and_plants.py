"""Painters of creatures, characters and plants; every drawing has random proportions and colours."""

from __future__ import annotations

import math

from osprey_core.training.scenes.drawn.canvas import Canvas
from osprey_core.training.scenes.drawn.paints import INK, Rng, any_color, bright, one_of, shade


def draw_face(c: Canvas, rng: Rng) -> None:
    skins = ((255, 219, 172), (241, 194, 125), (198, 134, 66), (141, 85, 36), (224, 172, 105), (96, 58, 32))
    skin = skins[int(rng.integers(len(skins)))]
    hair = one_of(rng, "black", "brown", "yellow", "orange", "gray", "red")
    long = rng.random() < 0.5
    c.ellipse(0.5, 0.44, 0.4, 0.4, hair, "hair")
    if long:
        c.round_rect(0.1, 0.42, 0.9, 0.94, 0.12, hair, "hair")
    c.ellipse(0.5, 0.54, 0.33, 0.4, skin)
    for x in (0.16, 0.84):
        c.ellipse(x, 0.56, 0.05, 0.08, shade(skin, 0.92), "ears")
    c.ellipse(0.5, 0.24, 0.33, 0.15, hair, "hair", 0, 180, 360)
    eye = one_of(rng, "blue", "green", "brown", "black")
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


def draw_robot(c: Canvas, rng: Rng) -> None:
    metal, body = one_of(rng, "gray", "white", "blue", "green", "yellow"), any_color(rng)
    c.line(0.5, 0.02, 0.5, 0.14, 0.02, (90, 90, 95), "antenna")
    c.ellipse(0.5, 0.04, 0.035, 0.035, (230, 60, 60), "antenna")
    for x0, x1 in ((0.1, 0.24), (0.76, 0.9)):
        c.round_rect(x0, 0.46, x1, 0.74, 0.05, shade(metal, 0.82), "arms")
    for x0, x1 in ((0.32, 0.45), (0.55, 0.68)):
        c.rect(x0, 0.74, x1, 0.97, shade(metal, 0.75), "legs")
    c.round_rect(0.26, 0.43, 0.74, 0.8, 0.05, body, "body")
    c.round_rect(0.37, 0.52, 0.63, 0.66, 0.02, shade(body, 0.6), "body")
    c.round_rect(0.28, 0.12, 0.72, 0.41, 0.06, metal, "head")
    glow = one_of(rng, "blue", "red", "yellow", "green")
    for x in (0.4, 0.6):
        c.ellipse(x, 0.23, 0.055, 0.055, (255, 255, 255), "eyes")
        c.ellipse(x, 0.23, 0.035, 0.035, glow, "eyes")
    c.rect(0.39, 0.325, 0.61, 0.36, INK, "mouth")


def draw_snowman(c: Canvas, rng: Rng) -> None:
    snow = (245, 248, 252)
    c.line(0.3, 0.55, 0.08, 0.4, 0.022, (110, 75, 45), "arms")
    c.line(0.7, 0.55, 0.92, 0.42, 0.022, (110, 75, 45), "arms")
    c.ellipse(0.5, 0.76, 0.26, 0.22, shade(snow, 0.93), "body")
    c.ellipse(0.5, 0.52, 0.2, 0.17, shade(snow, 0.97), "body")
    c.ellipse(0.5, 0.3, 0.15, 0.14, snow, "head")
    hat = one_of(rng, "black", "red", "blue", "green", "purple")
    c.rect(0.4, 0.03, 0.6, 0.18, hat, "hat")
    c.rect(0.33, 0.165, 0.67, 0.205, hat, "hat")
    for x in (0.45, 0.56):
        c.ellipse(x, 0.27, 0.018, 0.018, INK, "eyes")
    c.poly([(0.5, 0.3), (0.66, 0.33), (0.5, 0.345)], (245, 130, 30), "nose")
    if rng.random() < 0.6:
        c.rect(0.37, 0.4, 0.63, 0.445, bright(rng), "scarf")
    for y in (0.5, 0.57, 0.68):
        c.ellipse(0.5, y, 0.017, 0.017, INK)


def draw_fish(c: Canvas, rng: Rng) -> None:
    body = any_color(rng)
    fin = bright(rng, body)
    c.poly([(0.28, 0.5), (0.04, 0.26), (0.1, 0.5), (0.04, 0.74)], fin, "tail")
    c.poly([(0.42, 0.32), (0.55, 0.12), (0.72, 0.34)], fin, "fins")
    c.poly([(0.48, 0.68), (0.52, 0.86), (0.64, 0.68)], fin, "fins")
    c.ellipse(0.58, 0.5, 0.37, float(rng.uniform(0.2, 0.27)), body, "body")
    if rng.random() < 0.5:
        for x in (0.42, 0.55):
            c.rect(x, 0.36, x + 0.05, 0.64, shade(fin, 0.9), "body")
    c.ellipse(0.79, 0.44, 0.05, 0.05, (255, 255, 255), "eye")
    c.ellipse(0.8, 0.44, 0.027, 0.027, INK, "eye")


def draw_bird(c: Canvas, rng: Rng) -> None:
    body = any_color(rng)
    for x in (0.5, 0.6):
        c.line(x, 0.74, x, 0.95, 0.022, (240, 150, 40), "legs")
    c.poly([(0.3, 0.56), (0.03, 0.42), (0.06, 0.66), (0.3, 0.7)], shade(body, 0.75), "tail")
    c.ellipse(0.48, 0.58, 0.29, 0.21, body, "body")
    c.ellipse(0.7, 0.34, 0.16, 0.16, shade(body, 0.95), "head")
    c.poly([(0.84, 0.29), (0.98, 0.37), (0.84, 0.42)], (245, 165, 40), "beak")
    c.ellipse(0.43, 0.56, 0.17, 0.11, shade(body, 0.72), "wing", 15)
    c.ellipse(0.74, 0.31, 0.035, 0.035, (255, 255, 255), "eye")
    c.ellipse(0.745, 0.31, 0.02, 0.02, INK, "eye")


def draw_butterfly(c: Canvas, rng: Rng) -> None:
    wing = bright(rng)
    spot = bright(rng, wing)
    for side in (-1, 1):
        c.ellipse(0.5 + side * 0.24, 0.34, 0.23, 0.25, wing, "wings", side * 25)
        c.ellipse(0.5 + side * 0.2, 0.68, 0.18, 0.2, shade(wing, 0.85), "wings", -side * 20)
        c.ellipse(0.5 + side * 0.27, 0.33, 0.09, 0.1, spot, "wings")
        c.line(0.5, 0.24, 0.5 + side * 0.12, 0.06, 0.015, INK, "antennae")
    c.ellipse(0.5, 0.52, 0.045, 0.3, INK, "body")


def draw_tree(c: Canvas, rng: Rng) -> None:
    leaf = one_of(rng, "green", "green", "green", "orange", "red", "yellow", "pink")
    width = float(rng.uniform(0.055, 0.09))
    c.poly(
        [(0.5 - width, 0.5), (0.5 + width, 0.5), (0.5 + width * 1.3, 0.98), (0.5 - width * 1.3, 0.98)],
        one_of(rng, "brown"),
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


def draw_flower(c: Canvas, rng: Rng) -> None:
    petal, center = bright(rng), one_of(rng, "yellow", "brown", "orange")
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


def draw_mushroom(c: Canvas, rng: Rng) -> None:
    cap = one_of(rng, "red", "brown", "orange", "purple", "yellow")
    width = float(rng.uniform(0.11, 0.16))
    c.round_rect(0.5 - width, 0.45, 0.5 + width, 0.96, 0.1, (245, 236, 218), "stem")
    c.ellipse(0.5, 0.55, 0.45, 0.46, cap, "cap", 0, 180, 360)
    if rng.random() < 0.7:
        for x, y, radius in ((0.3, 0.4, 0.06), (0.5, 0.25, 0.07), (0.7, 0.38, 0.06), (0.53, 0.46, 0.04)):
            c.ellipse(x, y, radius, radius, (250, 248, 244), "spots")
