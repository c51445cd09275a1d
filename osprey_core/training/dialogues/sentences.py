"""Names of parts with their article."""

from __future__ import annotations

from osprey_core.language.wording import with_article

PLURALS = frozenset({
    "wheels", "windows", "eyes", "ears", "arms", "legs", "fins", "sails", "petals", "leaves", "fruits", "scoops",
    "spots", "wings", "antennae", "candles", "towers", "roofs", "hills",
})  # fmt: skip
"""Names of parts and of stretches of background that stand for several things."""

_MASS_PARTS = frozenset({"hair", "coffee", "frosting", "dough"})


def part_phrase(part: str) -> str:
    """ "a roof", "windows", "hair"."""
    return part if part in PLURALS or part in _MASS_PARTS else with_article(part)
