"""Conversations about crowded pictures: one short question about each of some things, each with its region.

The language model mainly has to learn the names of things. Many questions about one picture teach it several times as
many names for the same computation.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from osprey_core.language.wording import with_article
from osprey_core.training.art import Atlas
from osprey_core.training.dialogues.absent import is_kin
from osprey_core.training.dialogues.conversation import DialogueTurn
from osprey_core.training.dialogues.facts import main_colors, place_of, place_words, wrong_colors
from osprey_core.training.dialogues.phrasings import WORDINGS
from osprey_core.training.scenes.colors import color_shares
from osprey_core.training.scenes.crowds import Crowd, make_crowd
from osprey_core.training.scenes.drawn import Rng
from osprey_core.training.scenes.names import Thing, things

ASKED = {"category": 0.42, "what": 0.14, "color": 0.16, "position": 0.1, "is_category": 0.1, "is_color": 0.08}
"""Share of each kind among the questions."""


@dataclass(frozen=True)
class CrowdSample:
    """A crowded picture with what is asked about some of its things."""

    image: np.ndarray
    """uint8 (S, S, 3)."""
    masks: list[np.ndarray]
    """bool (S, S) of each thing."""
    region_names: list[str]
    """The things' names."""
    dialogue: list[DialogueTurn] = field(default_factory=list)
    """One question about each thing, or nothing."""


def crowd_sample(seed: int, atlas: Atlas | None, side_px: int) -> CrowdSample:
    """A crowded picture with all its things as regions, and nothing said about them."""
    crowd = make_crowd(seed, atlas, side_px)
    return CrowdSample(crowd.image, crowd.masks, crowd.region_names)


def crowd_talks(seed: int, atlas: Atlas | None, side_px: int, count: int, turns: int) -> list[CrowdSample]:
    """The same crowded picture `count` times, each with some of its things as regions and one question about each.

    A conversation has at most `turns` turns, and each brings its region. Things are asked about again only when the
    picture holds too few.
    """
    crowd = make_crowd(seed, atlas, side_px)
    rng = np.random.default_rng([seed, 78])
    samples = []
    order: list[int] = []
    for _ in range(count):
        if len(order) < turns:
            order += [k for k in rng.permutation(len(crowd.masks)).tolist() if k not in order]
        chosen, order = order[:turns], order[turns:]
        talk = [_ask(rng, crowd, k, place, atlas) for place, k in enumerate(chosen)]
        masks, names = [crowd.masks[k] for k in chosen], [crowd.region_names[k] for k in chosen]
        samples.append(CrowdSample(crowd.image, masks, names, talk))
    return samples


def _ask(rng: Rng, crowd: Crowd, index: int, place: int, atlas: Atlas | None) -> DialogueTurn:
    """A question of any kind that has a plain answer for this thing, the region at this place; else its category."""
    mask, thing = crowd.masks[index], _named(crowd.region_names[index])
    colors = main_colors(shares := color_shares(crowd.image, mask))
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    center = (float(xs[0] + xs[-1] + 1) / 2, float(ys[0] + ys[-1] + 1) / 2)
    column, row = place_of(center, (mask.shape[0], mask.shape[1]))
    kind = str(rng.choice(list(ASKED), p=list(ASKED.values())))
    x = ""
    if kind == "what":
        noun = f"{' and '.join(colors)} {thing.noun}" if colors else thing.noun
        answer = f"It is {with_article(noun)}."
    elif kind == "color" and colors:
        answer = f"It is {' and '.join(colors)}."
    elif kind == "position" and column and row:
        answer = f"It is {place_words(column, row)}."
    elif kind == "is_category":
        truth = with_article(thing.noun)
        other = _other(rng, crowd, thing, atlas)
        asked_right = other is None or rng.random() < 0.5
        x = truth if other is None or asked_right else with_article(other.noun)
        answer = f"{'Yes' if asked_right else 'No'}, it is {truth}."
    elif kind == "is_color" and len(colors) == 1:
        wrong = wrong_colors(colors[0], shares)
        asked_right = not wrong or rng.random() < 0.5
        x = colors[0] if asked_right else wrong[int(rng.integers(len(wrong)))]
        answer = f"{'Yes' if asked_right else 'No'}, it is {colors[0]}."
    else:
        kind, answer = "category", thing.name
    # Without a mention all regions given so far are meant, so only the first question can go without.
    wording = WORDINGS[kind]
    texts = wording.bare if place == 0 and rng.random() < 0.5 else wording.templates
    question = texts[int(rng.integers(len(texts)))]
    question = question.replace("{r}", f"<region{place + 1}>").replace("{x}", x).replace("{Is}", "Is")
    return DialogueTurn(kind, question, answer, place + 1, (answer,), (place,))


def _named(name: str) -> Thing:
    return things().get(name) or Thing(name, name, "")


def _other(rng: Rng, crowd: Crowd, thing: Thing, atlas: Atlas | None) -> Thing | None:
    """Something that is plainly not `thing`: half of the time something else in the picture."""
    for _ in range(6):
        pool = crowd.region_names if atlas is None or rng.random() < 0.5 else atlas.names
        other = _named(pool[int(rng.integers(len(pool)))])
        if not is_kin(other, thing):
            return other
    return None
