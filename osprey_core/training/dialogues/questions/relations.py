"""Questions about how two regions lie to each other."""

from __future__ import annotations

import itertools
from typing import Literal

from osprey_core.language.relations import RELATION_WORDS
from osprey_core.language.wording import sentence
from osprey_core.training.dialogues.conversation import Conversation, DraftQuestion
from osprey_core.training.dialogues.facts import OPPOSITE, diagonal_of, relation_of, size_comparison
from osprey_core.training.dialogues.phrasings import WORDINGS
from osprey_core.training.dialogues.region_content import RegionContent
from osprey_core.training.dialogues.scene_words import pair

RelationKind = Literal["ground", "part", "depth", "straight", "diagonal"]
"""What is said of two regions: one is background, one is part of the other, one hides the other, or a direction."""

_FURTHER = {"left": "further left", "right": "further right", "above": "higher", "below": "lower"}


def ask_relation(talk: Conversation) -> DraftQuestion | None:
    """How two regions lie to each other."""
    two = _two_evenly_related(talk) if talk.options.even_relations else talk.pick_two()
    if two is None:
        return None
    text = _relation_text(talk, talk.regions[two[0]], talk.regions[two[1]])
    return None if text is None else DraftQuestion(WORDINGS["relation"], text, (), two)


def ask_which_side(talk: Conversation) -> DraftQuestion | None:
    """Which of two things is further to a side, or whether the first is beside the second."""
    two = talk.pick_two(lambda content: content.background is None)
    if two is None or talk.regions[two[0]].object is talk.regions[two[1]].object:
        return None
    first, second = talk.regions[two[0]], talk.regions[two[1]]
    relation = relation_of(first.center_xy, second.center_xy, talk.scene.size_hw)
    if relation is None:
        return None
    one, other = pair(first, second)
    if talk.rng.random() < 0.5:
        asked = relation if talk.rng.random() < 0.5 else OPPOSITE[relation]
        yes = "Yes" if asked == relation else "No"
        are = _are(first)
        answer = f"{yes}, {one} {are} {RELATION_WORDS[relation]} {other}."
        slots = {"x": RELATION_WORDS[asked], "Is": are.capitalize()}
        return DraftQuestion(WORDINGS["is_relation"], answer, (yes,), two, slots)
    side = relation if talk.rng.random() < 0.5 else OPPOSITE[relation]
    winner, content = (one, first) if side == relation else (other, second)
    answer = sentence(f"{winner} {_are(content)} {_FURTHER[side]}")
    return DraftQuestion(WORDINGS["which_side"], answer, (winner,), two, {"x": _FURTHER[side]})


def ask_front(talk: Conversation) -> DraftQuestion | None:
    """Which of two things hides some of the other."""
    picked = talk.pick_two_objects()
    if picked is None:
        return None
    two, first, second = picked
    if first.depth in second.occluded_by:
        front, back = 0, 1
    elif second.depth in first.occluded_by:
        front, back = 1, 0
    else:
        return None
    names = pair(talk.regions[two[0]], talk.regions[two[1]])
    answer = sentence(f"{names[front]} is in front of {names[back]}")
    return DraftQuestion(WORDINGS["front"], answer, (names[front],), two)


def _two_evenly_related(talk: Conversation) -> tuple[int, int] | None:
    """Two known regions: first a kind of relation by chance, then two of that kind."""
    pairs: dict[str, list[tuple[int, int]]] = {}
    for one, two in itertools.permutations(range(talk.known), 2):
        kind = _relation_kind(talk, talk.regions[one], talk.regions[two])
        if kind is not None:
            pairs.setdefault(kind, []).append((one, two))
    if not pairs:
        return None
    related = pairs[talk.pick(sorted(pairs))]
    return related[int(talk.rng.integers(len(related)))]


def _relation_kind(talk: Conversation, first: RegionContent, second: RegionContent) -> RelationKind | None:
    """What can be said of two regions; None where nothing is plain."""
    if first.background is not None or second.background is not None:
        return "ground" if first.background is None or second.background is None else None
    a, b = first.object, second.object
    assert a is not None
    assert b is not None
    if a is b and bool(first.part) != bool(second.part):
        return "part"
    if a is not b and not first.part and not second.part and (b.depth in a.occluded_by or a.depth in b.occluded_by):
        return "depth"
    where = first.center_xy, second.center_xy, talk.scene.size_hw
    if relation_of(*where) is not None:
        return "straight"
    return None if diagonal_of(*where) is None else "diagonal"


def _relation_text(talk: Conversation, first: RegionContent, second: RegionContent) -> str | None:
    """A sentence about two regions, maybe with a second one about their sizes; None where nothing is plain."""
    kind = _relation_kind(talk, first, second)
    if kind is None:
        return None
    one, two = pair(first, second)
    are = _are(first)
    if kind == "ground":
        return sentence(f"{one} {are} {'in front of' if first.background is None else 'behind'} {two}")
    a, b = first.object, second.object
    assert a is not None
    assert b is not None
    if kind == "part":
        part, whole = (first, two) if first.part else (second, one)
        return sentence(f"the {part.part} {_are(part)} part of {whole}")
    if kind == "depth":
        return sentence(f"{one} {are} {'behind' if b.depth in a.occluded_by else 'in front of'} {two}")
    where = first.center_xy, second.center_xy, talk.scene.size_hw
    straight, both = relation_of(*where), diagonal_of(*where)
    if straight is not None:
        text = sentence(f"{one} {are} {RELATION_WORDS[straight]} {two}")
    else:
        assert both is not None
        text = sentence(f"{one} {are} {both[0]} and {RELATION_WORDS[both[1]]} {two}")
    if first.is_object and second.is_object and talk.rng.random() < 0.5:
        bigger = size_comparison(a, b)
        if bigger:
            text += f" It is {bigger} than {two}."
    return text


def _are(content: RegionContent) -> str:
    return "are" if content.is_many else "is"
