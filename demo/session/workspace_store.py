"""Everybody's workspaces: found by their key after a page was reloaded, within bounds of number, size and age.

A workspace is kept for some time after it was last used. Beyond the bounds the one that was used least recently goes
first: it is emptied, so that its pictures are freed even where the workspace is still referred to. Knows no page.
"""

from __future__ import annotations

import threading
import time

from demo.session.workspace import Workspace


class WorkspaceStore:
    """Workspaces by key: at most `capacity`, at most `max_bytes` of picture files, each for `seconds` after its use.

    The workspace that was kept last stays, whatever its size. Thread-safe.
    """

    def __init__(self, capacity: int = 1000, max_bytes: int = 2 * 2**30, seconds: float = 4 * 3600) -> None:
        self.capacity, self.max_bytes, self.seconds = capacity, max_bytes, seconds
        self._lock = threading.Lock()
        self._workspaces: dict[str, Workspace] = {}
        self._clients: dict[str, Workspace] = {}

    def __len__(self) -> int:
        return len(self._workspaces)

    def keep(self, workspace: Workspace) -> Workspace:
        """Have `find` find this workspace from now on, and let others go if there is no room for all; returns it."""
        workspace.last_used = time.monotonic()
        with self._lock:
            self._workspaces[workspace.key] = workspace
            gone = self._out_of_bounds(workspace)
            for other in gone:
                del self._workspaces[other.key]
            if gone:
                self._clients = {name: kept for name, kept in self._clients.items() if kept not in gone}
        for other in gone:
            other.clear()
        return workspace

    def find(self, key: str) -> Workspace | None:
        """The kept workspace with this key; None if there is none, or none any more."""
        with self._lock:
            workspace = self._workspaces.get(key)
        if workspace is None or time.monotonic() - workspace.last_used > self.seconds:
            return None
        workspace.last_used = time.monotonic()
        return workspace

    def for_client(self, name: str) -> Workspace:
        """The workspace of a program that gives no key, by the name of its connection; made on first use."""
        with self._lock:
            workspace = self._clients.get(name)
            if workspace is None or workspace.key not in self._workspaces:
                workspace = self._clients[name] = Workspace()
        return self.keep(workspace)

    def _out_of_bounds(self, newest: Workspace) -> list[Workspace]:
        """The workspaces that have to go: those whose time is over, then the least recently used, never `newest`."""
        now = time.monotonic()
        others = sorted(
            (workspace for workspace in self._workspaces.values() if workspace is not newest),
            key=lambda workspace: workspace.last_used,
        )
        gone = [workspace for workspace in others if now - workspace.last_used > self.seconds]
        kept = [*others[len(gone) :], newest]
        while len(kept) > 1 and (len(kept) > self.capacity or _picture_bytes(kept) > self.max_bytes):
            gone.append(kept.pop(0))
        return gone


def _picture_bytes(workspaces: list[Workspace]) -> int:
    """Bytes of all picture files; one that several workspaces share counts once."""
    pictures = {
        id(sheet.session.picture): sheet.session.picture for workspace in workspaces for sheet in workspace.sheets
    }
    return sum(len(picture.data) for picture in pictures.values() if picture is not None)
