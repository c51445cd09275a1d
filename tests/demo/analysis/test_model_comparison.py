"""One question answered by both models."""

from __future__ import annotations

from typing import Any

import pytest

from demo.analysis.model_comparison import new_model_comparison
from demo.jobs import analyses
from demo.session.services import Services
from demo.session.workspace import Workspace
from demo.shared.lazy_resource import LazyResource
from osprey_core.errors import InputError, OspreyError
from osprey_core.language.sampling import SamplingSettings
from tests import fakes
from tests.demo.analyses import carried_out


def test_both_models_are_asked_the_same(workspace: Workspace, model: fakes.FakeModel) -> None:
    other = fakes.FakeModel(name="other")
    services = Services(
        model=LazyResource.of(model, "fake"),
        segmenter=LazyResource.of(fakes.FakeSegmenter()),
        second=LazyResource.of(other, "other"),
    )
    analysis = carried_out(
        services,
        workspace,
        lambda s: new_model_comparison(services, s, "What is @2 beside @1?", SamplingSettings(seed=1)),
    )
    assert [part.model for part in analysis.parts] == ["fake", "other"]
    (one,), (two,) = model.calls, other.calls
    assert one.question == two.question
    assert all((a == b).all() for a, b in zip(one.regions, two.regions, strict=True))
    assert one.settings == two.settings


def test_with_one_model_it_says_what_to_do(services: Services, workspace: Workspace) -> None:
    with pytest.raises(InputError, match="--compare-with"):
        new_model_comparison(services, workspace.session, "What?", SamplingSettings())


def test_a_second_model_that_could_not_be_loaded_gives_its_reason(workspace: Workspace, model: fakes.FakeModel) -> None:
    def fail() -> Any:
        raise OspreyError("There is no folder of that name.")

    second = LazyResource("other", fail).load()
    services = Services(
        model=LazyResource.of(model, "fake"), segmenter=LazyResource.of(fakes.FakeSegmenter()), second=second
    )
    analysis = analyses.begin(workspace, lambda s: new_model_comparison(services, s, "What?", SamplingSettings()))
    with pytest.raises(OspreyError, match="no folder of that name"):
        list(analyses.carry_out(services, workspace, analysis.id))
    shown = workspace.session.analysis("models")
    assert shown is not None
    assert shown.state == "stopped"
    assert "area" in shown.parts[0].answer
