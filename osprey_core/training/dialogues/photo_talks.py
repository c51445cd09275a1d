"""Dialogues about photographs: the made scenes' own, with stuff among the regions and fewer claims.

What a photograph does not tell is not said: nothing hides anything, things are counted only where all are annotated,
and only things whose every occurrence is annotated are said to be missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from osprey_core.training.dialogues.dialogues import (
    NUMBERS,
    DialogueOptions,
    DialogueSample,
    Ref,
    _Asked,
    _Talk,
    listing,
    sentence,
)
from osprey_core.training.scenes.draw_objects import Rng
from osprey_core.training.scenes.names import Thing, plural
from osprey_core.training.scenes.scene import Scene, SceneObject, hand_mask

PHOTO_KINDS = (
    "category", "category", "category", "what", "short", "detailed", "color", "color", "position", "size", "relation",
    "is_category", "is_category", "is_color", "is_position", "same_kind", "presence", "count", "picture", "refusal",
)  # fmt: skip
"""Questions about photographs."""

STUFF_SHARE = 0.5
"""How often a stretch of stuff becomes a region."""

LISTED = 4
"""Groups of things that a description of the whole picture names at most, the largest first."""


def photo_sample(
    scene: Scene, absent: Sequence[Thing], seeds: Sequence[int], turns: int, may_count: bool, kinds: Sequence[str] = ()
) -> DialogueSample | None:
    """One conversation about a photograph's scene, or None where nothing plain can be asked.

    Args:
        absent: things that are certainly not there.
        turns: questions at most.
        may_count: whether the scene holds all things that can be seen.
        kinds: of questions, repeated ones come more often; none: `PHOTO_KINDS`.
    """
    wanted = tuple(kind for kind in kinds or PHOTO_KINDS if may_count or kind != "count")
    options = DialogueOptions(kinds=wanted, surroundings=False, max_turns=turns, thorough=True, single_turn_share=0.15)
    talk = PhotoTalk(scene, np.random.default_rng(list(seeds)), options, absent)
    talk.hold()
    if not talk.turns:
        return None
    return DialogueSample(scene.image, talk.masks(), talk.turns, scene, talk.region_names())


class PhotoTalk(_Talk):
    """A conversation about a photograph."""

    def __init__(self, scene: Scene, rng: Rng, options: DialogueOptions, absent: Sequence[Thing]) -> None:
        super().__init__(scene, rng, options, None)
        self.absent_names = list(absent)

    def all_refs(self) -> list[Ref]:
        """Things and stuff in any order; of many things of a kind only a few, so that no kind is all that is said."""
        refs: list[Ref] = []
        kept: dict[str, int] = {}
        for place in self.rng.permutation(len(self.scene.objects)):
            item = self.scene.objects[int(place)]
            kept[item.name] = kept.get(item.name, 0) + 1
            if kept[item.name] <= 3:
                refs.append(Ref(item.mask, item, shares=item.color_shares))
        for region in self.scene.regions:
            if self.rng.random() < STUFF_SHARE:
                refs.append(Ref(region.mask, background=region, shares=region.color_shares))
        return [refs[k] for k in self.rng.permutation(len(refs))]

    def masks(self) -> list[np.ndarray]:
        """The given masks as people and segmenters make them; now and then half of one."""
        return [_half(self.rng, m) if self.rng.random() < 0.04 else hand_mask(self.rng, m) for m in self._given()]

    def _given(self) -> list[np.ndarray]:
        return [ref.mask for ref in self.refs[: self.known]]

    def describe_picture(self) -> str:
        """One sentence that names the largest things and the stuff around them."""
        groups: dict[str, list[SceneObject]] = {}
        for item in self.scene.objects:
            groups.setdefault(item.thing.noun, []).append(item)
        largest = sorted(groups.items(), key=lambda group: -sum(item.area for item in group[1]))[:LISTED]
        phrases = []
        for noun, items in largest:
            if len(items) == 1:
                phrases.append(self.a(items[0]))
            else:
                phrases.append(f"{NUMBERS[len(items)] if len(items) <= 5 else 'many'} {plural(noun)}")
        around = [region.name for region in self.scene.regions[:3]]
        if not phrases:
            phrases, around = around, []
        where = f" with {listing(around)}" if around else ""
        return sentence(f"{listing(phrases)}{where}")

    def _ask_picture(self) -> _Asked | None:
        return super()._ask_picture() if self.scene.objects or self.scene.regions else None

    def _ask_count(self) -> _Asked | None:
        return super()._ask_count() if 0 < len(self.scene.objects) < len(NUMBERS) else None

    def _ask_presence(self) -> _Asked | None:
        counts = Counter(item.name for item in self.scene.objects)
        return super()._ask_presence() if max(counts.values(), default=0) < len(NUMBERS) else None

    def _absent(self, item: SceneObject | None, within_picture: bool = False) -> Thing | None:
        return super()._absent(item, within_picture) if self.absent_names or within_picture else None


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
