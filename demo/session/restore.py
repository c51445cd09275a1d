"""Coming back: after a reload the same browser tab finds its pictures, regions and conversations again.

Only the tab remembers the key of its workspace. A copy of what is open there is taken, so that a duplicated tab and its
original do not share one workspace. Decides nothing about what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from demo.session.services import Services
from demo.session.workspace import Workspace

_READ = """(workspace, key) => {
  try { return [workspace, sessionStorage.getItem("osprey-workspace") || ""]; } catch { return [workspace, ""]; }
}"""
_WRITE = """(key) => {
  try { if (key) sessionStorage.setItem("osprey-workspace", key); } catch { /* then a reload begins anew */ }
}"""


def wire_returning(
    page: gr.Blocks,
    services: Services,
    workspace: gr.State,
    show: Callable[[Workspace], list[Any]],
    outputs: Sequence[Any],
) -> None:
    """To be called inside the page. `show(workspace)` gives the updates of `outputs` that show what is open there."""
    key = gr.Textbox("", visible="hidden", elem_id="workspace-key")

    def come_back(workspace: Workspace, key: str | None) -> list[Any]:
        if take_over(services, workspace, key or ""):
            return [workspace.key, *show(workspace)]
        return [workspace.key, *[gr.skip()] * len(outputs)]

    quick: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    page.load(come_back, [workspace, key], [key, *outputs], js=_READ, concurrency_limit=None, **quick).then(
        None, [key], None, js=_WRITE, **quick
    )


def take_over(services: Services, workspace: Workspace, key: str) -> bool:
    """Copy what is open in the workspace with this key into a new one, and keep it; False if there is nothing."""
    old = services.workspaces.find(key)
    if old is None or not old.sheets or workspace.sheets:
        return False
    workspace.take(old)
    services.workspaces.keep(workspace)
    return True
