"""Model comparison: both models answer one question.

Independent of Gradio components.
"""

from __future__ import annotations

from dataclasses import replace

from demo.analysis.single_question import SingleQuestion
from demo.jobs.analyses import AnswerVariant
from demo.session.services import Services
from demo.session.session import Analysis, Session, new_analysis
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings


def new_model_comparison(services: Services, session: Session, typed: str, settings: SamplingSettings) -> Analysis:
    """An analysis that asks both models. Raises InputError if only one model is configured."""
    if services.second is None:
        raise InputError("page.one_model")
    question = SingleQuestion.of(session, typed, settings)
    requests = (question.request, replace(question.request, second=True))
    variants = tuple(AnswerVariant("model", model=resource.name) for resource in (services.model, services.second))
    return new_analysis("models", question.regions, requests, variants, question.text)
