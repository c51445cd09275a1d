"""Dialogues about photographs: the made scenes' own, with stuff among the regions and fewer claims.

What a photograph does not tell is not said: nothing hides anything, things are counted only where all are annotated,
and only things whose every occurrence is annotated are said to be missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from osprey_core.language.wording import NUMBERS, listing, plural, sentence
from osprey_core.training.dialogues.conversation import Conversation, DraftQuestion
from osprey_core.training.dialogues.kinds import Kinds, KindWeight, weighted
from osprey_core.training.dialogues.options import DialogueOptions
from osprey_core.training.dialogues.phrasings import WORDINGS
from osprey_core.training.dialogues.questions import QUESTION_MAKERS
from osprey_core.training.dialogues.region_content import (
    RegionContent,
    background_stretch,
    choose_regions,
    whole_object,
)
from osprey_core.training.dialogues.samples import DialogueSample
from osprey_core.training.scenes.drawn import Rng
from osprey_core.training.scenes.hand_masks import hand_mask
from osprey_core.training.scenes.names import Thing
from osprey_core.training.scenes.scene import Scene, SceneObject

PHOTO_KINDS: Kinds = (
    KindWeight("category", 3), "what", "short", "detailed", KindWeight("color", 2), "position", "size", "relation",
    KindWeight("is_category", 2), "is_color", "is_position", "same_kind", "presence", "count", "picture", "refusal",
)  # fmt: skip
"""Questions about photographs."""

STUFF_SHARE = 0.5
"""How often a stretch of stuff becomes a region."""

LISTED = 4
"""Groups of things that a description of the whole picture names at most, the largest first."""


HALF_SHARE = 0.04
"""How often only half of a region is selected."""


def photo_sample(
    scene: Scene, absent: Sequence[Thing], seeds: Sequence[int], turns: int, may_count: bool, kinds: Kinds = ()
) -> DialogueSample | None:
    """One conversation about a photograph's scene, or None where nothing plain can be asked.

    Args:
        absent: things that are certainly not there.
        turns: questions at most.
        may_count: whether the scene holds all things that can be seen.
        kinds: of questions, with their weights; none: `PHOTO_KINDS`.
    """
    wanted = tuple(choice for choice in weighted(kinds or PHOTO_KINDS) if may_count or choice.kind != "count")
    options = DialogueOptions(kinds=wanted, surroundings=False, max_turns=turns, thorough=True, single_turn_share=0.15)
    rng = np.random.default_rng(list(seeds))
    talk = Conversation(scene, rng, options, choose_regions(scene, rng, options, photo_regions), absent, PHOTO_MAKERS)
    talk.hold()
    if not talk.turns:
        return None
    masks = [_selected(rng, content.mask) for content in talk.regions[: talk.known]]
    return DialogueSample(scene.image, masks, talk.turns, scene, talk.region_names())


def photo_regions(scene: Scene, rng: Rng) -> list[RegionContent]:
    """Things and stuff in any order; of many things of a kind only a few, so that no kind is all that is said."""
    contents: list[RegionContent] = []
    counts: Counter[str] = Counter()
    for place in rng.permutation(len(scene.objects)):
        item = scene.objects[int(place)]
        counts[item.name] += 1
        if counts[item.name] <= 3:
            contents.append(whole_object(item))
    contents += [background_stretch(region) for region in scene.regions if rng.random() < STUFF_SHARE]
    return [contents[k] for k in rng.permutation(len(contents))]


def _ask_picture(talk: Conversation) -> DraftQuestion | None:
    """One sentence that names the largest things and the stuff around them."""
    groups: dict[str, list[SceneObject]] = {}
    for item in talk.scene.objects:
        groups.setdefault(item.thing.noun, []).append(item)
    largest = sorted(groups.items(), key=lambda group: -sum(item.area for item in group[1]))[:LISTED]
    phrases = [
        talk.words.a(items[0])
        if len(items) == 1
        else f"{NUMBERS[len(items)] if len(items) <= 5 else 'many'} {plural(noun)}"
        for noun, items in largest
    ]
    around = [region.name for region in talk.scene.regions[:3]]
    if not phrases and not around:
        return None
    if not phrases:
        phrases, around = around, []
    where = f" with {listing(around)}" if around else ""
    return DraftQuestion(WORDINGS["picture"], sentence(f"{listing(phrases)}{where}"))


def _ask_count(talk: Conversation) -> DraftQuestion | None:
    """As in made scenes, as far as numbers have a word."""
    return QUESTION_MAKERS["count"](talk) if 0 < len(talk.scene.objects) < len(NUMBERS) else None


def _ask_presence(talk: Conversation) -> DraftQuestion | None:
    """As in made scenes, as far as numbers have a word."""
    counts = Counter(item.name for item in talk.scene.objects)
    return QUESTION_MAKERS["presence"](talk) if max(counts.values(), default=0) < len(NUMBERS) else None


PHOTO_MAKERS = {**QUESTION_MAKERS, "picture": _ask_picture, "count": _ask_count, "presence": _ask_presence}
"""How each kind of question is made about a photograph."""


def _selected(rng: Rng, mask: np.ndarray) -> np.ndarray:
    """A mask as people and segmenters make them; now and then half of one."""
    return _half(rng, mask) if rng.random() < HALF_SHARE else hand_mask(rng, mask)


def _half(rng: Rng, mask: np.ndarray) -> np.ndarray:
    """One half of a mask, cut upright or level."""
    upright = rng.random() < 0.5
    filled = np.flatnonzero(mask.any(0 if upright else 1))
    middle = (int(filled[0]) + int(filled[-1]) + 1) // 2
    kept = mask.copy()
    first = rng.random() < 0.5
    window = np.s_[:middle] if first else np.s_[middle:]
    if upright:
        kept[:, window] = False
    else:
        kept[window] = False
    return kept if kept.sum() >= 12 else mask
