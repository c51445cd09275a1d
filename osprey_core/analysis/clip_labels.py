"""A CLIP's names of regions: scores of a person's labels, beside the language model's likelihood, and classes."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from osprey_core.analysis.label_likelihood import RankedLabels
from osprey_core.analysis.open_vocabulary import BACKGROUND, ClassScores, ClipView, class_scores
from osprey_core.region_model import Guess, NamedRegion
from osprey_core.vocabularies import Vocabulary, vocabulary_of

UNSURE_BELOW = 0.5
"""A name with a smaller share of the vocabulary's probability is told as a question."""

GUESSES = 3


@dataclass(frozen=True)
class ClipLabelScore:
    """A CLIP's score of one label for one region."""

    label: str
    cosine: float
    """-1..1, between the vectors of region and label."""
    share: float
    """0..1, this label's share of the probability of all labels; the shares of a list add up to 1."""


@dataclass(frozen=True)
class ClipLabelScores(RankedLabels):
    """What a CLIP gives for the labels."""

    ranked: tuple[ClipLabelScore, ...]
    on_list: float
    """0..1, the probability of all labels together beside that of the background's words."""

    @property
    def by_label(self) -> dict[str, ClipLabelScore]:
        """The scores by their labels."""
        return {score.label: score for score in self.ranked}


def score_labels(view: ClipView, masks: Iterable[np.ndarray], labels: Sequence[str]) -> tuple[ClipLabelScores, ...]:
    """Score every label for every region, in one matrix product.

    Args:
        view: the picture as opened by a CLIP.
        masks: bool or {0, 1} (H, W) of the picture's own size, none of them empty.
        labels: different words or phrases.

    Raises InputError: a mask or the labels cannot be used.
    """
    steps = score_labels_in_steps(view, masks, labels)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            scores: tuple[ClipLabelScores, ...] = end.value
            return scores


def score_labels_in_steps(
    view: ClipView, masks: Iterable[np.ndarray], labels: Sequence[str]
) -> Generator[tuple[int, int], None, tuple[ClipLabelScores, ...]]:
    """As `score_labels`, while the labels' vectors are computed some at a time: see `OpenVocabulary.embed_in_steps`."""
    model = view.model
    classes = yield from model.embed_in_steps(vocabulary_of(labels))
    background = model.embed(vocabulary_of(BACKGROUND, "background"))
    scores = class_scores(view.embed(masks), classes, model.network.scale, background)
    return tuple(
        _ranked(scores.names, cosines, probabilities)
        for cosines, probabilities in zip(scores.cosines, scores.probabilities, strict=True)
    )


def name_regions_in_steps(
    view: ClipView, masks: Iterable[np.ndarray], vocabulary: Vocabulary, guesses: int = GUESSES
) -> Generator[tuple[int, int], None, tuple[NamedRegion, ...]]:
    """The likeliest classes of every region, in one matrix product; the steps are those of `embed_in_steps`."""
    classes = yield from view.model.embed_in_steps(vocabulary)
    background = view.model.embed(vocabulary_of(BACKGROUND, "background"))
    scores = class_scores(view.embed(masks), classes, view.model.network.scale, background)
    return tuple(named_region(scores, place, guesses) for place in range(len(scores.probabilities)))


def named_region(scores: ClassScores, place: int, guesses: int = GUESSES) -> NamedRegion:
    """The likeliest classes of the region at this place, with their probabilities as confidences."""
    best = scores.best(place, guesses)
    return NamedRegion(tuple(Guess(name, share, share) for name, share in best), UNSURE_BELOW)


def _ranked(names: Sequence[str], cosines: np.ndarray, probabilities: np.ndarray) -> ClipLabelScores:
    """The scores of one region, from cosines (C,) and probabilities (C,) that leave room for the background."""
    on_list = float(probabilities.sum())
    order = np.argsort(-cosines, kind="stable")
    scores = (
        ClipLabelScore(names[place], float(cosines[place]), float(probabilities[place]) / max(on_list, 1e-30))
        for place in order
    )
    return ClipLabelScores(tuple(scores), min(1.0, on_list))
