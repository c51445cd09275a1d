"""Questions to be answered by a description: short, detailed, of the background, of the whole picture."""

from __future__ import annotations

import math

from osprey_core.language.relations import RELATION_WORDS
from osprey_core.language.wording import NUMBERS, listing, plural, sentence
from osprey_core.training.dialogues.conversation import Conversation, DraftQuestion
from osprey_core.training.dialogues.facts import main_colors, relation_of
from osprey_core.training.dialogues.phrasings import DETAIL_OPENINGS, WORDINGS
from osprey_core.training.dialogues.region_content import RegionContent
from osprey_core.training.dialogues.scene_words import background_phrase, color_words, name_of, pronoun
from osprey_core.training.dialogues.sentences import PLURALS, part_phrase
from osprey_core.training.scenes.scene import BackgroundRegion, SceneObject


def ask_short(talk: Conversation) -> DraftQuestion | None:
    """A phrase that says what a region shows, and where."""
    index = talk.pick_region()
    if index is None:
        return None
    content = talk.regions[index]
    answer = f"{talk.words.phrase(content, size=True)} {talk.words.place(content)}".strip()
    return DraftQuestion(WORDINGS["short"], answer, name_of(content)[1], (index,))


def ask_detailed(talk: Conversation) -> DraftQuestion | None:
    """One to five sentences about a region."""
    index = talk.pick_region()
    if index is None:
        return None
    content = talk.regions[index]
    if content.background is not None:
        text = _background_details(talk, content.background)
    elif content.part:
        text = _part_details(talk, content)
    else:
        assert content.object is not None
        text = _object_details(talk, content, content.object)
    return DraftQuestion(WORDINGS["detailed"], text, name_of(content)[1], (index,))


def ask_background(talk: Conversation) -> DraftQuestion | None:
    """What the background is."""
    if not talk.scene.regions:
        return None
    region = talk.scene.regions[0]
    even = len(talk.scene.regions) == 1 and region.name.endswith("background")
    return DraftQuestion(
        WORDINGS["background"], f"It is {background_phrase(region) if even else talk.words.backdrop()}."
    )


def ask_picture(talk: Conversation) -> DraftQuestion | None:
    """One sentence that names everything, from left to right, and the background."""
    groups: dict[str, list[SceneObject]] = {}
    for item in sorted(talk.scene.objects, key=lambda o: o.center_xy[0]):
        groups.setdefault(item.thing.noun, []).append(item)
    phrases = [
        talk.words.a(items[0]) if len(items) == 1 else f"{NUMBERS[len(items)]} {plural(noun)}"
        for noun, items in groups.items()
    ]
    where = ""
    names = [region.name for region in talk.scene.regions]
    if len(names) == 1 and names[0].endswith("background"):
        where = f" on {background_phrase(talk.scene.regions[0])}"
    elif talk.scene.background == "room":
        where = " in a room"
    elif names:
        where = f" in a {talk.scene.background} with {listing(names)}"
    opening = "" if talk.rng.random() < 0.5 else "the picture shows "
    return DraftQuestion(WORDINGS["picture"], sentence(f"{opening}{listing(phrases)}{where}"))


def _part_details(talk: Conversation, content: RegionContent) -> str:
    they, are = pronoun(content)
    lines = [f"{'These are' if content.is_many else 'This is'} {talk.words.phrase(content)}."]
    colors = color_words(content.shares)
    if colors:
        lines.append(f"{they} {are} {colors}.")
    place = talk.words.place(content)
    if place:
        lines.append(f"{they} {are} {place} of the picture.")
    return " ".join(lines)


def _object_details(talk: Conversation, content: RegionContent, item: SceneObject) -> str:
    """What a thing is, where it is, its second colour, its parts and what hides it or lies behind it."""
    rng, words = talk.rng, talk.words
    lines = [talk.pick(DETAIL_OPENINGS).format(a=words.a(item, size=True))]
    place, near = words.place(content), _nearness(talk, item) if talk.options.surroundings else ""
    if place and near:
        lines.append(f"It is {place} of the picture, {near}.")
    elif place or near:
        lines.append(f"It is {place} of the picture." if place else f"It is {near}.")
    ranked = list(item.color_shares.items())
    if len(main_colors(item.color_shares)) == 1 and len(ranked) > 1 and ranked[1][1] >= 0.08 and rng.random() < 0.5:
        lines.append(f"It is mostly {ranked[0][0]} with some {ranked[1][0]}.")
    if item.parts and rng.random() < 0.5:
        lines.append(f"It has {listing([part_phrase(part.name) for part in item.parts])}.")
    if not talk.options.surroundings:
        return " ".join(lines)
    hiding = [talk.scene.objects[depth] for depth in sorted(item.occluded_by)]
    if hiding and item.visible_share < 0.92:
        lines.append(f"It is partly hidden by {listing([words.the(o, item) for o in hiding[:2]])}.")
    elif rng.random() < 0.6:
        lines.append(f"The background is {words.backdrop()}.")
    return " ".join(lines)


def _nearness(talk: Conversation, item: SceneObject) -> str:
    """How the thing lies to a near one, "to the left of the red star"; empty where that is not plain."""
    hidden = [o for o in talk.scene.objects if item.depth in o.occluded_by]
    if hidden and talk.rng.random() < 0.6:
        return f"in front of {talk.words.the(hidden[0], item)}"
    nearest = sorted(
        (o for o in talk.scene.objects if o is not item), key=lambda o: math.dist(o.center_xy, item.center_xy)
    )
    for other in nearest[:2]:
        relation = relation_of(item.center_xy, other.center_xy, talk.scene.size_hw)
        if relation:
            return f"{RELATION_WORDS[relation]} {talk.words.the(other, item)}"
    return ""


def _background_details(talk: Conversation, region: BackgroundRegion) -> str:
    is_many = region.name in PLURALS
    they, are = ("They", "are") if is_many else ("It", "is")
    lines = [f"{'These are' if is_many else 'This is'} {background_phrase(region)}."]
    objects = sorted(talk.scene.objects, key=lambda o: -o.area)[:3]
    if region.name.endswith("background") and objects:
        in_front = listing([talk.words.a(o) for o in objects])
        lines.append(f"In front of it {'are' if len(objects) > 1 else 'is'} {in_front}.")
    else:
        lines.append(f"{they} {are} part of the background of the picture.")
    return " ".join(lines)
