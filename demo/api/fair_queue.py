"""Gradio's queue with turns by person: who runs least at a time, and was served longest ago, is next.

By itself, Gradio runs events in the order in which they came, so that one person's many events hold up everybody else.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from typing import Any

import gradio as gr
from gradio.queueing import Event, EventQueue, Queue

from demo.i18n import language
from demo.i18n.catalog import text
from demo.shared.metrics import EVENT_SECONDS

MOST_WAITING = 512
"""Events that wait at a time, of everybody."""
MOST_OF_PERSON = 64
_MOST_REMEMBERED = 10_000


class FairQueue(Queue):
    """See the file's opening; made of Gradio's own by `install`."""

    _served: dict[str, int]
    _turns: itertools.count[int]
    _most_waiting: int

    async def push(self, body: Any, request: Any, username: str | None) -> Any:
        """As Gradio's. Refuses, in a sentence, events of a person or an address with too many that wait already."""
        waiting = [event for queue in self.event_queue_per_concurrency_id.values() for event in queue.queue]
        address = _address(request)
        own = sum(event.session_hash == body.session_hash for event in waiting) if body.session_hash else 0
        of_address = sum(_address(event.request) == address for event in waiting) if address else 0
        key = None
        if len(waiting) >= self._most_waiting:
            key = "page.queue_full"
        elif own >= MOST_OF_PERSON or of_address >= max(1, self._most_waiting // 2):
            key = "page.many_waiting"
        if key is not None:
            with language.speaking(language.of_request(request)):
                return False, text(key, limit=MOST_OF_PERSON), "queue_full"
        return await super().push(body, request, username)

    def get_events(self) -> tuple[list[Event], bool, str] | None:
        """As Gradio's: the events to run next, if there is room for any."""
        for event_queue in self.event_queue_per_concurrency_id.values():
            self._order(event_queue)
        found = super().get_events()
        if found is not None:
            for event in found[0]:
                person = person_of(event)
                self._served.pop(person, None)  # so that the last served one is the last in the dictionary
                self._served[person] = next(self._turns)
            while len(self._served) > _MOST_REMEMBERED:
                del self._served[next(iter(self._served))]
        return found

    def compute_analytics_summary(self, event_analytics: Any) -> Any:
        """Nothing: the monitoring page that shows Gradio's summary is off, and it takes long to compute."""
        return self.cached_event_analytics_summary

    async def process_events(self, events: list[Event], batch: bool, begin_time: float, fn: Any) -> None:
        """As Gradio's, and count how long they took."""
        began = time.monotonic()
        try:
            await super().process_events(events, batch, begin_time, fn)
        finally:
            is_endpoint = fn.api_visibility == "public"
            EVENT_SECONDS.labels(fn.api_name if is_endpoint else "page").observe(time.monotonic() - began)

    def _order(self, event_queue: EventQueue) -> None:
        """Move the event of the person who is next to the beginning, where Gradio takes it."""
        limit = event_queue.concurrency_limit
        is_full = limit is not None and event_queue.current_concurrency >= limit
        if len(event_queue.queue) < 2 or is_full:
            return
        running = Counter(
            person_of(event)
            for events in self.active_jobs
            for event in events or ()
            if event.concurrency_id == event_queue.concurrency_id
        )

        def place(event: Event) -> tuple[int, int]:
            person = person_of(event)
            return running[person], self._served.get(person, -1)

        first = min(event_queue.queue, key=place)  # of equals, the one that came first
        if first is not event_queue.queue[0]:
            event_queue.queue.remove(first)
            event_queue.queue.insert(0, first)


def install(page: gr.Blocks, most_waiting: int = MOST_WAITING) -> None:
    """Make the page's queue a fair one. Call it after `gr.Blocks.queue` and before the page is served.

    most_waiting: events that wait at a time, of everybody; of one address at most half.
    """
    queue: Any = page._queue
    queue.__class__ = FairQueue
    queue._most_waiting = most_waiting
    queue._served, queue._turns = {}, itertools.count()


def person_of(event: Event) -> str:
    """Whose event it is: the browser tab's or the connected program's, or else that of the computer."""
    # Gradio gives an event without a session_hash its own id.
    return _address(event.request) if event.session_hash == event._id else event.session_hash


def _address(request: Any) -> str:
    return str(getattr(getattr(request, "client", None), "host", "") or "")
