"""Crowded pictures: many named things side by side, each with its exact mask.

A scene meant to be talked about holds a handful of things; here every picture is a jittered grid full of them, which
gives an encoder that starts from nothing several times as many labels for the same arithmetic. `crowd_talks` asks
one short question about each thing, which does the same for the language model: most of what it has to learn is what
every thing is called.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from osprey_core.training.art import Atlas
from osprey_core.training.dialogues import phrasings as say
from osprey_core.training.dialogues.dialogues import (
    NEAR_COLORS,
    DialogueTurn,
    is_kin,
    main_colors,
    place_of,
    place_words,
)
from osprey_core.training.scenes.backgrounds import background_image
from osprey_core.training.scenes.colors import color_shares
from osprey_core.training.scenes.drawings import Rgba, turned
from osprey_core.training.scenes.drawn import Rng, draw_object, draw_shape
from osprey_core.training.scenes.names import Thing, things, with_article

GRIDS = (2, 3, 3, 4, 4)
"""Things per side of the grid, drawn evenly."""
DRAWN_SHARE, SHAPE_SHARE = 0.12, 0.06
ASKED = {"category": 0.42, "what": 0.14, "color": 0.16, "position": 0.1, "is_category": 0.1, "is_color": 0.08}
"""Share of each kind among the questions."""


@dataclass(frozen=True)
class CrowdSample:
    """A picture uint8 (S, S, 3), masks bool (S, S) of things in it, their names, and what is asked about them."""

    image: np.ndarray
    masks: list[np.ndarray]
    region_names: list[str]
    dialogue: list[DialogueTurn] = field(default_factory=list)


def make_crowd(seed: int, atlas: Atlas | None, side_px: int) -> CrowdSample:
    """One crowded picture; the same arguments give the same."""
    rng = np.random.default_rng([seed, 77])
    image = background_image(rng, side_px, side_px)
    grid = int(rng.choice(GRIDS))
    cell = side_px / grid
    names: list[str] = []
    masks: list[np.ndarray] = []
    for row in range(grid):
        for column in range(grid):
            name, rgba = _thing(rng, atlas)
            rgba = turned(rng, rgba, float(rng.uniform(0.62, 1.0)) * cell)
            mask = _paste(rng, image, rgba, (column + 0.5) * cell, (row + 0.5) * cell, 0.12 * cell)
            if np.count_nonzero(mask) < 25:
                continue
            names.append(name)
            for earlier in masks:
                earlier &= ~mask
            masks.append(mask)
    kept = [index for index, mask in enumerate(masks) if np.count_nonzero(mask) >= 20]
    return CrowdSample(image, [masks[index] for index in kept], [names[index] for index in kept])


def crowd_talks(seed: int, atlas: Atlas | None, side_px: int, count: int, turns: int) -> list[CrowdSample]:
    """The same crowded picture `count` times, each with some of its things as regions and one question about each.

    A conversation has at most `turns` turns, and each brings its region. Things are asked about again only when the
    picture holds too few.
    """
    crowd = make_crowd(seed, atlas, side_px)
    rng = np.random.default_rng([seed, 78])
    found = []
    order: list[int] = []
    for _ in range(count):
        if len(order) < turns:
            order += [k for k in rng.permutation(len(crowd.masks)).tolist() if k not in order]
        chosen, order = order[:turns], order[turns:]
        talk = [_ask(rng, crowd, k, place, atlas) for place, k in enumerate(chosen)]
        masks, names = [crowd.masks[k] for k in chosen], [crowd.region_names[k] for k in chosen]
        found.append(CrowdSample(crowd.image, masks, names, talk))
    return found


def _ask(rng: Rng, crowd: CrowdSample, index: int, place: int, atlas: Atlas | None) -> DialogueTurn:
    """A question of any kind that has a plain answer for this thing, the region at this place; else its category."""
    mask, thing = crowd.masks[index], _named(crowd.region_names[index])
    colors = main_colors(shares := color_shares(crowd.image, mask))
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    center = (float(xs[0] + xs[-1] + 1) / 2, float(ys[0] + ys[-1] + 1) / 2)
    column, row = place_of(center, (mask.shape[0], mask.shape[1]))
    kind = str(rng.choice(list(ASKED), p=list(ASKED.values())))
    banks: tuple[tuple[str, ...], tuple[str, ...]] = (say.CATEGORY, say.CATEGORY_BARE)
    answer, x = thing.name, ""
    if kind == "what":
        banks, answer = (say.WHAT, say.WHAT_BARE), f"It is {with_article(' '.join((*_and(colors), thing.noun)))}."
    elif kind == "color" and colors:
        banks, answer = (say.COLOR, say.COLOR_BARE), f"It is {' and '.join(colors)}."
    elif kind == "position" and column and row:
        banks, answer = (say.POSITION, say.POSITION_BARE), f"It is {place_words(column, row)}."
    elif kind == "is_category":
        truth = with_article(thing.noun)
        other = _other(rng, crowd, thing, atlas)
        asked_right = other is None or rng.random() < 0.5
        x = truth if other is None or asked_right else with_article(other.noun)
        banks, answer = (say.IS_CATEGORY, say.IS_CATEGORY_BARE), f"{'Yes' if asked_right else 'No'}, it is {truth}."
    elif kind == "is_color" and len(colors) == 1:
        wrong = [
            c for c in NEAR_COLORS if c != colors[0] and c not in NEAR_COLORS[colors[0]] and shares.get(c, 0.0) < 0.08
        ]
        asked_right = not wrong or rng.random() < 0.5
        x = colors[0] if asked_right else wrong[int(rng.integers(len(wrong)))]
        banks, answer = (say.IS_COLOR, say.IS_COLOR_BARE), f"{'Yes' if asked_right else 'No'}, it is {colors[0]}."
    else:
        kind = "category"
    # Without a mention all regions given so far are meant, so only the first question can go without.
    bank = banks[1] if place == 0 and rng.random() < 0.5 else banks[0]
    question = bank[int(rng.integers(len(bank)))]
    question = question.replace("{r}", f"<region{place + 1}>").replace("{x}", x).replace("{Is}", "Is")
    return DialogueTurn(kind, question, answer, place + 1, (answer,), (place,))


def _and(colors: tuple[str, ...]) -> tuple[str, ...]:
    return (" and ".join(colors),) if colors else ()


def _named(name: str) -> Thing:
    return things().get(name) or Thing(name, name, "")


def _other(rng: Rng, crowd: CrowdSample, thing: Thing, atlas: Atlas | None) -> Thing | None:
    """Something that is plainly not `thing`: half of the time something else in the picture."""
    for _ in range(6):
        pool = crowd.region_names if atlas is None or rng.random() < 0.5 else atlas.names
        found = _named(pool[int(rng.integers(len(pool)))])
        if not is_kin(found, thing):
            return found
    return None


def _thing(rng: Rng, atlas: Atlas | None) -> tuple[str, Rgba]:
    draw = rng.random()
    if atlas is None or draw < DRAWN_SHARE:
        drawn = draw_object(rng, 96)
    elif draw < DRAWN_SHARE + SHAPE_SHARE:
        drawn = draw_shape(rng, 96)
    else:
        names = atlas.names
        found = atlas.sprites[names[int(rng.integers(len(names)))]]
        sprite = found[int(rng.integers(len(found)))]
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
