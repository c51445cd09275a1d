"""Finer names: what kind of a thing it perhaps is, by ImageNet's classifier on the region's close-up.

The photo tower was trained to tell 1,000 classes apart, 118 of them dogs. Where the model calls a region a dog and the
tower is sure of one of these, that is worth saying, as a guess. `finer_names.json` says which classes are kinds of
what; words and numbers are ImageNet's. It knows neither models nor pictures.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import torch

SURE = 0.5
"""The tower's probability from which on a finer name is given."""


@cache
def kinds_of() -> dict[str, dict[str, int]]:
    """For each name its kinds, with their classes of ImageNet."""
    table: dict[str, dict[str, int]] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    return table


def finer_name(name: str, scores: torch.Tensor) -> str:
    """The kind of thing, such as "golden retriever" of a "dog"; "" where none is likely.

    Args:
        name: what the thing is called.
        scores: float (1000,), ImageNet's class scores before the softmax. The likeliest of all classes must be one of
            the name's kinds, with a probability of at least `SURE`.
    """
    kinds = {number: kind for kind, number in kinds_of().get(name, {}).items()}
    probabilities = scores.float().softmax(0)
    best = int(probabilities.argmax())
    return kinds.get(best, "") if float(probabilities[best]) >= SURE else ""
