"""A thread that does work for other threads, one piece after the other; what was asked for first goes first, but for
short pieces for which somebody waits.

It starts with the first piece and ends once there has been nothing to do and to expect for a while, so that what it
refers to can be freed; all of them end before the interpreter does, for a thread that frees a tensor then aborts the
process. It knows nothing of what the work is.
"""

from __future__ import annotations

import atexit
import math
import threading
import weakref
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any, Generic, TypeVar

import torch

from osprey_core.language.core_shares import CORES
from osprey_core.language.turn_order import moment_asked

IDLE_SECONDS = 2.0
"""After so long without work the thread ends; the next piece starts another one."""

SECONDS_TO_END = 5.0
"""So long the interpreter's end waits for a thread that is in the middle of a piece of work."""

MOST_URGENT = 4
"""So many urgent pieces in a row may go before one that is not."""

T = TypeVar("T")


class Waiting(Generic[T]):
    """What waits, the first one that was asked for first. Not thread-safe."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._numbers = count()  # of two from the same moment, the earlier one goes first

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def oldest(self) -> float:
        """When the first one was asked for; infinite if nothing waits."""
        return self._heap[0][0] if self._heap else math.inf

    def add(self, item: T, moment: float) -> None:
        """Add what was asked for at this moment, see `moment_asked`."""
        heappush(self._heap, (moment, next(self._numbers), item))

    def take(self) -> T:
        """Take out the first one. Raises IndexError if nothing waits."""
        return heappop(self._heap)[2]

    def remove(self, item: T) -> bool:
        """Take this one out; whether it was there."""
        kept = [entry for entry in self._heap if entry[2] is not item]
        was_there, self._heap = len(kept) < len(self._heap), kept
        heapify(self._heap)
        return was_there


class _Work(Generic[T]):
    """One piece of work, and what came of it."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function: Callable[[], T] | None = function
        self._done = threading.Event()
        self._result: T | None = None
        self._error: BaseException | None = None

    def do(self) -> None:
        assert self._function is not None
        try:
            self._result = self._function()
        except BaseException as error:
            self._error = error
        finally:
            self._function = None  # it may refer to large tensors
            self._done.set()

    def result(self) -> T:
        """Wait for the result. Raises what the work has raised."""
        try:
            self._done.wait()
        except BaseException:
            # Interrupted: a thread that computes while the interpreter ends would bring the process down.
            self._done.wait()
            raise
        error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                del error  # its traceback refers to this frame
        result, self._result = self._result, None
        return result  # type: ignore[return-value]


class _Computing(threading.Thread):
    """A thread that the interpreter's end waits for."""


class WorkThread:
    """See the file's opening. All methods may be called from any thread.

    most_cores: that its work computes on; None for its share of all.
    """

    def __init__(self, name: str, most_cores: int | None = None) -> None:
        self._name, self._most_cores = name, most_cores
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._works: Waiting[_Work[Any]] = Waiting()
        self._urgent: Waiting[_Work[Any]] = Waiting()
        self._urgent_in_a_row = 0
        self._thread: threading.Thread | None = None
        self._newest: threading.Thread | None = None
        """The thread that was started last, even if it is about to end."""
        self._is_closed = False
        _ALL.add(self)

    def close(self, seconds: float = SECONDS_TO_END) -> None:
        """End the thread after the piece that it does, and wait for that.

        What is asked of it later is done on the thread that asks.
        """
        with self._changed:
            self._is_closed = True
            newest = self._newest
            self._changed.notify_all()
        if newest is not None and newest is not threading.current_thread():
            newest.join(seconds)

    def run(self, function: Callable[[], T], is_urgent: bool = False) -> T:
        """The result of a function that is called on the thread, without gradients. Raises what it raises.

        It goes before what was asked for later, see `turn_order.asked_at`.

        is_urgent: whether it goes before pieces that are not, such as what a short question needs of an open picture
            before other pictures are opened.
        """
        if threading.current_thread() is self._thread or self._is_closed:
            return function()
        work = _Work(function)
        with self._changed:
            (self._urgent if is_urgent else self._works).add(work, moment_asked())
            self._wake()
        del function
        return work.result()

    @property
    def waiting(self) -> int:
        """How many pieces of work wait."""
        return len(self._works) + len(self._urgent)

    def _wake(self) -> None:
        """Let the thread look for work; start it if it does not run. Call it while holding `_changed`.

        Raises RuntimeError after `close`.
        """
        if self._is_closed:
            raise RuntimeError("The program is ending.")
        # A process that was forked from this one has the object but not the thread.
        if self._thread is None or not self._thread.is_alive():
            self._thread = self._newest = _Computing(target=self._loop, name=self._name, daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _loop(self) -> None:
        with torch.inference_mode():
            while self._has_work():
                with CORES.computing(self._most_cores):
                    while self._is_needed_now():
                        CORES.take()
                        self._turn()

    def _has_work(self) -> bool:
        """Wait for work; False after a while without any, and then the thread has to end."""
        with self._changed:
            while not self._is_needed():
                if self._changed.wait_for(lambda: self._is_closed or self._is_needed(), IDLE_SECONDS):
                    break
                if not self._is_expected():
                    break
            if self._is_closed or not self._is_needed():
                self._before_end()
                self._thread = None
                return False
            return True

    def _is_expected(self) -> bool:
        """Whether something that was begun will go on, however long that takes."""
        return False

    def _before_end(self) -> None:
        """Let go of what only this thread needs. Called on it, while no other one can be started."""

    def _is_needed_now(self) -> bool:
        with self._lock:
            return not self._is_closed and self._is_needed()

    def _is_needed(self) -> bool:
        return bool(self._works or self._urgent)

    def _turn(self) -> None:
        """Do the next piece of work, if there is one."""
        with self._changed:
            work = self._next_work()
        if work is not None:
            work.do()

    def _next_work(self) -> _Work[Any] | None:
        """Take the next piece of work out. Call it while holding `_changed`."""
        if self._urgent and not (self._works and self._urgent_in_a_row >= MOST_URGENT):
            self._urgent_in_a_row += 1
            return self._urgent.take()
        self._urgent_in_a_row = 0
        return self._works.take() if self._works else None


_ALL: weakref.WeakSet[WorkThread] = weakref.WeakSet()


def _close_all() -> None:
    for worker in list(_ALL):
        worker.close()
    # A thread outlives its worker where it holds the last reference to it, and then frees what that refers to.
    for thread in threading.enumerate():
        if isinstance(thread, _Computing):
            thread.join(SECONDS_TO_END)


atexit.register(_close_all)
