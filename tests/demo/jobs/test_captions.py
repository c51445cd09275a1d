"""Everything in the picture described: whole, stopped, gone with its picture, refused."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from demo.i18n import language
from demo.jobs.captions import describe_everything, stop_describing
from demo.session.pictures import open_picture
from demo.session.segments import find_everything
from demo.session.services import Services
from demo.session.session import Captions, Session
from demo.session.workspace import Workspace
from demo.shared.lazy_resource import LazyResource
from osprey_core.analysis.open_vocabulary import BACKGROUND, class_scores
from osprey_core.backends.openai_model import OpenAIEndpoint, OpenAIModel
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings
from osprey_core.region_model import Abilities
from osprey_core.vocabularies import load_vocabulary, vocabulary_of
from tests import fakes
from tests.clip import loaded_clip
from tests.demo.sessions import png
from tests.osprey_core.backends.endpoint import StandIn, stand_in


def test_everything_is_described(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    states = [session.captions for session in describe_everything(services, workspace, "short", SamplingSettings())]
    captions = workspace.session.captions
    assert captions is not None
    assert captions.state == "complete"
    assert states[0] is not None
    assert states[0].rows == ()
    for place, said in captions.rows:
        mask = find_everything(services, opened)[place].mask.mask()
        assert f"area={mask.sum()}" in said
    assert sorted(place for place, _ in captions.rows) == [0, 1, 2]


def test_describing_stops_and_keeps_what_is_there(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    for session in describe_everything(services, workspace, "category", SamplingSettings(), interval=0):
        if session.captions is not None and session.captions.rows:
            stop_describing(services, workspace)
    captions = workspace.session.captions
    assert captions is not None
    assert captions.state == "stopped"
    assert len(captions.rows) == 1
    assert len(services.running_jobs) == 0


def test_describing_ends_with_its_picture(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    for session in describe_everything(services, workspace, "short", SamplingSettings(), interval=0):
        if session.captions is not None and session.captions.rows:
            workspace.change(lambda _: open_picture(png(), "other.png"))
    assert workspace.session.captions is None
    assert len(services.running_jobs) == 0


def test_describing_twice_at_once_is_refused(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    first: Any = describe_everything(services, workspace, "short", SamplingSettings())
    next(first)
    with pytest.raises(InputError, match="already"):
        next(describe_everything(services, workspace, "short", SamplingSettings()))
    first.close()
    assert workspace.session.captions is not None
    assert workspace.session.captions.state == "stopped"


def test_everything_is_labelled_by_a_clip(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    with_clip = replace(services, clip=LazyResource.of(loaded_clip(), "clip"))
    vocabulary = load_vocabulary("cityscapes")
    settings = SamplingSettings()
    preparing = []
    for session in describe_everything(with_clip, workspace, "category", settings, interval=0, vocabulary=vocabulary):
        assert session.captions is not None
        preparing.append(session.captions.preparing)
    captions = workspace.session.captions
    assert captions is not None
    assert (captions.state, captions.preparing) == ("complete", None)
    steps = [step for step in preparing if step is not None]
    assert steps[-1] == (len(vocabulary.texts), len(vocabulary.texts))
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)

    clip = loaded_clip()
    masks = [segment.mask.mask() for segment in find_everything(services, opened)]
    vectors = clip.open(fakes.picture()).embed(masks)
    background = clip.embed(vocabulary_of(BACKGROUND))
    scores = class_scores(vectors, clip.embed(vocabulary), clip.network.scale, background)
    assert [text for _, text in sorted(captions.rows)] == [scores.best(place)[0][0] for place in range(3)]
    for place, named in captions.names:
        assert [guess.name for guess in named.guesses] == [name for name, _ in scores.best(place, 3)]
        assert named.guesses[0].confidence == pytest.approx(scores.best(place)[0][1], abs=1e-5)


def test_labelling_stops_between_the_words(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    with_clip = replace(services, clip=LazyResource.of(loaded_clip(), "clip"))
    seen = []
    for session in describe_everything(
        with_clip, workspace, "category", SamplingSettings(), interval=0, vocabulary=load_vocabulary("coco")
    ):
        if session.captions is not None and session.captions.preparing is not None:
            seen.append(session.captions.preparing)
            stop_describing(services, workspace)
            stop_describing(with_clip, workspace)
    captions = workspace.session.captions
    assert captions is not None
    assert (captions.state, captions.rows) == ("stopped", ())
    assert len(seen) <= 2


def test_labels_need_a_clip(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    with pytest.raises(InputError, match="--labels clip"):
        list(
            describe_everything(
                services, workspace, "category", SamplingSettings(), vocabulary=vocabulary_of(["dog", "cat"])
            )
        )
    assert workspace.session.captions is None


# --- a second model --------------------------------------------------------------------------------------------------


def with_second(services: Services, model: Any, name: str = "another") -> Services:
    return replace(services, second=LazyResource.of(model, name))


def behind(served: StandIn) -> OpenAIModel:
    return OpenAIModel(OpenAIEndpoint.of(f"openai:{served.address}#qwen"), {})


def described(services: Services, opened: Session, style: Any = "short") -> Captions:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    list(describe_everything(services, workspace, style, SamplingSettings(), interval=0))
    assert workspace.session.captions is not None
    return workspace.session.captions


def test_a_second_model_describes_the_same_segments(services: Services, opened: Session) -> None:
    other = fakes.FakeModel(name="another")
    captions = described(with_second(services, other), opened, "detailed")
    assert captions.second is not None
    assert (captions.model, captions.second.model, captions.state) == ("fake", "another", "complete")
    assert dict(captions.second.rows) == dict(captions.rows)
    assert {call.question for call in other.calls} == {"detailed"}


def test_a_region_that_the_second_model_cannot_describe_costs_no_other(services: Services, opened: Session) -> None:
    """The model fails in the middle of many regions, the second of the three."""
    captions = described(with_second(services, fakes.FakeModel(name="another", unable="blue")), opened)
    blue = next(place for place, text in captions.rows if f"area={fakes.shape('blue').sum()} " in text)
    assert len(captions.rows) == 3
    assert captions.second is not None
    assert sorted(place for place, _ in captions.second.rows) == sorted({0, 1, 2} - {blue})
    assert captions.second.reasons() == {blue: "The answer of another was cut off; try again."}
    with language.speaking("ko"):
        assert captions.second.reasons()[blue] == captions.second.failures[0][1].render("ko")  # type: ignore[union-attr]
    assert captions.state == "complete"


@pytest.mark.parametrize(
    ("trouble", "sentence"), [(503, "The endpoint of qwen refuses with status 503: busy"), (0, "was cut off")]
)
def test_an_endpoint_that_fails_once_has_its_sentence_in_one_cell(
    services: Services, opened: Session, trouble: int, sentence: str
) -> None:
    with stand_in(troubles=[None, trouble]) as served:
        captions = described(with_second(services, behind(served)), opened, "category")
    assert captions.second is not None
    assert captions.second.rows == ((0, "a red car"), (2, "a red car"))
    assert list(captions.second.reasons()) == [1]
    assert sentence in captions.second.reasons()[1]
    assert [len(captions.rows), captions.state] == [3, "complete"]
    assert len(served.asked) == 3


def test_an_endpoint_that_always_fails_ends_the_column_and_says_why(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    with stand_in(status=401) as served, pytest.raises(InputError, match="does not accept the key"):
        list(describe_everything(with_second(services, behind(served)), workspace, "short", SamplingSettings()))
    captions = workspace.session.captions
    assert captions is not None
    assert captions.second is not None
    assert (len(captions.rows), len(captions.second.failures), captions.state) == (3, 3, "stopped")


def test_stopping_closes_the_second_models_connection(services: Services, opened: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: opened)
    with stand_in(words=["word "] * 500, pause=0.02) as served:
        both = with_second(services, behind(served))

        def stop_once_asked() -> None:
            assert served.begun.wait(20)
            stop_describing(both, workspace)

        stopper = threading.Thread(target=stop_once_asked)
        stopper.start()
        list(describe_everything(both, workspace, "short", SamplingSettings()))
        stopper.join()
        assert served.closed.wait(20)
        assert len(served.asked) == 1
    captions = workspace.session.captions
    assert captions is not None
    assert captions.second is not None
    assert (len(captions.rows), captions.second.rows, captions.state) == (3, (), "stopped")


def test_a_model_that_only_names_is_asked_for_names(services: Services, opened: Session) -> None:
    class Labels(fakes.FakeModel):
        abilities = Abilities(questions=False)

    labels = Labels(name="labels")
    described(with_second(services, labels), opened, "detailed")
    assert {call.question for call in labels.calls} == {"category"}


def test_a_second_model_that_is_not_there_yet_keeps_nobody_waiting(services: Services, opened: Session) -> None:
    loading: LazyResource[Any] = LazyResource("slow", lambda: None)
    captions = described(replace(services, second=loading), opened)
    assert (captions.state, captions.second) == ("complete", None)
