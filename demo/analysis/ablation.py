"""Ablation: answer one question with the region, without it, and with each of its two tokens alone.

Independent of Gradio components.
"""

from __future__ import annotations

from dataclasses import replace

from demo.analysis.single_question import SingleQuestion
from demo.jobs.analyses import AnswerVariant
from demo.jobs.requests import RegionToken
from demo.session.session import Analysis, Session, new_analysis
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings

SWITCHED_OFF: dict[str, tuple[RegionToken, ...]] = {
    "with": (),
    "without": ("mask", "pos"),
    "where": ("mask",),
    "what": ("pos",),
}
"""The region tokens that each variant omits. "mask" says what is in the region, "pos" where it is."""


def new_ablation(session: Session, typed: str, settings: SamplingSettings) -> Analysis:
    """An analysis that answers the question once for each entry of `SWITCHED_OFF`."""
    question = SingleQuestion.of(session, typed, settings)
    if not question.regions:
        raise InputError("page.no_region")
    requests = tuple(
        replace(question.request, without=tokens, compares_tokens=True) for tokens in SWITCHED_OFF.values()
    )
    variants = tuple(AnswerVariant(how) for how in SWITCHED_OFF)
    return new_analysis("without", question.regions, requests, variants, question.text)
