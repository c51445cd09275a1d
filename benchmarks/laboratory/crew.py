"""Processes that share the table's runs: each takes the first that nobody has taken, until all are done or time is up.

Processes are forked before any of them touches the device. One that ends with an error is replaced by one that records
no CUDA graphs; a run that fails twice is given up.
"""

from __future__ import annotations

import logging
import multiprocessing
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.laboratory.results import append
from benchmarks.laboratory.table import Run
from benchmarks.laboratory.trial import Bench, OutOfTimeError, perform

log = logging.getLogger("benchmarks.laboratory")

_FREE, _TAKEN, _DONE, _GIVEN_UP = range(4)
_ROOM, _SHARED_ROOM = 1.15, 0.85
"""How much longer than estimated a run may take alone, and how much of that for each process on the device."""
_TESTS_SECONDS = 4.0


class Crew:
    """The state that all processes share."""

    def __init__(self, runs: Sequence[Run], out: Path, end: float, estimates: dict[str, float]) -> None:
        self.runs, self.out, self.end, self.estimates = tuple(runs), out, end, estimates
        context = multiprocessing.get_context("fork")
        self._context = context
        self._room = _ROOM
        self._lock = context.Lock()
        self._states = context.Array("i", [_FREE] * len(self.runs), lock=False)
        self._failures = context.Array("i", [0] * len(self.runs), lock=False)
        self._holders = context.Array("i", [0] * len(self.runs), lock=False)

    @property
    def given_up(self) -> list[str]:
        """Runs that failed twice."""
        return [run.name for run, state in zip(self.runs, self._states, strict=True) if state == _GIVEN_UP]

    def work_here(self, bench: Bench) -> None:
        """Do the runs in this process."""
        while (place := self._take(0)) is not None:
            self._do(place, bench)

    def work(self, make_bench: Callable[[], Bench], processes: int) -> None:
        """Do the runs in processes; `make_bench` is called in each."""
        graphs = True
        self._room = _ROOM * max(1.0, _SHARED_ROOM * processes)
        at_work = {number: self._start(number, make_bench, graphs) for number in range(1, processes + 1)}
        while at_work:
            time.sleep(0.2)
            for number, process in list(at_work.items()):
                if process.is_alive():
                    continue
                del at_work[number]
                if process.exitcode and self._lost(number) and time.monotonic() < self.end:
                    log.warning("a process failed; another goes on without CUDA graphs")
                    graphs = False
                    at_work[number] = self._start(number, make_bench, graphs)

    def _start(self, number: int, make_bench: Callable[[], Bench], graphs: bool) -> multiprocessing.process.BaseProcess:
        process = self._context.Process(target=self._run, args=(number, make_bench, graphs))
        process.start()
        return process

    def _run(self, number: int, make_bench: Callable[[], Bench], graphs: bool) -> None:
        bench = make_bench()
        bench = bench if graphs else replace(bench, graphs=False)
        while (place := self._take(number)) is not None:
            self._do(place, bench)

    def _do(self, place: int, bench: Bench) -> None:
        run = self.runs[place]
        begin = time.monotonic()
        try:
            result = perform(run, bench, lambda: time.monotonic() < self.end)
        except OutOfTimeError:
            return
        except Exception:
            log.error("%s failed:\n%s", run.name, traceback.format_exc())
            raise
        result["graphs"] = bench.graphs
        if bench.device.type == "cuda":
            result["gigabytes"] = round(torch.cuda.max_memory_allocated() / 1e9, 1)
        with self._lock:
            append(self.out, result)
            self._states[place] = _DONE
        exact = [t for t in result["tests"] if t["size"] == run.size and t["masks"] == "exact" and t["things"] == "all"]
        shares = ", ".join(f"{t['set']} {sum(t['right']) / max(1, sum(t['asked'])):.3f}" for t in exact)
        log.info("%s: %.0f s, loss %.2f, %s", run.name, time.monotonic() - begin, result["losses"][-1], shares)

    def _take(self, number: int) -> int | None:
        """The first free run that will end in time; None: there is none."""
        with self._lock:
            left = self.end - time.monotonic()
            for place, run in enumerate(self.runs):
                needed = self.estimates.get(run.condition, 0.0) * self._room + _TESTS_SECONDS
                if self._states[place] == _FREE and needed < left:
                    self._states[place] = _TAKEN
                    self._holders[place] = number
                    return place
        return None

    def _lost(self, number: int) -> bool:
        """Give back what a failed process held. Whether it held anything: else it fails before it begins."""
        with self._lock:
            for place in range(len(self.runs)):
                if self._states[place] == _TAKEN and self._holders[place] == number:
                    self._failures[place] += 1
                    self._states[place] = _FREE if self._failures[place] < 2 else _GIVEN_UP
                    return True
        return False
