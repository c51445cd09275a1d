"""What the search field answers: finds at every threshold, taken as regions in one step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from demo.find.search import found_in, new_search, searched_masks
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared import toasts
from demo.shared.lazy_resource import LazyResource
from osprey_core.analysis.find import clip_scores
from tests import fakes
from tests.clip import loaded_clip
from tests.demo.analyses import carried_out
from tests.demo.page_events import digest, handler

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # a toast without a page becomes a Python warning


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(toasts.gr, "Warning", told.append)
    return told


def search(app: gr.Blocks, workspace: Workspace, phrase: Any, **more: Any) -> dict[str, Any]:
    data = {"phrase": phrase, "picture": digest(workspace), **more}
    *_, last = handler(app, "find", "search")(workspace, gr.EventData(None, data))
    found: dict[str, Any] = last["found"]
    return found


def test_a_phrase_finds_a_segment_and_takes_it(app: gr.Blocks, workspace: Workspace, told: list[str]) -> None:
    found = search(app, workspace, " all  blue ")
    assert (found["state"], found["phrase"], found["picture"]) == ("complete", "all blue", digest(workspace))
    (index,) = found["steps"][0][1]
    assert [item["index"] for item in found["items"]] == [index]

    take = handler(app, "find", "take_found")
    scene, about, *_ = take(workspace, gr.EventData(None, {"search": found["id"], "threshold": 0.5}))
    assert [region["name"] for region in scene["scene"]["regions"]] == ["", "blue"]
    assert len(about["regions"]) == 2
    assert (workspace.session.regions[1].mask.mask() == fakes.shape("blue")).all()
    assert told == []
    take(workspace, gr.EventData(None, {"search": found["id"], "threshold": 0.5}))
    assert len(told) == 1, "what is a region already is not taken twice"
    assert len(workspace.session.undone().regions) == 1


def test_a_clip_searches_where_there_is_one(services: Services, two: Session) -> None:
    workspace = Workspace()
    workspace.change(lambda _: two)
    with_clip = replace(services, clip=LazyResource.of(loaded_clip(), "clip"))
    analysis = carried_out(with_clip, workspace, lambda session: new_search(with_clip, session, "red"))
    found = found_in(workspace.session)
    assert found is not None
    masks = [mask.mask() for mask in searched_masks(workspace.session)]
    assert found.scores == pytest.approx(clip_scores(loaded_clip().open(fakes.picture()), masks, "red"))
    assert analysis.state == "complete"


def test_nothing_is_found_where_nothing_fits(app: gr.Blocks, workspace: Workspace, told: list[str]) -> None:
    found = search(app, workspace, "elephant")
    assert (found["state"], found["steps"], found["items"]) == ("complete", [], [])
    take = handler(app, "find", "take_found")
    take(workspace, gr.EventData(None, {"search": found["id"], "threshold": 0.5}))
    assert len(told) == 1


def test_what_cannot_be_searched_is_said(app: gr.Blocks, workspace: Workspace, told: list[str]) -> None:
    assert search(app, workspace, " ") == {}
    assert search(app, workspace, 3) == {}
    assert search(app, workspace, "red " * 60)["steps"] == []
    assert len(told) == 3
    assert search(app, workspace, "red", picture="another")["state"] == "stopped", "the gesture is of another picture"
    assert len(told) == 3


@pytest.mark.parametrize("data", [{}, {"search": 1}, {"search": 1, "threshold": 2.0}, {"search": -1, "threshold": 0.5}])
def test_what_cannot_be_taken_is_said(
    app: gr.Blocks, workspace: Workspace, told: list[str], data: dict[str, Any]
) -> None:
    search(app, workspace, "blue")
    handler(app, "find", "take_found")(workspace, gr.EventData(None, data))
    assert len(told) == 1
    assert len(workspace.session.regions) == 1


def test_a_search_can_be_stopped(app: gr.Blocks, workspace: Workspace) -> None:
    data = {"phrase": "red", "picture": digest(workspace)}
    events = handler(app, "find", "search")(workspace, gr.EventData(None, data))
    first = next(events)
    assert first["found"]["state"] == "waiting"
    handler(app, "find", "stop_search")(workspace)
    *_, last = events
    assert (last["found"]["state"], last["found"]["steps"]) == ("stopped", [])
