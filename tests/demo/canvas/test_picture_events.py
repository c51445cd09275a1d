"""Several open pictures, one in front: what the page is told when another one comes to the front."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
import pytest

from demo.session import conversation, pictures
from demo.session.session import Session
from demo.session.workspace import Workspace
from osprey_core.errors import InputError
from tests import fakes
from tests.demo.page_events import ask, digest, gesture, handler, scene, write_answer

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # a toast without a page becomes a Python warning


def listed(outputs: list[Any]) -> tuple[list[str], int]:
    """Names of the open pictures as the canvas is told, and which is in front."""
    told = json.loads(json.dumps(outputs[0]["pictures"]))
    front = [item["sheet"] for item in told["items"]].index(told["front"])
    return [item["name"] for item in told["items"]], front


def test_a_bad_upload_is_answered_even_while_an_answer_streams(
    app: gr.Blocks, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.change(lambda session: conversation.ask(session, "What?"))
    turn = workspace.session.transcript[-1]

    def broken(data: bytes, name: str) -> Session:
        # What streaming does meanwhile.
        workspace.change(lambda session: session.with_turn_changed(turn.id, answer="It"))
        raise InputError("That is not a picture that can be read.")

    monkeypatch.setattr(pictures, "open_picture", broken)
    outputs = gesture(app, workspace, "open_picture", seq=9, example="two.png")
    assert scene(outputs)["seq"] == 9
    assert "picture" not in outputs[0]
    assert workspace.session.waiting is not None
    assert workspace.session.transcript[-1].answer == "It"


def test_turning_back_shows_the_picture_with_its_regions_and_chat(
    app: gr.Blocks, workspace: Workspace, model: fakes.FakeModel
) -> None:
    first = workspace.front.id
    ask(app, workspace, "What is it?")
    write_answer(app, workspace)
    outputs = gesture(app, workspace, "open_picture", seq=4, example="two.png")
    assert listed(outputs) == (["one.png", "two.png"], 1)
    assert (scene(outputs)["regions"], outputs[-6]["turns"]) == ([], [])
    outputs = gesture(app, workspace, "turn_to_picture", seq=6, sheet=first)
    assert listed(outputs) == (["one.png", "two.png"], 0)
    assert outputs[0]["picture"]["sheet"] == first
    assert outputs[0]["picture"]["id"] == scene(outputs)["picture"] == digest(workspace)
    assert [region["number"] for region in scene(outputs)["regions"]] == [1]
    assert [turn["state"] for turn in outputs[-6]["turns"]] == ["complete"]
    assert len(model.calls) == 1


def test_described_segments_come_back_with_their_picture(app: gr.Blocks, workspace: Workspace) -> None:
    first = workspace.front.id
    describe_all = handler(app, "everything", "describe_all")
    for _ in describe_all(workspace, gr.EventData(None, {"style": "short"}), 0.0, 1.0, 64, ""):
        pass
    assert workspace.session.captions is not None
    gesture(app, workspace, "open_picture", seq=4, example="two.png")
    outputs = gesture(app, workspace, "turn_to_picture", seq=6, sheet=first)
    assert outputs[0]["segments"]["picture"] == digest(workspace)
    assert len(outputs[0]["segments"]["items"]) == len(outputs[1]["captions"]["rows"]) > 0


def test_a_picture_that_is_gone_is_refused_and_the_canvas_gets_its_answer(app: gr.Blocks, workspace: Workspace) -> None:
    front = workspace.front
    for nonsense in (12345, None, "a", front.id + 0.5, True):
        outputs = gesture(app, workspace, "turn_to_picture", seq=8, sheet=nonsense)
        assert scene(outputs)["seq"] == 8
        assert "pictures" not in outputs[0]
    assert workspace.front == front


def test_closing_the_last_picture_leaves_nothing(app: gr.Blocks, workspace: Workspace) -> None:
    outputs = gesture(app, workspace, "close_picture", seq=8, sheet=workspace.front.id)
    assert outputs[0]["pictures"]["items"] == []
    assert outputs[0]["picture"] == {}
    assert scene(outputs)["regions"] == []
    assert workspace.session == Session()
