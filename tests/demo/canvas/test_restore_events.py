"""After a reload the page shows what was open, and only then."""

from __future__ import annotations

import gradio as gr
import pytest

from demo.canvas.picture_events import PictureHandlers
from demo.canvas.restore_events import RestoreHandlers
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared.outputs import Outputs

OTHERS: Outputs[Session] = Outputs(("other",), lambda session: [{"value": len(session.regions)}])


@pytest.fixture
def restore(services: Services) -> RestoreHandlers:
    return RestoreHandlers(PictureHandlers(services, OTHERS))


def test_what_was_open_comes_back_with_the_key_of_the_new_workspace(
    restore: RestoreHandlers, services: Services, two: Session
) -> None:
    before, after = Workspace(), Workspace()
    before.open(two)
    services.workspaces.keep(before)
    key, canvas, other = restore.come_back(after, before.key)
    assert key == after.key != before.key
    assert [region["number"] for region in canvas["scene"]["regions"]] == [1, 2]
    assert [item["name"] for item in canvas["pictures"]["items"]] == ["shapes.png"]
    assert other["value"] == 2
    assert after.session.regions == two.regions


@pytest.mark.parametrize("key", [None, "", "somebody else's"])
def test_without_a_known_key_the_page_stays_as_it_is(restore: RestoreHandlers, key: str | None) -> None:
    workspace = Workspace()
    assert restore.come_back(workspace, key) == [workspace.key, gr.skip(), gr.skip()]
    assert workspace.sheets == ()
