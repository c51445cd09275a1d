"""Closer looks: labels judged, one question answered in several ways, maps of the encoder; begun, taken, stopped."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from demo.analysis import judging, similarity_maps
from demo.analysis.panel import analysis_payload
from demo.i18n.catalog import group
from demo.jobs import analyses
from demo.session import handlers
from demo.session.handlers import Services
from demo.session.regions import chosen_regions
from demo.session.session import Analysis, Session
from demo.session.workspace import Workspace
from demo.shared.lazy_resource import LazyResource
from osprey_core.analysis import feature_similarity
from osprey_core.analysis.label_likelihood import score_labels
from osprey_core.errors import InputError, OspreyError
from osprey_core.language.sampling import SamplingSettings
from tests import fakes
from tests.tiny import tiny_osprey


def png(scale: int = 1) -> bytes:
    buffer = io.BytesIO()
    fakes.picture(scale=scale).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def model() -> fakes.FakeModel:
    return fakes.FakeModel()


@pytest.fixture
def services(model: fakes.FakeModel) -> Services:
    return Services(model=LazyResource.of(model, "fake"), segmenter=LazyResource.of(fakes.FakeSegmenter()))


@pytest.fixture
def workspace(services: Services) -> Workspace:
    """Red as region 1, blue as region 2, which is selected."""
    session = handlers.open_picture(Session(), png(), "shapes.png")
    session = handlers.mark_point(services, session, 80, 100, "new")
    session = handlers.mark_point(services, session, 250, 110, "new")
    workspace = Workspace()
    workspace.change(lambda _: session)
    return workspace


def taken(services: Services, workspace: Workspace, make: Callable[[Session], Analysis]) -> Analysis:
    analysis = analyses.begin(workspace, make)
    *_, last = analyses.carry_out(services, workspace, analysis.id)
    return last


def answers(analysis: Analysis) -> list[str]:
    return [part.answer for part in analysis.parts]


# --- with and without the region -------------------------------------------------------------------------------------


def test_one_question_with_the_region_without_it_and_with_each_token_alone(
    services: Services, workspace: Workspace, model: fakes.FakeModel
) -> None:
    settings = SamplingSettings(0.5, 0.9, 64, 7)
    analysis = taken(services, workspace, lambda s: judging.without_probe(s, "What is it?", settings))
    assert analysis.state == "complete"
    assert [call.settings.get("without", ()) for call in model.calls] == [(), ("mask", "pos"), ("mask",), ("pos",)]
    assert {call.settings["temperature"] for call in model.calls} == {0.5}
    assert {call.settings["seed"] for call in model.calls} == {7}
    assert all((call.regions[0] == fakes.shape("blue")).all() and len(call.regions) == 1 for call in model.calls)
    assert all(part.stats is not None and part.answer.startswith("What is it?") for part in analysis.parts)
    assert [part.how for part in analysis.parts] == ["with", "without", "where", "what"]


def test_the_question_is_asked_without_the_conversation_and_leaves_it_alone(
    services: Services, workspace: Workspace, model: fakes.FakeModel
) -> None:
    workspace.change(lambda s: handlers.ask(s, "What is @1?"))
    list(handlers.answer(services, workspace, SamplingSettings()))
    before = workspace.session.transcript
    taken(services, workspace, lambda s: judging.without_probe(s, "And @2?", SamplingSettings()))
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
        workspace.change(lambda s: handlers.ask(s, last))
        list(handlers.answer(services, workspace, SamplingSettings()))
    taken(services, workspace, lambda s: judging.without_probe(s, " ", SamplingSettings()))
    assert expected in model.calls[-1].question


# --- samples ---------------------------------------------------------------------------------------------------------


def test_samples_differ_by_seed_alone_and_can_be_had_again(
    services: Services, workspace: Workspace, model: fakes.FakeModel
) -> None:
    settings = SamplingSettings(0.0, 0.9, 64, 2**63 - 2)
    analysis = taken(services, workspace, lambda s: judging.samples_probe(s, "What?", 3, "0.7", settings))
    asked = [(call.settings["temperature"], call.settings["top_p"], call.settings["seed"]) for call in model.calls]
    assert asked == [(0.7, 0.9, 2**63 - 2), (0.7, 0.9, 2**63 - 1), (0.7, 0.9, 0)]
    assert [part.seed for part in analysis.parts] == [2**63 - 2, 2**63 - 1, 0]


def test_without_a_seed_samples_begin_anywhere_and_say_where(services: Services, workspace: Workspace) -> None:
    made = [judging.samples_probe(workspace.session, "What?", 2, 1, SamplingSettings()) for _ in range(8)]
    assert len({analysis.parts[0].seed for analysis in made}) > 1
    assert all(analysis.parts[1].seed == analysis.parts[0].seed + 1 for analysis in made)


@pytest.mark.parametrize(
    ("count", "temperature", "sentence"),
    [
        (1, 0.7, "2 to 8"),
        (9, 0.7, "2 to 8"),
        (None, 0.7, "must be numbers"),
        (2.5, 0.7, "must be numbers"),
        (4, 0, "all samples are the same"),
        (4, 3, "between 0.001 and 2"),
        (4, "warm", "must be numbers"),
    ],
)
def test_samples_that_make_no_sense(workspace: Workspace, count: Any, temperature: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        judging.samples_probe(workspace.session, "What?", count, temperature, SamplingSettings())


# --- two models ------------------------------------------------------------------------------------------------------


def test_both_models_are_asked_the_same(workspace: Workspace, model: fakes.FakeModel) -> None:
    other = fakes.FakeModel(name="other")
    services = Services(
        model=LazyResource.of(model, "fake"),
        segmenter=LazyResource.of(fakes.FakeSegmenter()),
        second=LazyResource.of(other, "other"),
    )
    analysis = taken(
        services,
        workspace,
        lambda s: judging.models_probe(services, s, "What is @2 beside @1?", SamplingSettings(seed=1)),
    )
    assert [part.model for part in analysis.parts] == ["fake", "other"]
    (one,), (two,) = model.calls, other.calls
    assert one.question == two.question
    assert all((a == b).all() for a, b in zip(one.regions, two.regions, strict=True))
    assert one.settings == two.settings


def test_with_one_model_it_says_what_to_do(services: Services, workspace: Workspace) -> None:
    with pytest.raises(InputError, match="--compare-with"):
        judging.models_probe(services, workspace.session, "What?", SamplingSettings())


def test_a_second_model_that_could_not_be_loaded_gives_its_reason(workspace: Workspace, model: fakes.FakeModel) -> None:
    def fail() -> Any:
        raise OspreyError("There is no folder of that name.")

    second = LazyResource("other", fail).load()
    services = Services(
        model=LazyResource.of(model, "fake"), segmenter=LazyResource.of(fakes.FakeSegmenter()), second=second
    )
    analysis = analyses.begin(workspace, lambda s: judging.models_probe(services, s, "What?", SamplingSettings()))
    with pytest.raises(OspreyError, match="no folder of that name"):
        list(analyses.carry_out(services, workspace, analysis.id))
    shown = workspace.session.analysis("models")
    assert shown is not None
    assert shown.state == "stopped"
    assert "area" in shown.parts[0].answer


# --- labels ----------------------------------------------------------------------------------------------------------


def test_labels_of_every_region_are_judged_by_the_models_likelihood(workspace: Workspace) -> None:
    tiny = tiny_osprey()
    services = Services(model=LazyResource.of(tiny, "tiny"), segmenter=LazyResource.of(fakes.FakeSegmenter()))
    analysis = taken(services, workspace, lambda s: judging.labels_probe(s, "a cat\n dog, a cat,\n\nthe thing", "all"))
    view = tiny.open(fakes.picture())
    for part, name in zip(analysis.parts, ("red", "blue"), strict=True):
        expected = score_labels(view, fakes.shape(name), ["a cat", "dog", "the thing"])
        assert part.scores == expected
    shown = analysis_payload(workspace.session, analysis)
    assert [part["number"] for part in shown["parts"]] == [1, 2]
    first = shown["parts"][0]
    assert sum(one["share"] for one in first["labels"]) == pytest.approx(1)
    assert first["labels"] == sorted(first["labels"], key=lambda one: -one["share"])
    assert first["unsure"], "a model of noise does not say any of these"
    assert first["off"]


def test_hidden_regions_are_left_out_and_one_can_be_chosen(workspace: Workspace) -> None:
    hidden = handlers.show_region(workspace.session, 2, False)
    assert [each.number for each in judging.labels_probe(hidden, "a, b", "all").regions] == [1]
    assert [each.number for each in judging.labels_probe(hidden, "a, b", "selected").regions] == [2]
    with pytest.raises(InputError, match="All regions are hidden"):
        judging.labels_probe(handlers.show_region(hidden, 1, False), "a, b", "all")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("cat, dog", ("cat", "dog")),
        ("cat\ndog\n", ("cat", "dog")),
        ("  a   red cat ;dog,dog, ", ("a red cat", "dog")),
        ("猫、犬，鳥", ("猫", "犬", "鳥")),
        (["one, two", "three"], ("one, two", "three")),
    ],
)
def test_lists_of_labels_are_read_as_they_are_typed(typed: Any, found: tuple[str, ...]) -> None:
    assert judging.labels_of(typed) == found


@pytest.mark.parametrize("typed", ["", "cat", "cat, cat", None, 5, [1, 2]])
def test_a_list_needs_two_labels(typed: Any) -> None:
    with pytest.raises(InputError, match="at least two different labels"):
        judging.labels_of(typed)


def test_a_list_without_end_is_refused() -> None:
    with pytest.raises(InputError, match="longer than 20000 characters"):
        judging.labels_of("long label\n" * 4000)


# --- inside ----------------------------------------------------------------------------------------------------------


def test_the_maps_are_those_of_the_selected_region_over_its_picture(workspace: Workspace) -> None:
    tiny = tiny_osprey()
    services = Services(model=LazyResource.of(tiny, "tiny"), segmenter=LazyResource.of(fakes.FakeSegmenter()))
    analysis = taken(services, workspace, similarity_maps.inside_probe)
    expected = feature_similarity.similarity_maps(tiny.open(fakes.picture()), fakes.shape("blue"))
    assert [part.level for part in analysis.parts] == ["res2", "res3", "res4", "res5"]
    assert all(np.array_equal(part.heat, expected[part.level]) for part in analysis.parts)
    image = np.array(fakes.picture())
    shown = analysis_payload(workspace.session, analysis, image)
    assert [part["size"] for part in shown["parts"]] == [[16, 16], [8, 8], [4, 4], [2, 2]]
    jpeg = similarity_maps.drawn(image, analysis.regions[0], analysis.parts[0])
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    drawn = cv2.cvtColor(decoded, cv2.COLOR_BGR2HSV)
    assert drawn.shape == image.shape
    colour = drawn[np.argwhere(fakes.shape("blue")).mean(axis=0).astype(int)[0], 250]
    assert colour[1] > 60, "the map is coloured where the picture lies"


def test_a_region_too_thin_for_a_level_is_said_to_be_unseen(workspace: Workspace) -> None:
    found = similarity_maps.LevelMap("res5", np.zeros((2, 2), np.float32))
    analysis = similarity_maps.inside_probe(workspace.session)
    shown = analysis_payload(
        workspace.session, Analysis(1, "inside", analysis.regions, (), (found,)), np.array(fakes.picture())
    )
    assert not shown["parts"][0]["seen"]


# --- manners ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [7, "everything", 1.5, {}])
def test_regions_that_are_not_there(workspace: Workspace, which: Any) -> None:
    with pytest.raises(InputError, match="no such choice"):
        chosen_regions(workspace.session, which)


def test_without_picture_or_region_it_says_so(services: Services) -> None:
    for make in (
        lambda s: judging.labels_probe(s, "a, b"),
        lambda s: judging.without_probe(s, "", SamplingSettings()),
        similarity_maps.inside_probe,
    ):
        with pytest.raises(InputError, match="no picture yet"):
            make(Session())
        with pytest.raises(InputError, match="Nothing is marked"):
            make(handlers.open_picture(Session(), png(), "shapes.png"))


def test_a_look_can_be_stopped_while_it_is_taken(
    services: Services, workspace: Workspace, model: fakes.FakeModel
) -> None:
    model.pause = 0.02
    begun = analyses.begin(workspace, lambda s: judging.without_probe(s, "A long story", SamplingSettings()))
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
    begun = analyses.begin(workspace, lambda s: judging.without_probe(s, "What?", SamplingSettings()))
    analyses.stop(services, workspace)
    assert list(analyses.carry_out(services, workspace, begun.id)) == []
    assert model.calls == []


def test_a_look_goes_with_its_picture(services: Services, workspace: Workspace, model: fakes.FakeModel) -> None:
    model.pause = 0.02
    begun = analyses.begin(workspace, lambda s: judging.without_probe(s, "A long story", SamplingSettings()))
    for shown, _ in enumerate(analyses.carry_out(services, workspace, begun.id, interval=0)):
        if shown == 3:
            workspace.change(lambda s: handlers.open_picture(s, png(2), "other.png"))
    assert workspace.session.analyses == ()
    assert len(model.calls) == 1
    assert model.calls[0].settings.get("without") is None
    assert len(services.running_jobs) == 0


def test_a_newer_look_of_the_same_kind_ends_the_older_one(
    services: Services, workspace: Workspace, model: fakes.FakeModel
) -> None:
    model.pause = 0.02
    first = analyses.begin(workspace, lambda s: judging.without_probe(s, "A long story", SamplingSettings()))
    for shown, _ in enumerate(analyses.carry_out(services, workspace, first.id, interval=0)):
        if shown == 2:
            analyses.begin(workspace, lambda s: judging.without_probe(s, "What?", SamplingSettings()))
    (analysis,) = workspace.session.analyses
    assert analysis.question == "What?"
    assert analysis.state == "waiting"


def test_looks_of_different_kinds_stand_beside_each_other(services: Services, workspace: Workspace) -> None:
    taken(services, workspace, lambda s: judging.without_probe(s, "What?", SamplingSettings()))
    taken(services, workspace, lambda s: judging.samples_probe(s, "What?", 2, 1, SamplingSettings()))
    assert {analysis.kind for analysis in workspace.session.analyses} == {"without", "samples"}


def test_what_had_been_said_before_an_error_stays(services: Services, workspace: Workspace) -> None:
    begun = analyses.begin(workspace, lambda s: judging.without_probe(s, "break this please now", SamplingSettings()))
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
    begun = analyses.begin(workspace, lambda s: judging.without_probe(s, "What?", SamplingSettings()))
    threading.Timer(0.3, ready.set).start()
    *_, last = analyses.carry_out(services, workspace, begun.id)
    assert last.state == "complete"


def test_words_of_each_way_to_answer_are_there() -> None:
    assert set(group("analysis.how")) == set(group("analysis.howTips")) == set(judging.SWITCHED_OFF)
