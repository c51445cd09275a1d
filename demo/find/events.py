"""Handlers of the search field: search, stop, take the finds as regions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.find.messages import SearchMessage, TakeMessage
from demo.find.search import KIND, new_search, take_found
from demo.jobs import analyses
from demo.jobs.decoding import Decode
from demo.session.services import Services
from demo.session.session import Session
from demo.session.workspace import Workspace
from demo.shared import queues
from demo.shared.outputs import Outputs
from demo.shared.queues import private
from demo.shared.toasts import errors_as_toasts


def wire_find(
    services: Services,
    workspace: gr.State,
    find: gr.HTML,
    shown: Outputs[Session],
    regions: Outputs[Session],
    decode: Decode,
) -> None:
    """Wire the field's events. `shown` is the field with the search; `regions` show the session's regions."""
    handlers = FindHandlers(services, decode, shown, regions)
    find.search(handlers.search, [workspace], list(shown.components), **private(queues.MODEL, overlapping=True))
    find.stop_search(handlers.stop, [workspace], None, **private(queues.AT_ONCE, overlapping=True))
    find.take_found(handlers.take, [workspace], list(regions.components), **private(queues.EDITS, overlapping=True))


@dataclass(frozen=True)
class FindHandlers:
    """What Gradio calls: (workspace, inputs) → updates."""

    services: Services
    decode: Decode
    shown: Outputs[Session]
    regions: Outputs[Session]

    def search(self, workspace: Workspace, event: gr.EventData) -> Iterator[Any]:
        """Search, and show what is found when the model has answered."""
        with errors_as_toasts():
            message = SearchMessage.read_event(event)
            if workspace.session.shows(message.picture):
                begun = analyses.begin(workspace, lambda session: new_search(self.services, session, message.phrase))
                yield self._shown(workspace.session)
                for _ in analyses.carry_out(self.services, workspace, begun.id, self.decode):
                    pass
        yield self._shown(workspace.session)

    def stop(self, workspace: Workspace) -> None:
        """End the search."""
        analyses.stop(self.services, workspace, KIND)

    def take(self, workspace: Workspace, event: gr.EventData) -> list[Any]:
        """Make all finds at the threshold regions; undo takes them back together."""
        with errors_as_toasts():
            message = TakeMessage.read_event(event)
            workspace.change_regions(lambda session: take_found(session, message.search, message.threshold))
        return self.regions.updates(workspace.session)

    def _shown(self, session: Session) -> Any:
        (update,) = self.shown.updates(session)  # Gradio takes a list for the value where there is one output
        return update
