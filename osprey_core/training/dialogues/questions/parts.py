"""Questions about parts: what they belong to, and which ones a thing has."""

from __future__ import annotations

from osprey_core.language.wording import listing
from osprey_core.training.dialogues.conversation import Conversation, DraftQuestion
from osprey_core.training.dialogues.phrasings import WORDINGS
from osprey_core.training.dialogues.scene_words import pronoun
from osprey_core.training.dialogues.sentences import part_phrase

_ASKABLE_PARTS = (
    "wheels", "windows", "wings", "legs", "petals", "roof", "handle", "sails", "hat", "tail", "chimney", "beak",
)  # fmt: skip
"""Parts that a thing may be said to lack."""

_POSSIBLE_PARTS = {
    "house": {"roof", "window", "chimney", "wall", "door"}, "castle": {"roof", "window", "tower", "wall"},
    "car": {"wheel", "window", "roof"}, "bus": {"wheel", "window", "roof"}, "truck": {"wheel", "window", "roof"},
    "train": {"wheel", "window", "roof", "chimney"}, "sailboat": {"sail"}, "rocket": {"window", "wing", "tail"},
    "airplane": {"wing", "window", "tail", "wheel"}, "bicycle": {"wheel", "handle"}, "robot": {"leg"},
    "snowman": {"hat"}, "flower": {"petal"}, "fish": {"tail"}, "bird": {"leg", "tail", "wing", "beak"},
    "butterfly": {"wing", "leg"}, "chair": {"leg"}, "table": {"leg"}, "mug": {"handle"}, "umbrella": {"handle"},
}  # fmt: skip
"""Askable parts, in the singular, that a kind of drawn object may show. Sprites have no parts: nobody asks for them."""


def ask_part_of(talk: Conversation) -> DraftQuestion | None:
    """What a marked part belongs to."""
    index = talk.pick_region(lambda content: bool(content.part))
    if index is None:
        return None
    content = talk.regions[index]
    assert content.object is not None
    they, are = pronoun(content)
    answer = f"{they} {are} part of {talk.words.a(content.object)}."
    return DraftQuestion(WORDINGS["part_of"], answer, (content.object.name, content.object.thing.noun), (index,))


def ask_parts(talk: Conversation) -> DraftQuestion | None:
    """All parts of a thing that can be seen."""
    picked = talk.pick_object(lambda item: len(item.parts) >= 2)
    if picked is None:
        return None
    index, item = picked
    answer = f"It has {listing([part_phrase(part.name) for part in item.parts])}."
    return DraftQuestion(WORDINGS["parts"], answer, (), (index,))


def ask_has_part(talk: Conversation) -> DraftQuestion | None:
    """Whether a thing has a part."""
    picked = talk.pick_object(lambda item: len(item.parts) >= 2)
    if picked is None:
        return None
    index, item = picked
    have = [part.name for part in item.parts]
    if talk.rng.random() < 0.5:
        part = talk.pick([name for name in have if name not in ("body", "wall")] or have)
        yes, answer = "Yes", f"Yes, it has {part_phrase(part)}."
    else:
        possible = _POSSIBLE_PARTS.get(item.name, set())
        part = talk.pick([name for name in _ASKABLE_PARTS if name.rstrip("s") not in possible])
        yes, answer = "No", f"No, it has no {part}."
    return DraftQuestion(WORDINGS["has_part"], answer, (yes,), (index,), {"x": part_phrase(part)})
