"""Everything in the picture described: whole, stopped, gone with its picture, refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from demo.jobs.captions import describe_everything, stop_describing
from demo.session.pictures import open_picture
from demo.session.segments import find_everything
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared.lazy_resource import LazyResource
from osprey_core.analysis.open_vocabulary import BACKGROUND, class_scores
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings
from osprey_core.vocabularies import load_vocabulary, vocabulary_of
from tests import fakes
from tests.clip import loaded_clip
from tests.demo.sessions import png


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
