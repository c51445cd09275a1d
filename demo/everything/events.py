"""Handlers of the table of segments: describe all segments, stop, take one as a region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.everything.messages import DescribeMessage, RowMessage
from demo.everything.panel import captions_of
from demo.jobs import captions
from demo.jobs.decoding import Decode
from demo.session import marks
from demo.session.services import Services
from demo.session.session import Session
from demo.session.typed_labels import chosen_vocabulary
from demo.session.workspace import Workspace
from demo.shared import queues
from demo.shared.outputs import Outputs
from demo.shared.queues import private
from demo.shared.toasts import errors_as_toasts
from osprey_core.language.sampling import SamplingSettings


def wire_everything(
    services: Services,
    workspace: gr.State,
    everything: gr.HTML,
    settings: list[Any],
    regions: Outputs[Session],
    decode: Decode,
) -> None:
    """Wire the table's events. `settings` are the sampling controls; `regions` show the session's regions."""
    handlers = EverythingHandlers(services, decode, regions)
    everything.describe_all(
        handlers.describe_all, [workspace, *settings], [everything], **private(queues.MODEL, overlapping=True)
    )
    everything.stop_describing(handlers.stop_describing, [workspace], None, **private(queues.AT_ONCE, overlapping=True))
    everything.take_row(
        handlers.take_row, [workspace], list(regions.components), **private(queues.SEGMENTER, overlapping=True)
    )


@dataclass(frozen=True)
class EverythingHandlers:
    """What Gradio calls: (workspace, inputs) → updates."""

    services: Services
    decode: Decode
    regions: Outputs[Session]

    def describe_all(self, workspace: Workspace, event: gr.EventData, *settings: Any) -> Iterator[Any]:
        """Stream captions into the table; `settings` are the values of the controls."""
        with errors_as_toasts():
            message = DescribeMessage.read_event(event)
            vocabulary = chosen_vocabulary(message.vocabulary, message.labels) if message.vocabulary else None
            sampling = SamplingSettings.read(*settings)
            for session in captions.describe_everything(
                self.services, workspace, message.style, sampling, self.decode, vocabulary=vocabulary
            ):
                yield gr.update(captions=captions_of(session))
        yield gr.update(captions=captions_of(workspace.session))

    def stop_describing(self, workspace: Workspace) -> None:
        """Stop captioning; the captions so far stay."""
        captions.stop_describing(self.services, workspace)

    def take_row(self, workspace: Workspace, event: gr.EventData) -> list[Any]:
        """Make the segment of a row a new region."""
        with errors_as_toasts():
            row = RowMessage.read_event(event)
            workspace.change_regions(
                lambda session: (
                    marks.take_segment(self.services, session, row.index, "new")
                    if session.shows(row.picture)
                    else session
                )
            )
        return self.regions.updates(workspace.session)
