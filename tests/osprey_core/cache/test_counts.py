"""How often cached values are used again, as the metrics tell it."""

from __future__ import annotations

import torch

from osprey_core.cache.prefix_cache import CacheBudget, PrefixCache


def test_hits_and_computations_are_counted() -> None:
    budget = CacheBudget(100)
    cache = PrefixCache(budget)
    values = [cache.part(name, lambda: torch.zeros(10)) for name in ("a", "a", "b", "a")]  # 40 bytes each
    assert values[0] is values[1] is values[3]
    assert (budget.computed, budget.hits) == (2, 2)
    cache.part("c", lambda: torch.zeros(10))  # evicts "b"
    cache.part("b", lambda: torch.zeros(10))
    assert (budget.computed, budget.hits) == (4, 2)
