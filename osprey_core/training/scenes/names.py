"""The vocabulary of depicted things: what each is called, how it is counted, and which emoji shows it.

`things.json` lists them by group: the short `name`; the counted `noun` phrase if the name alone cannot take "a"
("socks" is counted as "pair of socks"); other words that are as right (`synonyms`); and the Unicode `code_points` of
the emoji that show it, several where people would use the same word for all of them. Colours are never stated there:
they are measured from the pixels. It does not know where pictures come from or how they are drawn.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

THINGS_FILE = Path(__file__).with_name("things.json")


@dataclass(frozen=True)
class Thing:
    """One name of the vocabulary."""

    name: str
    """The short answer ("socks")."""
    noun: str
    """What takes "a" ("pair of socks")."""
    group: str
    """What kind of thing it is ("clothing")."""
    synonyms: tuple[str, ...] = ()
    """Other words, as right as the name."""
    code_points: tuple[str, ...] = ()
    """Emoji that show it, as "1F9E6" or "1F3F4-200D-2620-FE0F"."""

    @property
    def words(self) -> frozenset[str]:
        """Every name under which somebody may look for it."""
        return frozenset((self.name, self.noun, *self.synonyms))


@cache
def things() -> dict[str, Thing]:
    """The whole vocabulary by name, in the file's order. Raises ValueError where a name is listed twice."""
    vocabulary: dict[str, Thing] = {}
    for group, entries in json.loads(THINGS_FILE.read_text(encoding="utf-8")).items():
        for entry in entries:
            name = entry["name"]
            if name in vocabulary:
                raise ValueError(f"{THINGS_FILE.name} lists {name!r} twice")
            vocabulary[name] = Thing(
                name,
                entry.get("noun", name),
                group,
                tuple(entry.get("synonyms", ())),
                tuple(entry["code_points"]),
            )
    return vocabulary
