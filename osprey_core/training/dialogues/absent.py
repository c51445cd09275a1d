"""Things that are plainly not in a picture, and whether two things might be called by one word."""

from __future__ import annotations

from functools import cache

from osprey_core.training.art import Atlas
from osprey_core.training.scenes.drawn import OBJECTS, SHAPES
from osprey_core.training.scenes.names import Thing, things

_FILLER_WORDS = frozenset({"of", "and", "with", "a", "pair", "piece", "bunch", "group", "stack", "set"})
_ABSENT_GROUPS = frozenset({
    "animal", "bird", "insect", "fruit", "vegetable", "food", "sweet", "drink", "vehicle", "instrument", "tool",
    "sports thing", "clothing", "device", "toy", "kitchen thing", "building", "plant", "character", "household thing",
})  # fmt: skip
# Things like these are drawn as parts or backgrounds, so that denying them would be disputable.
_NEVER_ABSENT = frozenset({"face", "window", "door", "green leaf", "fallen leaf", "maple leaf", "bed", "brick", "rock"})


def is_kin(a: Thing, b: Thing) -> bool:
    """Whether somebody might call both by one word, so that counting or denying would be disputable."""
    if a.name == b.name or a.words & b.words:
        return True
    return bool(_tokens(a) & _tokens(b))


def absent_things(atlas: Atlas | None = None) -> tuple[Thing, ...]:
    """Things that a question may say are missing, of all that scenes with this atlas may show."""
    return _askable(tuple(atlas.sprites) if atlas else ())


@cache
def _tokens(thing: Thing) -> frozenset[str]:
    """Single words of all the thing's names, in the singular."""
    return frozenset({w.rstrip("s") for phrase in thing.words for w in phrase.split()} - _FILLER_WORDS)


@cache
def _askable(sprite_names: tuple[str, ...]) -> tuple[Thing, ...]:
    vocabulary = things()
    names = [name for name in sprite_names if name in vocabulary]
    names += [name for name in OBJECTS if name not in names]
    known = [vocabulary.get(name) or Thing(name, name, OBJECTS[name][0]) for name in names]
    askable = [thing for thing in known if thing.group in _ABSENT_GROUPS and thing.name not in _NEVER_ABSENT]
    shapes = [Thing(name, name, "shape") for name in SHAPES if name not in names and name != "ring"]
    return (*askable, *shapes)
