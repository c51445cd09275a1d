"""One question with the region, without it, and with each of its tokens alone."""

from __future__ import annotations

import pytest

from demo.analysis.ablation import SWITCHED_OFF, new_ablation
from demo.i18n.catalog import group
from demo.session.services import Services
from demo.session.workspace import Workspace
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings
from osprey_core.region_model import Abilities
from tests import fakes
from tests.demo.analyses import carried_out


def test_one_question_with_the_region_without_it_and_with_each_token_alone(
    services: Services, workspace: Workspace, model: fakes.FakeModel
) -> None:
    settings = SamplingSettings(0.5, 0.9, 64, 7)
    analysis = carried_out(services, workspace, lambda s: new_ablation(s, "What is it?", settings))
    assert analysis.state == "complete"
    assert [call.settings.get("without", ()) for call in model.calls] == [(), ("mask", "pos"), ("mask",), ("pos",)]
    assert {call.settings["temperature"] for call in model.calls} == {0.5}
    assert {call.settings["seed"] for call in model.calls} == {7}
    assert all((call.regions[0] == fakes.shape("blue")).all() and len(call.regions) == 1 for call in model.calls)
    assert all(part.stats is not None and part.answer.startswith("What is it?") for part in analysis.parts)
    assert [part.how for part in analysis.parts] == ["with", "without", "where", "what"]


def test_every_answer_that_is_compared_is_the_language_models_own(
    services: Services, workspace: Workspace, model: fakes.FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fakes.FakeModel, "abilities", Abilities(token_likelihoods=True))
    analysis = carried_out(services, workspace, lambda s: new_ablation(s, "What is it?", SamplingSettings()))
    assert analysis.state == "complete"
    # With likelihoods nothing else than the language model answers, see `View.stream`.
    assert [call.settings["top_logprobs"] for call in model.calls] == [0, 0, 0, 0]


def test_words_of_each_way_to_answer_are_there() -> None:
    assert set(group("analysis.how")) == set(group("analysis.howTips")) == set(SWITCHED_OFF)


def test_what_is_told_by_segments_is_not_compared(
    services: Services, workspace: Workspace, model: fakes.FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fakes.FakeStream, "tells_picture", True, raising=False)
    with pytest.raises(InputError) as refused:
        carried_out(services, workspace, lambda s: new_ablation(s, "What is in this picture?", SamplingSettings()))
    assert refused.value.code == "page.told_by_segments"
    assert len(model.calls) == 1
