"""How many cores a thread may use for torch: those that compute at the same time share them out.

By itself torch gives every thread all cores. Two threads that compute side by side then run two threads on each core,
and at the end of every parallel loop those that are done keep a core busy waiting for one that has none: a picture on
two cores beside other work takes several times the processor time. It does not know what is computed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class CoreShares:
    """The cores and the threads that compute with torch at present. Thread-safe.

    cores: how many there are to share out; None for as many as torch uses when the first thread begins.
    """

    def __init__(self, cores: int | None = None) -> None:
        self._cores = cores
        self._lock = threading.Lock()
        self._computing: dict[int, int] = {}
        """By the number of each thread that computes: how often it has begun."""
        self._most: dict[int, int] = {}
        """By the number of each thread that does not use its whole share: how many cores it uses at most."""

    @contextmanager
    def computing(self, most: int | None = None) -> Iterator[None]:
        """While this is open, the thread counts as one that computes, and uses its share; may be nested.

        most: how many cores it uses at most, all that is nested included; None for its share. Nested in another one it
            is not looked at.
        """
        own = threading.get_ident()
        with self._lock:
            self._cores = self._cores or torch.get_num_threads()
            self._computing[own] = self._computing.get(own, 0) + 1
            if most is not None and self._computing[own] == 1:
                self._most[own] = most
        self.take()
        try:
            yield
        finally:
            with self._lock:
                self._computing[own] -= 1
                if not self._computing[own]:
                    del self._computing[own]
                    self._most.pop(own, None)
                if not self._computing:
                    torch.set_num_threads(self._cores)  # as it was: torch's setting is of the whole process in part

    def take(self) -> None:
        """Use the share as it is now for what this thread computes next."""
        with self._lock:
            share = self._share(threading.get_ident())
            if torch.get_num_threads() != share:
                torch.set_num_threads(share)

    def _share(self, own: int) -> int:
        """Of a thread: what those that use less than theirs leave is shared out among the others."""
        cores, each = self._cores or 1, max(1, (self._cores or 1) // max(1, len(self._computing)))
        if own in self._most:
            return min(each, self._most[own])
        left = cores - sum(min(each, most) for most in self._most.values())
        return max(1, left // max(1, len(self._computing) - len(self._most)))


CORES = CoreShares()
"""Those of this process."""
