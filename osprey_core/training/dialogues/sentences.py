"""Small pieces of English: lists, sentences, numbers in words, names of parts with their article."""

from __future__ import annotations

from osprey_core.training.scenes.names import with_article

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
"""Numbers in words; the place in the list is the number."""

PLURALS = frozenset({
    "wheels", "windows", "eyes", "ears", "arms", "legs", "fins", "sails", "petals", "leaves", "fruits", "scoops",
    "spots", "wings", "antennae", "candles", "towers", "roofs", "hills",
})  # fmt: skip
"""Names of parts and of stretches of background that stand for several things."""

_MASS_PARTS = frozenset({"hair", "coffee", "frosting", "dough"})


def listing(phrases: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(phrases) < 2:
        return "".join(phrases)
    return ", ".join(phrases[:-1]) + " and " + phrases[-1]


def sentence(text: str) -> str:
    """Capital letter and full stop."""
    return text[0].upper() + text[1:] + "."


def part_phrase(part: str) -> str:
    """ "a roof", "windows", "hair"."""
    return part if part in PLURALS or part in _MASS_PARTS else with_article(part)
