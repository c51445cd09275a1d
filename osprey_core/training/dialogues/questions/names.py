"""Questions about what a thing is called, and whether it is called so."""

from __future__ import annotations

from osprey_core.language.wording import listing, plural, sentence, with_article
from osprey_core.training.dialogues.absent import is_kin
from osprey_core.training.dialogues.conversation import Conversation, DraftQuestion
from osprey_core.training.dialogues.phrasings import WORDINGS
from osprey_core.training.dialogues.scene_words import name_of, pronoun
from osprey_core.training.scenes.names import Thing

_GROUP_NAMES = {
    "animal": "animal", "bird": "bird", "insect": "insect", "fruit": "fruit", "vegetable": "vegetable",
    "vehicle": "vehicle", "building": "building", "plant": "plant", "instrument": "musical instrument", "tool": "tool",
    "shape": "shape", "drink": "drink",
}  # fmt: skip
"""What a group of things is called in a question; "food" is left out, for fruit and vegetables are food too."""
_OVERLAPPING = (
    frozenset({"animal", "bird", "insect"}),
    frozenset({"fruit", "vegetable", "drink", "plant"}),
)
"""Groups of which a thing of one may be called one of another too."""
_NO_ARTICLE = frozenset({
    "soup", "ramen", "paella", "tea", "green tea", "money", "cash", "rope", "pasta", "tennis", "bowling", "ping pong",
    "muscle", "ice", "lightning", "bag of money", "paper", "grain", "film", "lettuce", "chili", "santa claus", "meat",
})  # fmt: skip
_OTHER_WORD_SHARE = 0.25


def ask_category(talk: Conversation) -> DraftQuestion | None:
    """The category word of a region."""
    index = talk.pick_region()
    if index is None:
        return None
    name, others = name_of(talk.regions[index])
    return DraftQuestion(WORDINGS["category"], name, others, (index,))


def ask_what(talk: Conversation) -> DraftQuestion | None:
    """What a region shows, in a sentence."""
    index = talk.pick_region()
    if index is None:
        return None
    content = talk.regions[index]
    phrase = talk.words.phrase(content)
    they, are = pronoun(content)
    pointing = "These are" if content.is_many else "This is"
    answer = f"{pointing} {phrase}." if talk.rng.random() < 0.3 else f"{they} {are} {phrase}."
    name, others = name_of(content)
    return DraftQuestion(WORDINGS["what"], answer, (name, *others), (index,))


def ask_these(talk: Conversation) -> DraftQuestion | None:
    """What all regions given so far show."""
    if talk.known < 2:
        return None
    chosen = tuple(range(talk.known))
    phrases = [talk.words.phrase(talk.regions[index]) for index in chosen]
    return DraftQuestion(WORDINGS["these"], sentence(listing(phrases)), (), chosen)


def ask_is_category(talk: Conversation) -> DraftQuestion | None:
    """Whether a region shows a thing of that name."""
    picked = talk.pick_object()
    if picked is None:
        return None
    index, item = picked
    own = with_article(item.thing.noun)
    if talk.rng.random() < 0.5:
        asked, yes = called(talk, item.thing), "Yes"
    else:
        other = talk.pick_absent(item, within_picture=talk.rng.random() < 0.4)
        if other is None:
            return None
        asked, yes = other.noun, "No"
    slots = {"x": with_article(asked)}
    return DraftQuestion(WORDINGS["is_category"], f"{yes}, it is {own}.", (yes,), (index,), slots)


def ask_use_group(talk: Conversation) -> DraftQuestion | None:
    """Whether a region shows an animal, a vehicle and so on."""
    picked = talk.pick_object(lambda item: item.thing.group in _GROUP_NAMES)
    if picked is None:
        return None
    index, item = picked
    truth = _GROUP_NAMES[item.thing.group]
    if talk.rng.random() < 0.5:
        asked, yes = truth, "Yes"
    else:
        others = [
            group
            for group in _GROUP_NAMES.values()
            if group != truth and not any({group, truth} <= overlapping for overlapping in _OVERLAPPING)
        ]
        asked, yes = talk.pick(others), "No"
    answer = f"{yes}, it is {with_article(item.thing.noun)}."
    return DraftQuestion(WORDINGS["is_group"], answer, (yes,), (index,), {"x": with_article(asked)})


def ask_same_kind(talk: Conversation) -> DraftQuestion | None:
    """Whether two regions show things of one name."""
    picked = talk.pick_two_objects()
    if picked is None:
        return None
    two, first, second = picked
    if first is second:
        return None
    if first.name == second.name:
        answer = f"Yes, both are {plural(first.thing.noun)}."
    elif is_kin(first.thing, second.thing):
        return None
    else:
        nouns = with_article(first.thing.noun), with_article(second.thing.noun)
        answer = f"No, the first is {nouns[0]} and the second is {nouns[1]}."
    return DraftQuestion(WORDINGS["same_kind"], answer, (answer.split(",")[0],), two)


def called(talk: Conversation, thing: Thing) -> str:
    """The thing's noun, or now and then another word for it that takes "a"."""
    usable = [word for word in thing.synonyms if not word.endswith("s") and word not in _NO_ARTICLE]
    return talk.pick(usable) if usable and talk.rng.random() < _OTHER_WORD_SHARE else thing.noun
