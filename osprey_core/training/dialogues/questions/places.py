"""Questions about where a thing is in the picture, and what is beside it."""

from __future__ import annotations

import math

from osprey_core.language.relations import RELATION_WORDS
from osprey_core.language.wording import listing, sentence
from osprey_core.training.dialogues.conversation import Conversation, DraftQuestion
from osprey_core.training.dialogues.facts import place_of, place_words, relation_of
from osprey_core.training.dialogues.phrasings import WORDINGS, Wording
from osprey_core.training.dialogues.questions.whole_picture import pick_unique
from osprey_core.training.dialogues.scene_words import definite, pronoun

_SIDES = {"left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom"}
_OPPOSITE_SIDE = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
_BESIDE = {"left": "on its left", "right": "on its right", "above": "above it", "below": "below it"}


def ask_position(talk: Conversation) -> DraftQuestion | None:
    """Where a region is."""
    index = talk.pick_region(lambda content: bool(talk.words.place(content)))
    if index is None:
        return None
    content = talk.regions[index]
    they, are = pronoun(content)
    place = talk.words.place(content)
    tail = talk.pick(("", " of the picture"))
    subject = they if talk.rng.random() < 0.6 else definite(content)
    return DraftQuestion(WORDINGS["position"], sentence(f"{subject} {are} {place}{tail}"), (place,), (index,))


def ask_is_position(talk: Conversation) -> DraftQuestion | None:
    """Whether a region is on that side of the picture."""
    index = talk.pick_region(lambda content: content.background is None)
    if index is None:
        return None
    content = talk.regions[index]
    they, are = pronoun(content)
    sides = [word for word in place_of(content.center_xy, talk.scene.size_hw) if word in _SIDES]
    if not sides:
        return None
    truth = talk.pick([side for side in sides if side is not None])
    right = talk.rng.random() < 0.5
    asked = truth if right else _OPPOSITE_SIDE[truth]
    yes = "Yes" if right else "No"
    wording = WORDINGS["is_position"]
    if content.is_many:  # the bare texts ask about "it"
        wording = Wording(wording.templates)
    slots = {"x": _SIDES[asked], "Is": are.capitalize()}
    return DraftQuestion(wording, f"{yes}, {they.lower()} {are} {_SIDES[truth]}.", (yes,), (index,), slots)


def ask_named_position(talk: Conversation) -> DraftQuestion | None:
    """Where a thing is that is named, and not marked."""
    size_hw = talk.scene.size_hw
    item = pick_unique(talk, lambda o: bool(place_words(*place_of(o.center_xy, size_hw))))
    if item is None:
        return None
    place = place_words(*place_of(item.center_xy, size_hw))
    noun = item.thing.noun
    return DraftQuestion(WORDINGS["named_position"], f"The {noun} is {place}.", (place,), slots={"x": f"the {noun}"})


def ask_direction(talk: Conversation) -> DraftQuestion | None:
    """What is on one side of a thing, where every other thing is plainly on one of its sides."""
    picked = talk.pick_object()
    if picked is None:
        return None
    index, item = picked
    side = talk.pick(("left", "right", "above", "below"))
    there = []
    for other in talk.scene.objects:
        if other is item:
            continue
        relation = relation_of(other.center_xy, item.center_xy, talk.scene.size_hw)
        if relation is None:
            return None
        if relation == side:
            there.append(other)
    words = RELATION_WORDS[side]
    wording, slots = WORDINGS["direction"], {"x": words}
    if not there:
        if talk.rng.random() < 0.6:
            return None
        return DraftQuestion(wording, f"There is nothing {words} it.", ("nothing",), (index,), slots)
    if len(there) > 3:
        return None
    there.sort(key=lambda o: math.dist(o.center_xy, item.center_xy))
    listed = listing([talk.words.a(o) for o in there])
    are = "are" if len(there) > 1 else "is"
    answer = sentence(listed) if talk.rng.random() < 0.5 else f"There {are} {listed} {words} it."
    return DraftQuestion(wording, answer, (there[0].name,), (index,), slots)


def ask_around(talk: Conversation) -> DraftQuestion | None:
    """What is around a thing: up to three others, as far as they are plainly on one of its sides."""
    picked = talk.pick_object()
    if picked is None:
        return None
    index, item = picked
    wording = WORDINGS["around"]
    others = sorted(
        (o for o in talk.scene.objects if o is not item), key=lambda o: math.dist(o.center_xy, item.center_xy)
    )
    if not others:
        answer = f"There is nothing else around it. The background is {talk.words.backdrop()}."
        return DraftQuestion(wording, answer, ("nothing",), (index,))
    sides: dict[str, list[str]] = {}
    for other in others[:3]:
        relation = relation_of(other.center_xy, item.center_xy, talk.scene.size_hw)
        if relation is not None:
            sides.setdefault(_BESIDE[relation], []).append(talk.words.a(other))
    if not sides:
        return None
    listed = listing([f"{listing(names)} {side}" for side, names in sides.items()])
    are = "are" if len(next(iter(sides.values()))) > 1 else "is"
    return DraftQuestion(wording, f"There {are} {listed}.", (), (index,))
