"""Ways to ask a question: as it is, and, as controls, without some of the input that the answer should depend on.

If answers depend on the pixels of the region, every control scores lower than the plain question.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from osprey_core.evaluation.questions import Question
from osprey_core.region_model import RegionToken
from osprey_core.training.dialogues import DialogueSample
from osprey_core.view import View

Ask = Callable[[DialogueSample, View, Question], str]
"""Answers one question; controls change what the model is given."""


def plain(made: DialogueSample, view: View, question: Question) -> str:
    """The question as it is, answered greedily."""
    return view.ask(question.text, question.masks, question.history)


def without(*tokens: RegionToken) -> Ask:
    """Control: the regions' mask tokens or spatial tokens are zero."""
    switched_off: Collection[RegionToken] = tokens
    return lambda made, view, q: view.ask(q.text, q.masks, q.history, without=switched_off)


def blank_picture(made: DialogueSample, view: View, question: Question) -> str:
    """Control: the picture is an even grey; the masks are the true ones."""
    grey = view.model.open(np.full_like(made.image, 128))
    return grey.ask(question.text, question.masks, question.history)


def shuffled_masks(made: DialogueSample, view: View, question: Question) -> str:
    """Control: every region is the mask of an object that it does not touch; where there is none, it stays."""
    rng = np.random.default_rng(made.scene.seed)
    swapped = []
    for mask in question.masks:
        others = _others(made, mask)
        swapped.append(others[int(rng.integers(len(others)))] if others else mask)
    return view.ask(question.text, swapped, question.history)


def can_shuffle(made: DialogueSample, question: Question) -> bool:
    """Whether there is such an object for every region of the question."""
    return all(_others(made, mask) for mask in question.masks)


def _others(made: DialogueSample, mask: np.ndarray) -> list[np.ndarray]:
    return [item.mask for item in made.scene.objects if not (item.mask & mask).any()]


CONTROLS: dict[str, Ask] = {
    "masks shuffled": shuffled_masks,
    "mask token off": without("mask"),
    "spatial token off": without("pos"),
    "picture blank": blank_picture,
}
"""Name -> how questions are asked."""

CONTROLLED = ("category", "colour", "position", "part")
"""Scores that the controls are taken of."""

SHUFFLED = "masks shuffled"
"""The one control that not every question allows."""
