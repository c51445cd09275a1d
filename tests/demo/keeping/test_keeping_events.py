"""After a reload the page shows what was open, from the server or from the browser's copy, and only then."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from demo.canvas.picture_events import PictureHandlers
from demo.keeping.events import KeepingHandlers, PageUpdates
from demo.session import record
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared.outputs import Outputs
from osprey_core.errors import InputError
from tests.demo.sessions import asked, png

OTHERS: Outputs[Session] = Outputs(("other",), lambda session: [{"value": len(session.regions)}])


@pytest.fixture
def keeping(services: Services) -> KeepingHandlers:
    pictures = PictureHandlers(services, OTHERS)
    return KeepingHandlers(services, PageUpdates(["canvas", "other"], pictures.show, pictures.unchanged))


def event(**data: Any) -> gr.EventData:
    """What Gradio gives a handler for an event with this data."""
    return gr.EventData(None, data)


def test_what_was_open_comes_back_with_the_key_of_the_new_workspace(
    keeping: KeepingHandlers, services: Services, two: Session
) -> None:
    before, after = Workspace(), Workspace()
    before.open(two)
    services.workspaces.keep(before)
    key, seat, canvas, other = keeping.come_back(after, before.key)
    assert key == after.key != before.key
    assert seat["seat"] == {"key": after.key, "before": before.key, "isBack": True}
    assert [region["number"] for region in canvas["scene"]["regions"]] == [1, 2]
    assert [item["name"] for item in canvas["pictures"]["items"]] == ["shapes.png"]
    assert other["value"] == 2
    assert after.session.regions == two.regions


@pytest.mark.parametrize("key", [None, "", "somebody else's"])
def test_without_a_known_key_the_page_stays_as_it_is(keeping: KeepingHandlers, key: str | None) -> None:
    workspace = Workspace()
    own, seat, *rest = keeping.come_back(workspace, key)
    assert own == workspace.key
    assert seat["seat"] == {"key": workspace.key, "before": key or "", "isBack": False}
    assert rest == [gr.skip(), gr.skip()]
    assert workspace.sheets == ()


def test_only_what_has_changed_is_given_out(keeping: KeepingHandlers, two: Session) -> None:
    workspace = Workspace()
    workspace.open(two)
    first = keeping.keep(workspace, event())["kept"]
    assert [entry["sheet"] for entry in first["records"]] == [workspace.front.id] == [first["front"]]
    assert first["open"][0]["bytes"] == len(png())
    stored = event(since=first["revision"])
    assert keeping.keep(workspace, stored)["kept"]["records"] == []
    assert len(keeping.keep(workspace, event())["kept"]["records"]) == 1
    workspace.change(lambda session: session)  # nothing
    assert keeping.keep(workspace, stored)["kept"]["records"] == []
    workspace.change(lambda session: session.with_regions(session.regions[:1], 1))
    # Both replies hold the change: the first may never have come.
    replies = [keeping.keep(workspace, stored)["kept"] for _ in range(2)]
    assert first["revision"] < replies[0]["revision"] < replies[1]["revision"]
    for reply in replies:
        assert [region["number"] for region in json.loads(reply["records"][0]["text"])["regions"]] == [1]


def test_the_file_is_given_out_of_open_pictures_only(keeping: KeepingHandlers, two: Session) -> None:
    assert two.picture is not None
    workspace = Workspace()
    assert keeping.send_picture(workspace, event(picture=two.picture.digest))["sent"]["data"] == ""
    workspace.open(two)
    sent = keeping.send_picture(workspace, event(picture=two.picture.digest))["sent"]
    assert base64.b64decode(sent["data"]) == png()


@pytest.mark.filterwarnings("ignore::UserWarning")  # a toast without a page becomes a Python warning
def test_the_copy_brings_everything_back(
    keeping: KeepingHandlers, services: Services, two: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    before = Workspace()
    before.open(asked(services, two, "What is @1?"))
    kept = keeping.keep(before, event())["kept"]
    (tmp_path / "shapes.png").write_bytes(png())
    (tmp_path / "record.json").write_text(kept["records"][0]["text"])
    (tmp_path / "other.png").write_bytes(png() + b"x")
    entry = {
        "sheet": kept["front"],
        "digest": kept["open"][0]["picture"],
        "picture": {"path": str(tmp_path / "shapes.png")},
        "record": {"path": str(tmp_path / "record.json")},
    }
    other = {**entry, "sheet": -1, "picture": {"path": str(tmp_path / "other.png")}}  # not the file that was open
    after = Workspace()
    returned, canvas, _ = keeping.bring_back(after, event(sheets=[entry, other], front=kept["front"]))
    assert returned["returned"]["ids"] == [(kept["front"], after.front.id)]
    assert [region["number"] for region in canvas["scene"]["regions"]] == [1, 2]
    assert [region.mask for region in after.session.regions] == [region.mask for region in two.regions]
    assert [(turn.typed, turn.answer) for turn in after.session.transcript] == [
        (turn.typed, turn.answer) for turn in before.session.transcript
    ]
    assert services.workspaces.find(after.key) is after


def test_a_copy_of_another_picture_is_refused(two: Session) -> None:
    with pytest.raises(InputError, match="damaged"):
        record.session_of_kept(record.text_of(two).encode(), png(), "0" * 64)


def test_messages_are_checked(keeping: KeepingHandlers) -> None:
    for data in (
        {"sheets": "x", "front": 1},
        {"sheets": [{"sheet": 1}], "front": 1},
        {"sheets": [{}] * 13, "front": 1},
    ):
        with pytest.raises(InputError):
            keeping.bring_back(Workspace(), event(**data))
