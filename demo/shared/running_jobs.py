"""The jobs that are running, so that other events can stop them."""

from __future__ import annotations

import threading
from typing import Protocol


class Stoppable(Protocol):
    """Anything with `stop()`, such as a token stream."""

    def stop(self) -> None: ...


class Ticket:
    """Permission to run one job. Once stopped it stays stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stream: Stoppable | None = None
        self.stopped = False

    def attach(self, stream: Stoppable) -> None:
        """Let `stop` stop this stream; if the job has been stopped already, the stream is stopped at once."""
        with self._lock:
            self._stream = stream
            if self.stopped:
                stream.stop()

    def stop(self) -> None:
        """Stop the job at its next step."""
        with self._lock:
            self.stopped = True
            if self._stream is not None:
                self._stream.stop()


class RunningJobs:
    """Tickets by the id of their job. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tickets: dict[int, Ticket] = {}

    def ticket(self, job_id: int) -> Ticket:
        """The ticket of this job, made on first use."""
        with self._lock:
            return self._tickets.setdefault(job_id, Ticket())

    def stop(self, job_id: int) -> None:
        """Stop the job if it runs; nothing otherwise."""
        with self._lock:
            ticket = self._tickets.get(job_id)
        if ticket is not None:
            ticket.stop()

    def stop_all(self) -> None:
        """Stop every job, when the program ends."""
        with self._lock:
            tickets = list(self._tickets.values())
        for ticket in tickets:
            ticket.stop()

    def done(self, job_id: int) -> None:
        """Remove the job after it has ended."""
        with self._lock:
            self._tickets.pop(job_id, None)

    def __len__(self) -> int:
        return len(self._tickets)
