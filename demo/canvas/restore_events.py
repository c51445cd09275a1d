"""After a reload the same browser tab finds its pictures, regions and conversations again.

The tab itself remembers the key of its workspace; see `demo.session.restore` for what is taken over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.canvas.picture_events import PictureHandlers
from demo.session.restore import restore_workspace
from demo.session.workspace import Workspace
from demo.shared import queues
from demo.shared.queues import private

_READ = """(workspace, key) => {
  try { return [workspace, sessionStorage.getItem("osprey-workspace") || ""]; } catch { return [workspace, ""]; }
}"""
_WRITE = """(key) => {
  try { if (key) sessionStorage.setItem("osprey-workspace", key); } catch { /* then a reload begins anew */ }
}"""


def wire_restore(page: gr.Blocks, workspace: gr.State, pictures: PictureHandlers, outputs: Sequence[Any]) -> None:
    """To be called inside the page. `outputs` are those of the events that open pictures."""
    key = gr.Textbox("", visible="hidden", elem_id="workspace-key")
    handlers = RestoreHandlers(pictures)
    loaded = page.load(handlers.come_back, [workspace, key], [key, *outputs], js=_READ, **private(queues.AT_ONCE))
    loaded.then(None, [key], None, js=_WRITE, **private(queues.AT_ONCE))


@dataclass(frozen=True)
class RestoreHandlers:
    """What the page calls when it has been loaded."""

    pictures: PictureHandlers

    def come_back(self, workspace: Workspace, key: str | None) -> list[Any]:
        """The key of this workspace, and updates that show what was open in the one with the given key, if anything."""
        if restore_workspace(self.pictures.services, workspace, key or ""):
            return [workspace.key, *self.pictures.show(workspace)]
        return [workspace.key, *self.pictures.unchanged()]
