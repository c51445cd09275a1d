"""Analyses begun, carried out, stopped; gone with their picture; errors half-way."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from demo.analysis.ablation import new_ablation
from demo.analysis.label_scores import new_label_scores
from demo.analysis.samples import new_samples
from demo.analysis.similarity_maps import new_similarity_maps
from demo.jobs import analyses
from demo.session.pictures import open_picture
from demo.session.regions import chosen_regions
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared.lazy_resource import LazyResource
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings
from tests import fakes
from tests.demo.analyses import carried_out
from tests.demo.sessions import png


@pytest.fixture
def workspace(two: Session) -> Workspace:
    """Red as region 1, blue as region 2, which is selected."""
    workspace = Workspace()
    workspace.change(lambda _: two)
    return workspace


@pytest.mark.parametrize("which", [7, "everything", 1.5, {}])
def test_regions_that_are_not_there(workspace: Workspace, which: Any) -> None:
    with pytest.raises(InputError, match="no such choice"):
        chosen_regions(workspace.session, which)


def test_without_picture_or_region_it_says_so(services: Services) -> None:
    for make in (
        lambda s: new_label_scores(s, "a, b"),
        lambda s: new_ablation(s, "", SamplingSettings()),
        new_similarity_maps,
    ):
        with pytest.raises(InputError, match="no picture yet"):
            make(Session())
        with pytest.raises(InputError, match="Nothing is marked"):
            make(open_picture(png(), "shapes.png"))


def test_a_look_can_be_stopped_while_it_is_taken(
    services: Services, workspace: Workspace, model: fakes.FakeModel
) -> None:
    model.pause = 0.02
    begun = analyses.begin(workspace, lambda s: new_ablation(s, "A long story", SamplingSettings()))
    for shown, _ in enumerate(analyses.carry_out(services, workspace, begun.id, interval=0)):
        if shown == 3:
            analyses.stop(services, workspace, "without")
    analysis = workspace.session.analysis("without")
    assert analysis is not None
    assert analysis.state == "stopped"
    assert len(model.calls) == 1
    assert 1 <= len(analysis.parts[0].answer.split()) < 50
    assert len(services.running_jobs) == 0


def test_a_look_that_is_stopped_before_its_turn_is_not_taken(
    services: Services, workspace: Workspace, model: fakes.FakeModel
) -> None:
    begun = analyses.begin(workspace, lambda s: new_ablation(s, "What?", SamplingSettings()))
    analyses.stop(services, workspace)
    assert list(analyses.carry_out(services, workspace, begun.id)) == []
    assert model.calls == []


def test_a_look_goes_with_its_picture(services: Services, workspace: Workspace, model: fakes.FakeModel) -> None:
    model.pause = 0.02
    begun = analyses.begin(workspace, lambda s: new_ablation(s, "A long story", SamplingSettings()))
    for shown, _ in enumerate(analyses.carry_out(services, workspace, begun.id, interval=0)):
        if shown == 3:
            workspace.change(lambda _: open_picture(png(fakes.picture(scale=2)), "other.png"))
    assert workspace.session.analyses == ()
    assert len(model.calls) == 1
    assert model.calls[0].settings.get("without") is None
    assert len(services.running_jobs) == 0


def test_a_newer_look_of_the_same_kind_ends_the_older_one(
    services: Services, workspace: Workspace, model: fakes.FakeModel
) -> None:
    model.pause = 0.02
    first = analyses.begin(workspace, lambda s: new_ablation(s, "A long story", SamplingSettings()))
    for shown, _ in enumerate(analyses.carry_out(services, workspace, first.id, interval=0)):
        if shown == 2:
            analyses.begin(workspace, lambda s: new_ablation(s, "What?", SamplingSettings()))
    (analysis,) = workspace.session.analyses
    assert analysis.question == "What?"
    assert analysis.state == "waiting"


def test_looks_of_different_kinds_stand_beside_each_other(services: Services, workspace: Workspace) -> None:
    carried_out(services, workspace, lambda s: new_ablation(s, "What?", SamplingSettings()))
    carried_out(services, workspace, lambda s: new_samples(s, "What?", 2, 1, SamplingSettings()))
    assert {analysis.kind for analysis in workspace.session.analyses} == {"without", "samples"}


def test_what_had_been_said_before_an_error_stays(services: Services, workspace: Workspace) -> None:
    begun = analyses.begin(workspace, lambda s: new_ablation(s, "break this please now", SamplingSettings()))
    with pytest.raises(RuntimeError):
        list(analyses.carry_out(services, workspace, begun.id))
    analysis = workspace.session.analysis("without")
    assert analysis is not None
    assert analysis.state == "stopped"
    assert analysis.parts[0].answer == "break this please "
    assert len(services.running_jobs) == 0


def test_a_look_waits_for_a_model_that_still_loads(workspace: Workspace, model: fakes.FakeModel) -> None:
    ready = threading.Event()

    def load() -> fakes.FakeModel:
        ready.wait(20)
        return model

    resource: LazyResource[Any] = LazyResource("fake", load).start()
    services = Services(model=resource, segmenter=LazyResource.of(fakes.FakeSegmenter()))
    begun = analyses.begin(workspace, lambda s: new_ablation(s, "What?", SamplingSettings()))
    threading.Timer(0.3, ready.set).start()
    *_, last = analyses.carry_out(services, workspace, begun.id)
    assert last.state == "complete"
