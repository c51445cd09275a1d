"""Find: which of a picture's segments a phrase fits.

With a CLIP the phrase is compared with every segment. Otherwise the language model is asked: how likely it is to call
a segment so, and whether it says yes to "Is <region1> a …?". Segments that are parts of one thing count once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from osprey_core.errors import InputError
from osprey_core.language.prompts import QUESTIONS
from osprey_core.language.wording import singular, with_article
from osprey_core.language.yes_or_no import REPLIES, probability_of_yes
from osprey_core.regions.distinct import DistinctRegions
from osprey_core.regions.masks import Mask
from osprey_core.vocabularies import vocabulary_of

if TYPE_CHECKING:
    from osprey_core.analysis.open_vocabulary import ClipView
    from osprey_core.view import View

MAX_PHRASE_CHARACTERS = 100

LOWEST_THRESHOLD = 0.05
"""Segments with a lower score are never found."""

DEFAULT_THRESHOLD = 0.5
"""Measured with osprey-nano (`python -m osprey_core.evaluation find`, IoU 0.5): on 50 made scenes precision 84 % and
recall 66 % for names of what was there, in 23 photographs 19 % and 21 %; nothing was found for any of 131 names of what
was not in the scenes, and for 92 % of 52 of what was not in the photographs."""

SAME_THING = 0.5
"""Two segments that share more than this much of the smaller one are taken for the same thing."""

_OPENINGS = re.compile(r"^(?:(?:find|show|all|every|each|any|the|a|an)\s+)+(?=\S)", re.IGNORECASE)


@dataclass(frozen=True)
class Find:
    """A segment by its place (from 0), and how well the phrase fits it, 0..1."""

    place: int
    score: float


class Finds:
    """What a phrase finds among segments, at any threshold."""

    def __init__(self, phrase: str, scores: Sequence[float], regions: Sequence[Mask]) -> None:
        """
        Args:
            scores: one for each region, 0..1.
            regions: bool (H, W), none of them empty.
        """
        self.phrase = phrase
        self.scores = tuple(float(score) for score in scores)
        self._places = [place for place, score in enumerate(self.scores) if score >= LOWEST_THRESHOLD]
        self._distinct = DistinctRegions(
            [regions[place] for place in self._places], [self.scores[place] for place in self._places], SAME_THING
        )

    def at(self, threshold: float = DEFAULT_THRESHOLD) -> tuple[Find, ...]:
        """The found segments, best first: of those with at least this score, one for each thing."""
        kept = [self._places[place] for place in self._distinct.kept(threshold)]
        return tuple(Find(place, self.scores[place]) for place in sorted(kept, key=lambda p: (-self.scores[p], p)))

    @cached_property
    def steps(self) -> tuple[tuple[float, tuple[int, ...]], ...]:
        """Every threshold at which the finds change, falling, with the places found from there on."""
        thresholds = sorted({self.scores[place] for place in self._places}, reverse=True)
        return tuple((threshold, tuple(find.place for find in self.at(threshold))) for threshold in thresholds)


def find(view: View, regions: Sequence[Mask], phrase: str, clip: ClipView | None = None) -> Finds:
    """Score every segment for a phrase.

    Args:
        view: the picture as opened by a model; without a CLIP it needs likelihoods.
        regions: bool (H, W) of the picture's own size, none of them empty; "everything" of a segmenter.
        phrase: what to find, in the model's language: "red car", "all speech bubbles".
        clip: the picture as opened by a CLIP, which is then asked in the language model's place.

    Raises:
        InputError: the phrase is empty or too long, or a region cannot be used.
    """
    wanted = clean_phrase(phrase)
    clip = clip or getattr(view, "clip", None)  # a model of labels looks through a CLIP itself
    if clip is None and not getattr(getattr(view.model, "abilities", None), "likelihood", True):
        raise InputError("find.model_unable", model=view.model.name)
    if not len(regions):
        return Finds(wanted, (), ())
    scores = clip_scores(clip, regions, wanted) if clip is not None else likelihood_scores(view, regions, wanted)
    return Finds(wanted, scores.tolist(), regions)


def clean_phrase(phrase: str) -> str:
    """The phrase without "find all the" before it. Raises InputError if nothing is left or it is too long."""
    cleaned = " ".join(str(phrase).split()).strip(" .,;:!?\"'“”")
    if len(cleaned) > MAX_PHRASE_CHARACTERS:
        raise InputError("find.phrase_long", limit=MAX_PHRASE_CHARACTERS)
    if not cleaned:
        raise InputError("find.phrase_empty")
    return _OPENINGS.sub("", cleaned)


def clip_scores(clip: ClipView, regions: Sequence[Mask], phrase: str) -> NDArray[np.float64]:
    """(Q,): the share of the phrase against the background's words, by CLIP."""
    from osprey_core.analysis.open_vocabulary import BACKGROUND, class_scores  # slow to import

    model = clip.model
    classes = model.embed(vocabulary_of([singular(phrase)], "phrase"))
    background = model.embed(vocabulary_of(BACKGROUND, "background"))
    scores = class_scores(clip.embed(regions), classes, model.network.scale, background)
    return np.asarray(scores.probabilities[:, 0], dtype=np.float64)


def likelihood_scores(view: View, regions: Sequence[Mask], phrase: str) -> NDArray[np.float64]:
    """(Q,): the geometric mean of how likely the model calls a region so, and of its yes to "Is <region1> a …?".

    The name is the phrase or its last word ("car" for "red car"), whichever the model says more readily: the yes/no
    question has the whole phrase. Regions whose name is too unlikely to reach the lowest threshold are not asked it.
    """
    names = dict.fromkeys(form for whole in (phrase, singular(phrase)) for form in (whole, whole.split()[-1]))
    named = np.exp(view.answer_likelihoods(QUESTIONS["category"], regions, list(names)).max(axis=1))  # (Q,)
    scores = np.minimum(named, LOWEST_THRESHOLD / 2)
    asked = np.flatnonzero(named >= LOWEST_THRESHOLD**2)
    if len(asked):
        question = f"Is <region1> {with_article(singular(phrase))}?"
        replies = view.answer_likelihoods(question, [regions[int(place)] for place in asked], REPLIES, whole=False)
        scores[asked] = np.sqrt(np.minimum(named[asked], 1.0) * probability_of_yes(replies))
    return scores
