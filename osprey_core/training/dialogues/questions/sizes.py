"""Questions about the sizes of things, and about three of them in order of size or place."""

from __future__ import annotations

import math

from osprey_core.language.wording import listing, sentence
from osprey_core.training.dialogues.conversation import Conversation, DraftQuestion
from osprey_core.training.dialogues.facts import size_comparison, size_of
from osprey_core.training.dialogues.phrasings import WORDINGS
from osprey_core.training.dialogues.scene_words import definite, pair

_SIZE_WORDS = {"small": "small", "medium": "medium-sized", "large": "large"}
_SIZE_STEP = 1.25
"""Each of the ordered things has at least so many times the next one's side."""
_SIDE_STEP = 0.08
"""Each of the ordered things is at least this share of the picture's width left of the next one."""


def ask_size(talk: Conversation) -> DraftQuestion | None:
    """Whether a thing is small, medium-sized or large."""
    picked = talk.pick_object(lambda item: size_of(item, talk.scene.size_hw) is not None)
    if picked is None:
        return None
    index, item = picked
    extent = str(size_of(item, talk.scene.size_hw))
    words = _SIZE_WORDS[extent]
    return DraftQuestion(WORDINGS["size"], f"It is {words}.", (words, extent), (index,))


def ask_which_larger(talk: Conversation) -> DraftQuestion | None:
    """Which of two things is larger or smaller, or whether the first is."""
    picked = talk.pick_two_objects()
    if picked is None:
        return None
    two, first, second = picked
    bigger = size_comparison(first, second)
    if bigger is None:
        return None
    one, other = pair(talk.regions[two[0]], talk.regions[two[1]])
    larger, smaller = (one, other) if bigger == "larger" else (other, one)
    draw = talk.rng.random()
    if draw < 0.35:
        return DraftQuestion(WORDINGS["which_larger"], sentence(f"{larger} is larger than {smaller}"), (larger,), two)
    if draw < 0.6:
        answer = sentence(f"{smaller} is smaller than {larger}")
        return DraftQuestion(WORDINGS["which_smaller"], answer, (smaller,), two)
    asked = "larger" if talk.rng.random() < 0.5 else "smaller"
    yes = "Yes" if asked == bigger else "No"
    return DraftQuestion(WORDINGS["is_larger"], f"{yes}, {one} is {bigger} than {other}.", (yes,), two, {"x": asked})


def ask_order(talk: Conversation) -> DraftQuestion | None:
    """Three things in order of size or from left to right, or which of them is the first in it."""
    fit = [index for index in range(talk.known) if talk.regions[index].is_object]
    if len(fit) < 3:
        return None
    chosen = tuple(int(fit[k]) for k in sorted(talk.rng.choice(len(fit), 3, replace=False)))
    items = [talk.regions[index].object for index in chosen]
    names = [definite(talk.regions[index]) for index in chosen]
    if len(set(names)) < 3:
        return None
    boxes = [item.full_box_xyxy for item in items if item is not None]
    if talk.rng.random() < 0.5:
        return _order_by_size(talk, boxes, names, chosen)
    return _order_by_side(talk, boxes, names, chosen)


_Box = tuple[int, int, int, int]


def _order_by_size(
    talk: Conversation, boxes: list[_Box], names: list[str], chosen: tuple[int, ...]
) -> DraftQuestion | None:
    sides = [math.sqrt((x1 - x0) * (y1 - y0)) for x0, y0, x1, y1 in boxes]
    order = sorted(range(3), key=lambda k: -sides[k])
    if any(sides[order[k]] < sides[order[k + 1]] * _SIZE_STEP for k in range(2)):
        return None
    if talk.rng.random() < 0.4:
        largest = names[order[0]]
        return DraftQuestion(WORDINGS["largest"], sentence(f"{largest} is the largest"), (largest,), chosen)
    answer = sentence(f"from largest to smallest: {listing([names[k] for k in order])}")
    return DraftQuestion(WORDINGS["order_size"], answer, (), chosen)


def _order_by_side(
    talk: Conversation, boxes: list[_Box], names: list[str], chosen: tuple[int, ...]
) -> DraftQuestion | None:
    middles = [(x0 + x1) / 2 for x0, _, x1, _ in boxes]
    order = sorted(range(3), key=middles.__getitem__)
    step_px = _SIDE_STEP * talk.scene.size_hw[1]
    if any(middles[order[k + 1]] - middles[order[k]] < step_px for k in range(2)):
        return None
    if talk.rng.random() < 0.4:
        word, place = ("left", 0) if talk.rng.random() < 0.5 else ("right", 2)
        winner = names[order[place]]
        answer = sentence(f"{winner} is the furthest {word}")
        return DraftQuestion(WORDINGS["outermost"], answer, (winner,), chosen, {"x": word})
    answer = sentence(f"from left to right: {listing([names[k] for k in order])}")
    return DraftQuestion(WORDINGS["order_side"], answer, (), chosen)
