"""Restore a browser tab's pictures, regions and conversations.

The tab stores the key of its workspace. After a reload, `demo.session.restore` copies the workspace's contents. If the
server has none with this key, as after it was started anew, the tab uploads the copy that its script has kept.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.keeping.messages import BringBack, KeepMessage, KeptSheet, PictureMessage
from demo.session import record
from demo.session.pictures import picture_turn
from demo.session.restore import restore_workspace
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared import queues
from demo.shared.queues import private
from demo.shared.toasts import errors_as_toasts
from demo.shared.uploads import uploaded_file
from osprey_core.io.pictures import pixels_of

_READ = """(workspace, key) => {
  try { return [workspace, sessionStorage.getItem("osprey-workspace") || ""]; } catch { return [workspace, ""]; }
}"""
_WRITE = """(key) => {
  try { if (key) sessionStorage.setItem("osprey-workspace", key); } catch { /* then a reload begins anew */ }
}"""


@dataclass(frozen=True)
class PageUpdates:
    """How a workspace is shown in all other panels."""

    components: Sequence[Any]
    shown: Callable[[Workspace], list[Any]]
    """Updates of `components` that show the workspace's picture in front."""
    unchanged: Callable[[], list[Any]]
    """Updates of `components` that leave them as they are."""


def wire_keeping(
    page: gr.Blocks, services: Services, workspace: gr.State, keeper: gr.HTML, updates: PageUpdates
) -> None:
    """Wire the page's load event and those of `keeper`; called inside the page's Blocks."""
    key = gr.Textbox("", visible="hidden", elem_id="workspace-key")
    handlers = KeepingHandlers(services, updates)
    outputs = [keeper, *updates.components]
    loaded = page.load(handlers.come_back, [workspace, key], [key, *outputs], js=_READ, **private(queues.AT_ONCE))
    loaded.then(None, [key], None, js=_WRITE, **private(queues.AT_ONCE))
    keeper.keep_record(handlers.keep, [workspace], [keeper], **private(queues.KEEPING, overlapping=True))
    keeper.send_picture(handlers.send_picture, [workspace], [keeper], **private(queues.KEEPING, overlapping=True))
    keeper.bring_back(handlers.bring_back, [workspace], outputs, **private(queues.OPENING, overlapping=True))


@dataclass(frozen=True)
class KeepingHandlers:
    """What Gradio calls for these events: (workspace, message) → updates of the keeper, then of the page."""

    services: Services
    updates: PageUpdates

    def come_back(self, workspace: Workspace, key: str | None) -> list[Any]:
        """The key of this workspace, and updates that show what was open in the workspace with the given key."""
        is_back = restore_workspace(self.services, workspace, key or "")
        seat = gr.update(seat={"key": workspace.key, "before": key or "", "isBack": is_back})
        return [workspace.key, seat, *(self.updates.shown(workspace) if is_back else self.updates.unchanged())]

    def keep(self, workspace: Workspace, event: gr.EventData) -> Any:
        """All open pictures, with the records of those that have changed since what the browser has stored."""
        contents = workspace.contents(KeepMessage.read_event(event).since)
        records = [
            {"sheet": sheet.id, "text": record.text_of(sheet.session, self.services.model.name)}
            for sheet in contents.changed
        ]
        opened = [_described(sheet.id, sheet.session) for sheet in contents.sheets]
        kept = {"key": workspace.key, "revision": contents.revision, "front": contents.front}
        return gr.update(kept={**kept, "open": opened, "records": records})

    def send_picture(self, workspace: Workspace, event: gr.EventData) -> Any:
        """The file of an open picture, for a browser that did not upload it itself."""
        digest = PictureMessage.read_event(event).picture
        opened = (sheet.session.picture for sheet in workspace.sheets)
        picture = next((picture for picture in opened if picture is not None and picture.digest == digest), None)
        data = "" if picture is None else base64.b64encode(picture.data).decode()
        return gr.update(sent={"picture": digest, "data": data})

    def bring_back(self, workspace: Workspace, event: gr.EventData) -> list[Any]:
        """Open what the browser has kept, and tell the new id of each sheet; what cannot be read is left out."""
        message = BringBack.read_event(event)
        ids: list[tuple[int, int]] = []
        front = workspace.front if workspace.sheets else None
        for kept in message.sheets:
            with errors_as_toasts():
                workspace.open(self._session_of(workspace, kept))
                ids.append((kept.sheet, workspace.front.id))
        wanted = front.id if front is not None else dict(ids).get(message.front)
        if wanted is not None:
            workspace.bring_to_front(wanted)
        if workspace.sheets:
            self.services.workspaces.keep(workspace)
        returned = gr.update(returned={"key": workspace.key, "ids": ids, "count": len(message.sheets)})
        return [returned, *(self.updates.shown(workspace) if workspace.sheets else self.updates.unchanged())]

    def _session_of(self, workspace: Workspace, kept: KeptSheet) -> Session:
        picture = uploaded_file(kept.picture).read_bytes()
        with picture_turn(self.services, workspace.person, pixels_of(picture)):
            session = record.session_of_kept(uploaded_file(kept.record).read_bytes(), picture, kept.digest)
            return self.services.picture_files.moved(session)


def _described(sheet_id: int, session: Session) -> dict[str, Any]:
    picture = session.picture
    assert picture is not None
    return {"sheet": sheet_id, "picture": picture.digest, "name": picture.name, "bytes": picture.file_bytes}
