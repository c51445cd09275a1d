"""The store of all workspaces by key, bounded in number, size and age.

A workspace stays for some time after its last use. Beyond the bounds the least recently used one is removed first: it
is emptied, so that its pictures are freed even if something still refers to the workspace.
"""

from __future__ import annotations

import threading
import time

from demo.session.workspace import Workspace


class WorkspaceStore:
    """Workspaces by key: at most `capacity`, at most `max_bytes` of picture files, each for `seconds` after its use.

    The workspace stored last is never removed, whatever its size. Thread-safe.
    """

    def __init__(self, capacity: int = 1000, max_bytes: int = 2 * 2**30, seconds: float = 4 * 3600) -> None:
        self.capacity, self.max_bytes, self.seconds = capacity, max_bytes, seconds
        self._lock = threading.Lock()
        self._workspaces: dict[str, Workspace] = {}
        self._clients: dict[str, Workspace] = {}

    def __len__(self) -> int:
        return len(self._workspaces)

    def keep(self, workspace: Workspace) -> Workspace:
        """Store this workspace for `find`, and remove others if a bound is exceeded; returns it."""
        workspace.last_used = time.monotonic()
        with self._lock:
            self._workspaces[workspace.key] = workspace
            evicted = self._out_of_bounds(workspace)
            for other in evicted:
                del self._workspaces[other.key]
            if evicted:
                self._clients = {name: other for name, other in self._clients.items() if other not in evicted}
        for other in evicted:
            other.clear()
        return workspace

    def find(self, key: str) -> Workspace | None:
        """The stored workspace with this key; None if there is none or it has expired."""
        with self._lock:
            workspace = self._workspaces.get(key)
        if workspace is None or time.monotonic() - workspace.last_used > self.seconds:
            return None
        workspace.last_used = time.monotonic()
        return workspace

    def for_client(self, name: str) -> Workspace:
        """The workspace of a program that names no session, by its connection's session_hash; made on first use."""
        with self._lock:
            workspace = self._clients.get(name)
            if workspace is None or workspace.key not in self._workspaces:
                workspace = self._clients[name] = Workspace()
        return self.keep(workspace)

    def _out_of_bounds(self, newest: Workspace) -> list[Workspace]:
        """The workspaces to remove: the expired ones, then the least recently used, never `newest`."""
        now = time.monotonic()
        others = sorted(
            (workspace for workspace in self._workspaces.values() if workspace is not newest),
            key=lambda workspace: workspace.last_used,
        )
        evicted = [workspace for workspace in others if now - workspace.last_used > self.seconds]
        rest = [*others[len(evicted) :], newest]
        while len(rest) > 1 and (len(rest) > self.capacity or _picture_bytes(rest) > self.max_bytes):
            evicted.append(rest.pop(0))
        return evicted


def _picture_bytes(workspaces: list[Workspace]) -> int:
    """Bytes of all picture files; a file that several workspaces share counts once."""
    pictures = {
        id(sheet.session.picture): sheet.session.picture for workspace in workspaces for sheet in workspace.sheets
    }
    return sum(len(picture.data) for picture in pictures.values() if picture is not None)
