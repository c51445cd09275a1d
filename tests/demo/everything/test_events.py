"""What the table of everything answers."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from demo.session.workspace import Workspace
from demo.shared import toasts
from tests.demo.page_events import digest, handler

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # a toast without a page becomes a Python warning


def test_everything_is_described_and_a_row_becomes_a_region(
    app: gr.Blocks, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(toasts.gr, "Warning", told.append)
    describe_all = handler(app, "everything", "describe_all")
    *_, last = describe_all(workspace, gr.EventData(None, {"style": "short"}), 0.0, 1.0, 64, "")
    captions = last["captions"]
    assert (captions["picture"], captions["state"]) == (digest(workspace), "complete")
    assert len(captions["rows"]) == captions["total"] > 0

    take_row = handler(app, "everything", "take_row")
    scene, about, *presets = take_row(workspace, gr.EventData(None, {"index": 0, "picture": digest(workspace)}))
    assert [region["number"] for region in scene["scene"]["regions"]] == [1, 2]
    assert [region["number"] for region in about["regions"]] == [1, 2]
    assert [preset["interactive"] for preset in presets] == [True, True]
    take_row(workspace, gr.EventData(None, {"index": 0, "picture": "another"}))
    assert len(workspace.session.regions) == 2, "the table is that of a picture that is not in front any more"
    assert told == []

    wrong: list[Any] = [{"index": 1.5}, {"index": None}, {"index": True}, {}, None, {"index": 99}]
    for row in wrong:
        data = {"picture": digest(workspace), **row} if isinstance(row, dict) else row
        take_row(workspace, gr.EventData(None, data))
    assert len(told) == len(wrong)
    assert len(workspace.session.regions) == 2
    *_, last = describe_all(workspace, gr.EventData(None, {"style": "loud"}), 0.0, 1.0, 64, "")
    assert len(told) == len(wrong) + 1
    assert last["captions"] == captions
