"""The queues of the page's events and of its endpoints, and the Gradio options that all events of the page share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Queue:
    """Events that share a concurrency limit; `limit` of them run at a time.

    Without a name, each event has a queue of its own. Without a limit, events do not wait.
    """

    name: str | None
    limit: int | None


MODEL = Queue("model", 48)
"""Events that use the model. They take turns in `demo.jobs.run`."""
HEAVY = Queue("heavy", 2)
"""Events that take seconds for a large picture: exports, files of masks, finding everything."""
SEGMENTER = Queue("pictures", 4)
"""Events that segment; a few at a time."""
PREVIEWS = Queue("previews", 2)
"""Previews under the pointer; apart from `SEGMENTER`, so that no mark waits for one."""
OPENING = Queue("opening", 4)
"""Events that decode a new picture; apart from `SEGMENTER`, so that they do not wait for it."""
EDITS = Queue("edits", 4)
"""Brush strokes and changes of the list of regions; apart from `SEGMENTER`, so that they do not wait for it."""
KEEPING = Queue("keeping", 2)
"""Records and files for the browser's own copy; nobody waits for them."""
AT_ONCE = Queue(None, None)
"""Events that only change a person's session; they never wait."""


def queued(queue: Queue) -> dict[str, Any]:
    """The options that put a Gradio event into this queue."""
    return {"concurrency_id": queue.name, "concurrency_limit": queue.limit}


def private(queue: Queue, overlapping: bool = False) -> dict[str, Any]:
    """The options of an internal event of the page: no public endpoint, no progress bar.

    overlapping: whether the event may be triggered again while it runs; otherwise Gradio's default for its kind holds.
    """
    options: dict[str, Any] = {
        "api_name": "page",  # otherwise Gradio uses the handler's name, and would rename an endpoint of that name
        "api_visibility": "private",
        "show_progress": "hidden",
        **queued(queue),
    }
    return {**options, "trigger_mode": "multiple"} if overlapping else options
