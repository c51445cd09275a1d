"""What the canvas's gestures answer and do to the regions; that of opening pictures is in test_picture_events."""

from __future__ import annotations

import base64
import io
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from demo.session.workspace import Workspace
from demo.shared import toasts
from osprey_core.io import export
from osprey_core.regions import masks
from tests import fakes
from tests.demo.page_events import click, digest, gesture, handler, scene

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # a toast without a page becomes a Python warning


def test_a_click_on_the_picture_before_is_answered_but_marks_nothing(app: gr.Blocks, workspace: Workspace) -> None:
    before = digest(workspace)
    gesture(app, workspace, "open_picture", seq=3, example="two.png")
    outputs = click(app, workspace, 4, 80, 100, picture=before)
    assert scene(outputs)["seq"] == 4
    assert workspace.session.regions == ()
    click(app, workspace, 5, 80, 100)
    assert len(workspace.session.regions) == 1


def test_a_mark_that_waited_is_made_on_its_picture_behind_the_one_in_front(
    app: gr.Blocks, workspace: Workspace
) -> None:
    before, sheet = digest(workspace), workspace.front.id
    gesture(app, workspace, "open_picture", seq=3, example="two.png")
    mark: dict[str, Any] = {"picture": before, "made_on": sheet, "x": 250, "y": 110, "action": "new"}
    outputs = gesture(app, workspace, "segment_point", seq=4, **mark)
    assert (scene(outputs)["seq"], scene(outputs)["picture"], scene(outputs)["twin"]) == (4, digest(workspace), None)
    assert [region.number for region in workspace.session.regions] == []
    workspace.bring_to_front(sheet)
    assert [region.number for region in workspace.session.regions] == [1, 2]
    workspace.close(sheet)
    gesture(app, workspace, "segment_point", seq=5, **mark)
    assert [sheet.session.regions for sheet in workspace.sheets] == [()]


def test_a_share_of_a_stroke_becomes_a_region(app: gr.Blocks, workspace: Workspace) -> None:
    points = [[20, 20], [40.5, 20]]
    made = gesture(
        app, workspace, "segment_brush", seq=4, picture=digest(workspace), points=points, radius=5, action="new"
    )
    assert [region["number"] for region in scene(made)["regions"]] == [1, 2]


def test_two_regions_free_the_questions_about_several(app: gr.Blocks, workspace: Workspace) -> None:
    (_, about, *others) = click(app, workspace, 4, 250, 110)
    presets = others[:2]  # the conversation follows
    assert [region["number"] for region in about["regions"]] == [1, 2]
    assert [preset["interactive"] for preset in presets] == [True, True]


def test_a_gesture_of_the_wrong_kind_is_refused_and_answered(
    app: gr.Blocks, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(toasts.gr, "Warning", told.append)
    before = workspace.session
    outputs = gesture(app, workspace, "take_segment", seq=9, picture=digest(workspace), index=1.5, action="new")
    assert told == ["That mark could not be understood; please draw it again."]
    assert scene(outputs)["seq"] == 9
    assert workspace.session == before
    assert scene(handler(app, "canvas", "edit_regions")(workspace, "x"))["seq"] == 0
    assert len(told) == 2


def test_a_workspace_that_is_gone_is_told_of(
    app: gr.Blocks, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(toasts.gr, "Warning", told.append)
    click(app, Workspace(), 3, 80, 100, picture=digest(workspace))
    assert "not kept here any more" in told[0]


def test_everything_is_outlined_and_the_scene_is_answered(app: gr.Blocks, workspace: Workspace) -> None:
    shown: Any = gesture(app, workspace, "segment_everything", seq=4, picture=digest(workspace))
    assert shown["segments"]["picture"] == digest(workspace)
    assert len(shown["segments"]["items"]) > 0
    assert shown["scene"]["seq"] == 4


def test_a_region_is_cut_out_with_transparency(
    app: gr.Blocks, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: Any = gesture(app, workspace, "cut_out", seq=4, picture=digest(workspace), number=1)
    assert shown["download"]["name"] == "one-region-1.png"
    pixels = np.array(Image.open(io.BytesIO(base64.b64decode(shown["download"]["data"]))))
    mask = fakes.shape("red")
    x0, y0, x1, y1 = masks.box_xyxy(mask)
    assert ((pixels[..., 3] == 255) == mask[y0:y1, x0:x1]).all()
    assert (pixels[pixels[..., 3] == 255][:, :3] == np.asarray(fakes.picture())[mask]).all()

    told: list[str] = []
    monkeypatch.setattr(toasts.gr, "Warning", told.append)
    refused: Any = gesture(app, workspace, "cut_out", seq=5, picture=digest(workspace), number=7)
    assert "download" not in refused
    assert "@7" in told[0]


def test_saving_gives_a_zip_that_opens_again(app: gr.Blocks, workspace: Workspace) -> None:
    shown: Any = gesture(app, workspace, "save_record", seq=4, picture=digest(workspace))
    assert shown["download"]["name"] == "one-osprey.zip"
    record = export.read_conversation(base64.b64decode(shown["download"]["data"]))
    assert [region.number for region in record.regions] == [1]
