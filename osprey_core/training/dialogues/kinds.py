"""The kinds of question, how often each is asked, and how a run weighs them differently."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

KIND_WEIGHTS: dict[str, float] = {
    "category": 10, "short": 11, "detailed": 9, "what": 8, "color": 7, "position": 6, "size": 2, "relation": 14,
    "which_larger": 2, "which_side": 2, "order": 2, "direction": 4, "around": 4, "same_kind": 2, "count": 6,
    "presence": 7, "is_color": 4, "is_category": 5, "is_position": 3, "part_of": 4, "parts": 3, "has_part": 3,
    "texture": 3, "background": 3, "refusal": 4, "picture": 6, "these": 3, "named_color": 2, "named_position": 2,
    "front": 2, "use_group": 3,
}  # fmt: skip
"""How often each kind of question is tried; the one place to change the mixture."""


@dataclass(frozen=True)
class KindWeight:
    """One kind of question, tried `weight` times as often as usual."""

    kind: str
    weight: float = 1.0


Kinds = tuple[str | KindWeight, ...]
"""Kinds of question to choose from; a name alone weighs 1, and the weights of a kind that is listed twice add up."""


def weighted(kinds: Iterable[str | KindWeight]) -> list[KindWeight]:
    """The same kinds, each with its weight."""
    return [kind if isinstance(kind, KindWeight) else KindWeight(kind) for kind in kinds]
