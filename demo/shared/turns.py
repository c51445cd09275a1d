"""Turns at something that cannot serve everybody at once: the person who has used it least is next.

A turn at the model lasts as long as a job needs it, but once its slice of time is over, a job lets others go first. So
a short question waits for a slice, not for the captions of a whole picture. Knows neither models nor Gradio.
"""

from __future__ import annotations

import itertools
import threading
import time

_HALF_LIFE_SECONDS = 60.0
"""After this time, use counts half."""
_MOST_REMEMBERED = 10_000
_GRACE_SECONDS = 1.0
"""For how long a place is held for a turn that nobody waits for: its job is showing where it stands, or was cut off."""
_LOOK_SECONDS = 0.1


class Turns:
    """Admits as many turns at a time as fit into `capacity`, at least one. Thread-safe.

    slice_seconds: for how long a turn is kept while others wait, in seconds that the process computes. Beside other
    load on the computer these last longer, at most four times as long: if short work did not end within a slice, all
    would end late.
    most_begun: how many turns may have begun and let others go first; each of them may hold memory.
    """

    def __init__(self, capacity: float = 1.0, slice_seconds: float = 0.5, most_begun: int = 16) -> None:
        self.capacity, self.slice_seconds, self.most_begun = capacity, slice_seconds, most_begun
        self.changed = threading.Condition()
        self.waiting: list[WorkTurn] = []
        self.running: list[WorkTurn] = []
        self._arrivals = itertools.count()
        self._used: dict[str, tuple[float, float]] = {}
        """Of each person: seconds of use, and when they were counted last."""

    def queue(self, person: str, weight: float = 1.0) -> WorkTurn:
        """Queue for a turn; it begins with `WorkTurn.wait` and must be ended with `WorkTurn.leave`."""
        turn = WorkTurn(self, person, weight)
        with self.changed:
            self.enqueue(turn)
        return turn

    def enqueue(self, turn: WorkTurn) -> None:
        """Put a turn at the end of those that wait. Call it while holding `changed`."""
        turn.arrival, turn.waited_for_at = next(self._arrivals), time.monotonic()
        self.waiting.append(turn)

    def ordered(self) -> list[WorkTurn]:
        """The turns that wait, the next one first. Call it while holding `changed`."""
        now = time.monotonic()
        running = [turn.person for turn in self.running]
        is_full = len(running) + sum(turn.has_begun for turn in self.waiting) >= self.most_begun

        def place(turn: WorkTurn) -> tuple[bool, int, float, bool, int]:
            is_too_many, used = is_full and not turn.has_begun, self._seconds_used(turn.person, now)
            return is_too_many, running.count(turn.person), used, not turn.has_begun, turn.arrival

        return sorted(self.waiting, key=place)

    def is_next(self, turn: WorkTurn) -> bool:
        """Whether this turn can begin now. Call it while holding `changed`."""
        is_free = not self.running or sum(other.weight for other in self.running) + turn.weight <= self.capacity
        earliest = time.monotonic() - _GRACE_SECONDS
        present = (other for other in self.ordered() if other.is_waited_for or other.waited_for_at > earliest)
        return is_free and next(present, turn) is turn

    def count(self, person: str, seconds: float) -> None:
        """Count the use by a person. Call it while holding `changed`."""
        now = time.monotonic()
        self._used[person] = (self._seconds_used(person, now) + seconds, now)
        while len(self._used) > _MOST_REMEMBERED:
            del self._used[next(iter(self._used))]

    def _seconds_used(self, person: str, now: float) -> float:
        seconds, counted_at = self._used.get(person, (0.0, now))
        return seconds * 0.5 ** ((now - counted_at) / _HALF_LIFE_SECONDS)


class WorkTurn:
    """One person's turn: it waits, runs, may let others go first, and ends."""

    def __init__(self, turns: Turns, person: str, weight: float) -> None:
        self.person, self.weight = person, weight
        self.arrival = 0
        self.has_begun = False
        self.is_waited_for, self.waited_for_at = False, time.monotonic()
        self._turns = turns
        self._begun_at: float | None = None
        self._computed_at = 0.0

    @property
    def place(self) -> int:
        """How many turns begin before this one; 0 if it is next or runs."""
        with self._turns.changed:
            ordered = self._turns.ordered()
            return ordered.index(self) if self in ordered else 0

    def wait(self, seconds: float | None = None) -> bool:
        """Wait at most so long for the turn to begin; whether it has begun."""
        turns = self._turns
        with turns.changed:
            if self in turns.running:
                return True
            if not self._wait_until_next(seconds):
                return False
            turns.waiting.remove(self)
            turns.running.append(self)
            self.has_begun, self._begun_at, self._computed_at = True, time.monotonic(), time.process_time()
            turns.changed.notify_all()  # there may be room for one more
            return True

    def _wait_until_next(self, seconds: float | None) -> bool:
        end = None if seconds is None else time.monotonic() + seconds
        self.is_waited_for = True
        try:
            while not self._turns.is_next(self):
                left = _LOOK_SECONDS if end is None else min(_LOOK_SECONDS, end - time.monotonic())
                if left <= 0:
                    return False
                self._turns.changed.wait(left)
            return True
        finally:
            self.is_waited_for, self.waited_for_at = False, time.monotonic()

    def pass_on(self) -> bool:
        """If the slice is over and another person waits, stop running and queue again; whether that was so."""
        turns = self._turns
        with turns.changed:
            if self._begun_at is None:
                return False
            lasted, computed = time.monotonic() - self._begun_at, time.process_time() - self._computed_at
            if min(lasted, max(computed, lasted / 4)) < turns.slice_seconds:
                return False
            if all(turn.person == self.person for turn in turns.waiting):
                return False
            self._end()
            turns.enqueue(self)
            return True

    def leave(self) -> None:
        """End the turn, or stop waiting for it."""
        with self._turns.changed:
            if self in self._turns.waiting:
                self._turns.waiting.remove(self)
            self._end()

    def _end(self) -> None:
        if self in self._turns.running:
            self._turns.running.remove(self)
            assert self._begun_at is not None
            self._turns.count(self.person, time.monotonic() - self._begun_at)
        self._begun_at = None
        self._turns.changed.notify_all()

    def __enter__(self) -> WorkTurn:
        self.wait()
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()
