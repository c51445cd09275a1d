"""Samples: answer one question several times, each time with another seed.

Independent of Gradio components.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from demo.analysis.single_question import SingleQuestion
from demo.jobs.analyses import AnswerVariant
from demo.session.session import Analysis, Session, new_analysis
from osprey_core.errors import InputError
from osprey_core.language.sampling import MAX_SEED, SamplingSettings

MAX_SAMPLES = 8


def new_samples(session: Session, typed: str, count: Any, temperature: Any, settings: SamplingSettings) -> Analysis:
    """An analysis that answers the question `count` times, with consecutive seeds that start at the settings' seed.

    temperature: replaces that of the settings. Raises InputError if it is 0, because all answers would be the same.
    """
    try:
        number, warmth = int(count), float(temperature)
        if isinstance(count, float) and count != number:
            raise ValueError(count)
    except (TypeError, ValueError, OverflowError):
        raise InputError("page.bad_settings") from None
    if not 2 <= number <= MAX_SAMPLES:
        raise InputError("page.bad_count", limit=MAX_SAMPLES, value=number)
    if warmth == 0:
        raise InputError("page.cold_samples")
    first = random.randrange(2**16) if settings.seed is None else settings.seed
    seeds = [(first + place) % (MAX_SEED + 1) for place in range(number)]
    question = SingleQuestion.of(session, typed, replace(settings, temperature=warmth))
    sampling = question.request.settings
    requests = tuple(replace(question.request, settings=replace(sampling, seed=seed)) for seed in seeds)
    variants = tuple(AnswerVariant("sample", seed=seed) for seed in seeds)
    return new_analysis("samples", question.regions, requests, variants, question.text)
