"""Restore a browser tab's pictures, regions and conversations after a reload.

The tab stores the key of its workspace; `demo.session.restore` copies the workspace's contents.
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
    """Wire restoring; called inside the page's Blocks. `outputs` are those of the events that open pictures."""
    key = gr.Textbox("", visible="hidden", elem_id="workspace-key")
    handlers = RestoreHandlers(pictures)
    loaded = page.load(handlers.come_back, [workspace, key], [key, *outputs], js=_READ, **private(queues.AT_ONCE))
    loaded.then(None, [key], None, js=_WRITE, **private(queues.AT_ONCE))


@dataclass(frozen=True)
class RestoreHandlers:
    """Handler of the page's load event."""

    pictures: PictureHandlers

    def come_back(self, workspace: Workspace, key: str | None) -> list[Any]:
        """The key of this workspace, and updates that show what was open in the workspace with the given key."""
        if restore_workspace(self.pictures.services, workspace, key or ""):
            return [workspace.key, *self.pictures.show(workspace)]
        return [workspace.key, *self.pictures.unchanged()]
