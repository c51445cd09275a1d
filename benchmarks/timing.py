"""Times two ways of doing the same in turn, in one process, and measures the peak memory of each."""

from __future__ import annotations

import gc
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Run:
    """One way: the median of its times, and the largest growth of the process while it ran."""

    label: str
    seconds: float
    peak_mb: float | None
    """None where the operating system does not tell."""


@dataclass(frozen=True)
class Comparison:
    """Our way against the other one."""

    key: str
    title: str
    ours: Run
    other: Run
    scaled_by: float = 1.0
    """The other way's time is that of a part of the work, times this."""

    @property
    def times_faster(self) -> float:
        """How many times sooner our way is done."""
        return self.other.seconds / self.ours.seconds

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "times_faster": self.times_faster}


Way = tuple[str, Callable[[int], object]]
"""A label, and what to do in the repetition of that number (from 0); it must not profit from the ones before."""


def compare(key: str, title: str, ours: Way, other: Way, repeats: int, scaled_by: float = 1.0) -> Comparison:
    """Run both ways in turns, the other one first each time, after one unmeasured run of each.

    Args:
        repeats: measured runs of each way; repetition 0 is the unmeasured one.
        scaled_by: how many times the other way's work would have to be done to equal ours.
    """
    seconds: dict[str, list[float]] = {"ours": [], "other": []}
    peaks: dict[str, list[float]] = {"ours": [], "other": []}
    for repeat in range(repeats + 1):
        for name, (_, work) in (("other", other), ("ours", ours)):
            gc.collect()
            before = _begin_peak()
            started = time.perf_counter()
            work(repeat)
            elapsed = time.perf_counter() - started
            peak = _peak_mb()
            if repeat:
                seconds[name].append(elapsed)
                if before is not None and peak is not None:
                    peaks[name].append(peak - before)
    runs = {
        name: Run(label, statistics.median(seconds[name]) * scale, max(peaks[name], default=None))
        for name, label, scale in (("ours", ours[0], 1.0), ("other", other[0], scaled_by))
    }
    return Comparison(key, title, runs["ours"], runs["other"], scaled_by)


def _begin_peak() -> float | None:
    """Forget the process's peak so far; its size now in MB."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return None
    return _status_mb("VmRSS")


def _peak_mb() -> float | None:
    return _status_mb("VmHWM")


def _status_mb(field: str) -> float | None:
    try:
        found = re.search(rf"^{field}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) / 1024 if found else None
