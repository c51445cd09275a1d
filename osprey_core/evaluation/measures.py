"""Means and POPE's yes/no measures, each with a 95 % bootstrap interval. This module sees numbers only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

ROUNDS = 2000
"""Resamplings of a bootstrap."""

FEWER_ROUNDS = 200
"""Resamplings where a statistic is computed anew from each."""

T = TypeVar("T")


@dataclass(frozen=True)
class Score:
    """A figure with its 95 % bootstrap interval, over `count` questions."""

    value: float
    low: float
    high: float
    count: int


def bootstrap(values: Sequence[float], rounds: int = ROUNDS, seed: int = 0) -> Score:
    """Mean of the values with the 95 % interval of its bootstrap distribution; all nan without a value."""
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        return Score(float("nan"), float("nan"), float("nan"), 0)
    picks = np.random.default_rng(seed).integers(0, array.size, (rounds, array.size))
    low, high = np.quantile(array[picks].mean(1), [0.025, 0.975])
    return Score(float(array.mean()), float(low), float(high), int(array.size))


def resampled(
    groups: Sequence[T], statistic: Callable[[Sequence[T]], float], rounds: int = FEWER_ROUNDS, seed: int = 0
) -> Score:
    """A statistic of groups (such as the segments of a picture each) with its 95 % interval over resampled groups.

    Resamplings for which the statistic is no number are left out; all nan without a group.
    """
    if not groups:
        return Score(float("nan"), float("nan"), float("nan"), 0)
    generator = np.random.default_rng(seed)
    values = [
        statistic([groups[place] for place in generator.integers(0, len(groups), len(groups))]) for _ in range(rounds)
    ]
    low, high = np.nanquantile(values, [0.025, 0.975])
    return Score(statistic(groups), float(low), float(high), len(groups))


def yes_no_measures(pairs: Sequence[tuple[bool, bool]], rounds: int = ROUNDS, seed: int = 0) -> dict[str, Score]:
    """POPE's measures from (said yes, is yes) pairs: accuracy, precision, recall, F1 and the share of yes.

    The pairs are resampled whole, so that the intervals of all measures belong together. Precision without a said yes
    and recall without a true one are 0. Without pairs there is nothing: {}.
    """
    if not pairs:
        return {}
    table = np.asarray(pairs, dtype=bool)  # (n, 2)
    picks = np.random.default_rng(seed).integers(0, len(table), (rounds, len(table)))
    measured = _yes_no(table[None])
    resampled = _yes_no(table[picks])
    scores = {}
    for name, value in measured.items():
        low, high = np.quantile(resampled[name], [0.025, 0.975])
        scores[name] = Score(float(value[0]), float(low), float(high), len(table))
    return scores


def _yes_no(tables: np.ndarray) -> dict[str, np.ndarray]:
    """Measures of (k, n, 2) pairs, each (k,)."""
    said, truth = tables[..., 0], tables[..., 1]
    hits = (said & truth).sum(1).astype(float)
    precision = hits / np.maximum(1, said.sum(1))
    recall = hits / np.maximum(1, truth.sum(1))
    f1 = 2 * precision * recall / np.maximum(1e-9, precision + recall)
    return {
        "accuracy": (said == truth).mean(1),
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "yes_rate": said.mean(1),
    }
