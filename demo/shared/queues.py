"""The queues in which events of the page and of its endpoints wait, and what all events of the page have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Queue:
    """Events that wait for one another; `limit` of them run at a time.

    Without a name it is no queue that events share: each of them has its own. Without a limit nothing waits.
    """

    name: str | None
    limit: int | None


MODEL = Queue("model", 1)
"""Events that use the model: one answer is written at a time."""
SEGMENTER = Queue("pictures", 4)
"""Events that segment; a few at a time."""
OPENING = Queue("opening", 4)
"""Events that decode a new picture; a segmenter at work does not keep them waiting."""
EDITS = Queue("edits", 4)
"""Brush strokes and changes of the list of regions: quick, whatever the segmenter does."""
AT_ONCE = Queue(None, None)
"""Events that only change what is known of a person; they wait for nothing."""


def queued(queue: Queue) -> dict[str, Any]:
    """The options that put a Gradio event into this queue."""
    return {"concurrency_id": queue.name, "concurrency_limit": queue.limit}


def private(queue: Queue, overlapping: bool = False) -> dict[str, Any]:
    """The options of an event that is the page's own: no endpoint, no progress bar.

    overlapping: whether it may be triggered again while it runs; otherwise Gradio decides by the kind of event.
    """
    options: dict[str, Any] = {
        "api_name": "page",  # or Gradio takes the handler's name, and an endpoint of that name would get another
        "api_visibility": "private",
        "show_progress": "hidden",
        **queued(queue),
    }
    return {**options, "trigger_mode": "multiple"} if overlapping else options
