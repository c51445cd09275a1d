"""Gradio's state of each session, bounded so that programs cannot push out the pages that people have open.

Gradio makes such a state for every session_hash, also for a program's single call, and by itself drops the least
recently used one, whoever's it is. The workspace of a page is part of this state.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState, StateHolder

from demo.session.workspace import Workspace

MOST_WITHOUT_PICTURES = 200
"""States without pictures that are kept: each takes some 120 KB, and a new one is as good."""


class SessionStates(StateHolder):
    """As Gradio's, but beyond its capacity those without pictures go first, then closed pages, and open ones last."""

    _count = 0
    """How many there were after the last update."""

    def __getitem__(self, session_id: str) -> SessionState:
        """The state of a session, made on first use."""
        if session_id not in self.session_data:
            self.session_data[session_id] = _State(self.blocks)
        return super().__getitem__(session_id)

    def update(self, session_id: str) -> None:
        """Mark a session as used last, and drop others beyond the capacity."""
        with self.lock:
            if session_id in self.session_data:
                self.session_data.move_to_end(session_id)
            if len(self.session_data) == self._count:
                return  # nothing was added since
            # The least recently used ones come first, and sorting keeps the order of equals.
            others = [other for other in self.session_data if other != session_id]
            ranks = {other: _rank(self.session_data[other]) for other in others}
            others.sort(key=ranks.__getitem__)
            without_pictures = sum(rank == 0 for rank in ranks.values())
            excess = max(len(self.session_data) - self.capacity, without_pictures - MOST_WITHOUT_PICTURES)
            for evicted in others[: max(0, excess)]:
                self.session_data.pop(evicted)
                self.time_last_used.pop(evicted, None)
            self._count = len(self.session_data)


class _State(SessionState):
    """As Gradio's, without the copy of all components' settings that its links to a state would need.

    The page has no such links, and the copy takes 20 ms of the event loop for each session, and time at each event.
    """

    def __init__(self, blocks: gr.Blocks) -> None:
        without_components: Any = SimpleNamespace(default_config=blocks.default_config, blocks=())
        super().__init__(without_components)

    def _update_config(self, key: int) -> None:
        """Nothing: there is no copy."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Nothing: there is no copy."""


def install(page: gr.Blocks, capacity: int) -> None:
    """Replace the states of a page that is being served by bounded ones."""
    states, old = SessionStates(), page.app.state_holder
    states.set_blocks(page)
    states.capacity = capacity
    states.session_data, states.time_last_used = old.session_data, old.time_last_used
    page.app.state_holder = states


def is_open(page: gr.Blocks, workspace: Workspace) -> bool:
    """Whether a browser still shows the page of this workspace."""
    holder = getattr(getattr(page, "app", None), "state_holder", None)
    if holder is None:
        return True
    return any(
        _workspace_of(state) is workspace and not state.is_closed for state in list(holder.session_data.values())
    )


def _rank(state: SessionState) -> int:
    workspace = _workspace_of(state)
    if workspace is None or not workspace.sheets:
        return 0
    return 1 if state.is_closed else 2


def _workspace_of(state: SessionState) -> Any:
    return next((value for value in state.state_data.values() if isinstance(value, Workspace)), None)
