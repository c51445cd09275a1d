"""How two regions lie to each other: as it is asked, as it is said, and whether what is said agrees with their masks.

By its English wording, without a model.
"""

from __future__ import annotations

import re

from osprey_core.regions.mentions import REGION_TAG
from osprey_core.regions.pair_place import PairPlace

RELATION_WORDS = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}
"""How a direction is said between two things."""

DEPTH_WORDS = ("in front of", "behind")
PART_WORDS = ("part of",)
_PHRASES = (*RELATION_WORDS.values(), *DEPTH_WORDS, "inside", *PART_WORDS)
_DIRECTIONS = {words: name for name, words in RELATION_WORDS.items()}

_PART_SHARED = 0.6
"""Of the smaller of two regions, so much is shared where one is part of the other."""

_REFERENCE = REGION_TAG.pattern
_TO = r"(?:relative to|compared (?:to|with)|in relation to|with respect to|(?:as )?seen from|from)"
_PLACED = r"(?:placed|located|positioned)"
_RELATION = r"(?:(?:what is|describe|tell me|explain|give me) )?(?:the )?(?:spatial )?relation(?:ship)?"
_ASKED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_RELATION} (?:of|between) {_REFERENCE} (?:and|to|with) {_REFERENCE}",
        rf"how (?:do|are) {_REFERENCE} and {_REFERENCE} relate(?:d)?(?: to (?:each other|one another))?",
        rf"how (?:does|is) {_REFERENCE} relate(?:d)? to {_REFERENCE}",
        rf"how are {_REFERENCE} and {_REFERENCE} {_PLACED}(?: (?:relative )?to (?:each other|one another))?",
        rf"where (?:is|are) {_REFERENCE}(?: {_PLACED})?,? {_TO} {_REFERENCE}",
        rf"where (?:does|do) {_REFERENCE} lie,? {_TO} {_REFERENCE}",
        rf"how (?:is|are) {_REFERENCE} {_PLACED},? {_TO} {_REFERENCE}",
        rf"(?:what is )?the position of {_REFERENCE},? {_TO} {_REFERENCE}",
    )
)
_ASKED_BACKWARDS = re.compile(
    rf"(?:(?:as )?(?:seen |viewed |looking )?from|relative to) {_REFERENCE},? where (?:is|are) {_REFERENCE}"
)
_IN_PICTURE = re.compile(r" (?:in|on) (?:the|this) (?:picture|image|photo|photograph|scene)$")


def asked_pair(question: str) -> tuple[int, int] | None:
    """The numbers of the two regions whose relation is asked, the one that is to be placed first; None otherwise."""
    words = " ".join(question.lower().split()).strip(" .?!？。")
    words = re.sub(r"^(?:please|(?:can|could|would) you(?: please)?) ", "", words)
    words = re.sub(r"^(what|where)(?:'s|’s) ", r"\1 is ", _IN_PICTURE.sub("", words))
    if (found := _ASKED_BACKWARDS.fullmatch(words)) is not None:
        second, first = found.groups()
    else:
        matches = (pattern.fullmatch(words) for pattern in _ASKED)
        found = next((match for match in matches if match is not None), None)
        if found is None:
            return None
        first, second = found.groups()
    return None if int(first) == int(second) else (int(first), int(second))


def said_relation(answer: str) -> tuple[str, ...]:
    """The relation words of an answer's first sentence, in their order; () if there are none."""
    first = answer.lower().split(".")[0]
    return tuple(phrase for _, phrase in sorted((first.find(phrase), phrase) for phrase in _PHRASES if phrase in first))


def agrees(said: tuple[str, ...], place: PairPlace) -> bool:
    """Whether what is said of two regions can be true of their masks; that nothing is said does not agree.

    A direction has to be that of the masks, a part has to share most of its pixels with the whole, and what is in front
    or behind must not. Which of two is in front the masks do not tell.
    """
    is_part = place.shared >= _PART_SHARED
    if said == PART_WORDS:
        return is_part
    if len(said) == 1 and said[0] in DEPTH_WORDS:
        return not is_part
    directions = {_DIRECTIONS[words] for words in said if words in _DIRECTIONS}
    return bool(said) and len(directions) == len(said) and directions == place.directions and not is_part
