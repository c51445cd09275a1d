"""Accuracies and differences of conditions from results, with 95 % intervals. Numbers only.

Pictures and seeds are resampled together: an interval says what other pictures and other starting weights would do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from benchmarks.laboratory.results import Results

ROUNDS = 1000
_SEEN_WITH = 2.8
"""Standard errors that a true difference needs so that its 95 % interval leaves out zero four times out of five."""


@dataclass(frozen=True)
class Question:
    """What is asked of a condition: which test pictures, at which size, with which masks, about which things."""

    pictures: str
    size: int
    masks: str = "exact"
    things: str = "all"


@dataclass(frozen=True)
class Answers:
    """Regions named right, int (seeds, N pictures), of those asked about, int (N)."""

    right: np.ndarray
    asked: np.ndarray


@dataclass(frozen=True)
class Share:
    """A share or a difference of shares with its interval and standard error."""

    value: float
    low: float
    high: float
    error: float
    seeds: int

    @property
    def visible(self) -> float:
        """The smallest true difference that would most likely have been seen."""
        return _SEEN_WITH * self.error


def answers(results: Results, condition: str, question: Question) -> Answers | None:
    """All seeds' answers of a condition; None where no run was asked that."""
    found = [
        tested
        for run in results.runs.values()
        if run["condition"] == condition
        for tested in run["tests"]
        if _asks(tested, question)
    ]
    if not found:
        return None
    return Answers(np.array([one["right"] for one in found]), np.array(found[0]["asked"]))


def accuracy(found: Answers) -> Share:
    """Share of regions named right."""
    return _share(accuracy_of(found), _resampled(found), found)


def difference(one: Answers, other: Answers) -> Share:
    """Accuracy of one less that of another, on the same pictures."""
    value = accuracy_of(one) - accuracy_of(other)
    return _share(value, _resampled(one, 1) - _resampled(other, 2), one)


def accuracy_of(found: Answers) -> float:
    """Share of regions named right, without an interval."""
    return float(found.right.sum() / (len(found.right) * max(1, found.asked.sum())))


def _asks(tested: dict[str, Any], question: Question) -> bool:
    asked = (tested["set"], tested["size"], tested["masks"], tested["things"])
    return asked == (question.pictures, question.size, question.masks, question.things)


@cache
def _picked(count: int) -> np.ndarray:
    """float (count, ROUNDS): how often each picture is drawn in each round, the same for all that is asked."""
    picks = np.random.default_rng(0).integers(0, count, (ROUNDS, count))
    return np.stack([np.bincount(drawn, minlength=count) for drawn in picks], 1).astype(np.float64)


def _resampled(found: Answers, seed: int = 1) -> np.ndarray:
    """float (ROUNDS,): accuracies of resampled pictures and seeds."""
    seeds = len(found.right)
    picked = _picked(len(found.asked))
    chosen = np.random.default_rng(seed).integers(0, seeds, (seeds, ROUNDS))
    right = np.take_along_axis(found.right @ picked, chosen, 0).mean(0)  # of (seeds, ROUNDS)
    return np.asarray(right / np.maximum(1, found.asked @ picked))


def _share(value: float, resampled: np.ndarray, found: Answers) -> Share:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Share(float(value), float(low), float(high), float(resampled.std()), len(found.right))
