"""Answers being written right now, by person, so that they can be stopped from outside.

Knows neither the page nor what a stream is, beyond that it has `stop()`.
"""

from __future__ import annotations

import threading
from typing import Protocol


class Stoppable(Protocol):
    def stop(self) -> None: ...


class Ticket:
    """Permission to write one answer. Once stopped it stays stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stream: Stoppable | None = None
        self.stopped = False

    def attach(self, stream: Stoppable) -> None:
        """Have `stop` reach this stream; if the person has stopped already, it is stopped at once."""
        with self._lock:
            self._stream = stream
            if self.stopped:
                stream.stop()

    def stop(self) -> None:
        with self._lock:
            self.stopped = True
            if self._stream is not None:
                self._stream.stop()


class RunningJobs:
    """Tickets by turn. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tickets: dict[int, Ticket] = {}

    def ticket(self, turn_id: int) -> Ticket:
        """The ticket of this turn, made on first use."""
        with self._lock:
            return self._tickets.setdefault(turn_id, Ticket())

    def stop(self, turn_id: int) -> None:
        """Stop the turn's answer if it is being written; nothing otherwise."""
        with self._lock:
            ticket = self._tickets.get(turn_id)
        if ticket is not None:
            ticket.stop()

    def done(self, turn_id: int) -> None:
        with self._lock:
            self._tickets.pop(turn_id, None)

    def __len__(self) -> int:
        return len(self._tickets)
