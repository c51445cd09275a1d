"""A question asked by itself."""

from __future__ import annotations

import pytest

from demo.analysis.ablation import new_ablation
from demo.jobs.answers import answer
from demo.session import conversation
from demo.session.services import Services
from demo.session.workspace import Workspace
from osprey_core.language.sampling import SamplingSettings
from tests import fakes
from tests.demo.analyses import carried_out


def test_the_question_is_asked_without_the_conversation_and_leaves_it_alone(
    services: Services, workspace: Workspace, model: fakes.FakeModel
) -> None:
    workspace.change(lambda s: conversation.ask(s, "What is @1?"))
    list(answer(services, workspace, SamplingSettings()))
    before = workspace.session.transcript
    carried_out(services, workspace, lambda s: new_ablation(s, "And @2?", SamplingSettings()))
    assert workspace.session.transcript == before
    call = model.calls[-1]
    assert call.history == []
    assert call.question == "And <region1>?"
    assert (call.regions[0] == fakes.shape("blue")).all()


@pytest.mark.parametrize(
    ("last", "expected"), [(None, "short description of <region1>"), ("Tell @1", "Tell <region1>")]
)
def test_an_empty_question_means_the_last_one_or_a_short_description(
    services: Services, workspace: Workspace, model: fakes.FakeModel, last: str | None, expected: str
) -> None:
    if last is not None:
        workspace.change(lambda s: conversation.ask(s, last))
        list(answer(services, workspace, SamplingSettings()))
    carried_out(services, workspace, lambda s: new_ablation(s, " ", SamplingSettings()))
    assert expected in model.calls[-1].question
