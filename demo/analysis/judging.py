"""Judging what the model says: a person's labels by its own likelihood, and one question answered in several ways.

Makes the looks that `analyses` takes. The questions are asked by themselves, without the conversation, so that nothing
but what is compared differs. Knows no component.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from demo.jobs.analyses import AnswerVariant
from demo.jobs.requests import AnalysisRequest, AnalysisResult, RegionToken, Request, request_of
from demo.session.conversation import ask, preset_question
from demo.session.regions import chosen_regions
from demo.session.services import Services
from demo.session.session import Analysis, RegionSnapshot, Session, new_analysis
from demo.shared.running_jobs import Ticket
from osprey_core.errors import InputError
from osprey_core.language.sampling import MAX_SEED, SamplingSettings
from osprey_core.regions.rle import CodedMask

if TYPE_CHECKING:
    from osprey_core.analysis.label_likelihood import LabelScores

MAX_LIST_CHARACTERS = 20_000
MAX_SAMPLES = 8

SWITCHED_OFF: dict[str, tuple[RegionToken, ...]] = {
    "with": (),
    "without": ("mask", "pos"),
    "where": ("mask",),
    "what": ("pos",),
}
"""Which of a region's tokens are off: none, both (the region is not there), what is there, where it is."""


# --- labels ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RegionLabelScores(AnalysisResult):
    """A list of labels, scored for the region at this place of the request."""

    place: int
    scores: LabelScores


@dataclass(frozen=True)
class LabelScoresRequest(AnalysisRequest):
    """Each of several regions judged by the same labels."""

    regions: tuple[CodedMask, ...]
    labels: tuple[str, ...]
    rank_by: str

    def results(self, view: Any, ticket: Ticket) -> Iterator[AnalysisResult]:
        from osprey_core.analysis import label_likelihood  # slow to import; the model has been loaded by now

        for place, region in enumerate(self.regions):
            if ticket.stopped:
                return
            scores = label_likelihood.score_labels(view, region.mask(), self.labels, rank_by=self.rank_by)  # type: ignore[arg-type]
            yield RegionLabelScores(place, scores)


def labels_probe(session: Session, labels: Any, which: Any = "all", rank_by: Any = "sum") -> Analysis:
    """The regions' labels judged. labels: text, one per line or parted by commas, or a list of texts.

    Raises InputError if there is nothing to judge, or nothing to judge it by.
    """
    if rank_by not in ("sum", "mean"):
        raise InputError("page.unknown_choice")
    regions = chosen_regions(session, which)
    cleaned = labels_of(labels)
    assert session.picture is not None
    look = LabelScoresRequest(session.picture, tuple(region.mask for region in regions), cleaned, rank_by)
    return new_analysis("labels", tuple(region.snapshot() for region in regions), (look,))


def labels_of(typed: Any) -> tuple[str, ...]:
    """The different labels of a list as it was typed. Raises InputError for fewer than two of them."""
    pieces = re.split(r"[\n,;，、；]", typed) if isinstance(typed, str) else typed
    if not isinstance(pieces, list | tuple) or not all(isinstance(piece, str) for piece in pieces):
        raise InputError("page.few_labels")
    if sum(map(len, pieces)) > MAX_LIST_CHARACTERS:
        raise InputError("page.long_list", limit=MAX_LIST_CHARACTERS)
    found = tuple(dict.fromkeys(" ".join(piece.split()) for piece in pieces if piece.strip()))
    if len(found) < 2:
        raise InputError("page.few_labels")
    return found


# --- one question, several answers -----------------------------------------------------------------------------------


def without_probe(session: Session, typed: str, settings: SamplingSettings) -> Analysis:
    """One question answered with the region and without it, and with each of its two tokens alone."""
    question, asked, request = _alone(session, typed, settings)
    requests = tuple(replace(request, without=tokens) for tokens in SWITCHED_OFF.values())
    return new_analysis("without", asked, requests, tuple(AnswerVariant(how) for how in SWITCHED_OFF), question)


def samples_probe(session: Session, typed: str, count: Any, temperature: Any, settings: SamplingSettings) -> Analysis:
    """One question answered several times, each time with another seed: the settings' own and those that follow it.

    temperature: in place of the settings' one. Raises InputError if it is 0, where all answers are the same.
    """
    try:
        wanted, warmth = int(count), float(temperature)
        if isinstance(count, float) and count != wanted:
            raise ValueError(count)
    except (TypeError, ValueError, OverflowError):
        raise InputError("page.bad_settings") from None
    if not 2 <= wanted <= MAX_SAMPLES:
        raise InputError("page.bad_count", limit=MAX_SAMPLES, value=wanted)
    if warmth == 0:
        raise InputError("page.cold_samples")
    first = random.randrange(2**16) if settings.seed is None else settings.seed
    seeds = [(first + place) % (MAX_SEED + 1) for place in range(wanted)]
    question, asked, request = _alone(session, typed, replace(settings, temperature=warmth))
    requests = tuple(replace(request, settings=replace(request.settings, seed=seed)) for seed in seeds)
    return new_analysis(
        "samples", asked, requests, tuple(AnswerVariant("sample", seed=seed) for seed in seeds), question
    )


def models_probe(services: Services, session: Session, typed: str, settings: SamplingSettings) -> Analysis:
    """One question answered by both models. Raises InputError, which says what to do, where only one is loaded."""
    if services.second is None:
        raise InputError("page.one_model")
    question, asked, request = _alone(session, typed, settings)
    names = (services.model.name, services.second.name)
    variants = tuple(AnswerVariant("model", model=name) for name in names)
    return new_analysis("models", asked, (request, replace(request, second=True)), variants, question)


def _alone(session: Session, typed: str, settings: SamplingSettings) -> tuple[str, tuple[RegionSnapshot, ...], Request]:
    """A question, the regions it is about, and what the model is asked if there is no conversation.

    An empty question means the conversation's last one, or, where there is none, a short description.
    """
    alone = replace(session, transcript=())
    if not typed.strip():
        last = session.transcript[-1:]
        typed = last[0].typed if last else preset_question(alone, "short")
    turn = ask(alone, typed).transcript[-1]
    return turn.typed, turn.regions, request_of(alone, turn, settings)
