"""The store of all workspaces by key, bounded in number, size and age.

A workspace stays for some time after its last use. Beyond the bounds, workspaces are removed in this order: those of
programs that have no connection of their own, those of connected programs, those of closed pages, those of open pages;
among equals, first of the address that holds most, and of that the least recently used. A removed workspace is emptied,
so that its pictures are freed even if something still refers to it. Independent of Gradio.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable

from demo.session.workspace import Kind, Workspace
from demo.shared.memory import give_back

ANONYMOUS_SECONDS = 3600
"""For how long after its use the workspace of a program without a connection stays."""

_RANKS: dict[Kind, int] = {"anonymous": 0, "program": 1, "page": 2}


class WorkspaceStore:
    """Workspaces by key: at most `capacity`, at most `max_bytes` of picture files, each for `seconds` after its use.

    One address holds at most half of them. The workspace stored last is never removed, whatever its size. Thread-safe.

    caller_address: returns the address of the computer whose event runs; "" if it is unknown, which is never bounded.
    """

    def __init__(
        self,
        capacity: int = 1000,
        max_bytes: int = 2 * 2**30,
        seconds: float = 4 * 3600,
        caller_address: Callable[[], str] = lambda: "",
    ) -> None:
        self.capacity, self.max_bytes, self.seconds = capacity, max_bytes, seconds
        self.is_open: Callable[[Workspace], bool] = lambda workspace: True
        """Whether a browser still shows the page of this workspace."""
        self._caller_address = caller_address
        self._lock = threading.Lock()
        self._workspaces: dict[str, Workspace] = {}
        self._clients: dict[str, Workspace] = {}

    def __len__(self) -> int:
        return len(self._workspaces)

    def keep(self, workspace: Workspace) -> Workspace:
        """Store this workspace for `find`, and remove others if a bound is exceeded; returns it."""
        workspace.last_used = time.monotonic()
        workspace.address = self._caller_address() or workspace.address
        with self._lock:
            self._workspaces[workspace.key] = workspace
            evicted = self._out_of_bounds(workspace)
            for other in evicted:
                del self._workspaces[other.key]
            if evicted:
                self._clients = {name: other for name, other in self._clients.items() if other not in evicted}
        for other in evicted:
            other.clear()
        if evicted:
            give_back()
        return workspace

    def find(self, key: str) -> Workspace | None:
        """The stored workspace with this key; None if there is none or it has expired."""
        with self._lock:
            workspace = self._workspaces.get(key)
        if workspace is None or self._has_expired(workspace, time.monotonic()):
            return None
        workspace.last_used = time.monotonic()
        return workspace

    def for_client(self, name: str) -> Workspace:
        """The workspace of a program that names no session, by its connection's session_hash; made on first use."""
        with self._lock:
            workspace = self._clients.get(name)
            if workspace is None or workspace.key not in self._workspaces:
                workspace = self._clients[name] = Workspace("program")
        return self.keep(workspace)

    def _has_expired(self, workspace: Workspace, now: float) -> bool:
        seconds = min(self.seconds, ANONYMOUS_SECONDS) if workspace.kind == "anonymous" else self.seconds
        return now - workspace.last_used > seconds

    def _out_of_bounds(self, newest: Workspace) -> list[Workspace]:
        """The workspaces to remove: the expired ones, then those beyond the bounds, never `newest`."""
        now = time.monotonic()
        rest = list(self._workspaces.values())
        evicted = [workspace for workspace in rest if workspace is not newest and self._has_expired(workspace, now)]
        rest = [workspace for workspace in rest if workspace not in evicted]
        while len(rest) > 1:
            held = Counter(workspace.address for workspace in rest)
            if newest.address and held[newest.address] > max(1, self.capacity // 2):
                candidates = [workspace for workspace in rest if workspace.address == newest.address]
            elif len(rest) > self.capacity or _picture_bytes(rest) > self.max_bytes:
                candidates = rest
            else:
                break
            first = min(
                (workspace for workspace in candidates if workspace is not newest),
                key=lambda workspace: (self._rank(workspace), -held[workspace.address], workspace.last_used),
            )
            rest.remove(first)
            evicted.append(first)
        return evicted

    def _rank(self, workspace: Workspace) -> int:
        """Its place in the order of removal."""
        return _RANKS[workspace.kind] + (workspace.kind == "page" and self.is_open(workspace))


def _picture_bytes(workspaces: Iterable[Workspace]) -> int:
    """Bytes of all picture files; a file that several workspaces share counts once."""
    pictures = {
        id(sheet.session.picture): sheet.session.picture for workspace in workspaces for sheet in workspace.sheets
    }
    return sum(picture.file_bytes for picture in pictures.values() if picture is not None)
