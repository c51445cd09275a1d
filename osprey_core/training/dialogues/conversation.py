"""One conversation while it is being made: which regions are known, what was asked, and how a question is worded.

It tries kinds of question by chance until it has as many turns as it wants. What is asked, and what the answer is, it
leaves to one function for each kind, which it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from osprey_core.language.wording import listing
from osprey_core.training.dialogues.absent import is_kin
from osprey_core.training.dialogues.kinds import KIND_WEIGHTS, weighted
from osprey_core.training.dialogues.options import DialogueOptions
from osprey_core.training.dialogues.phrasings import Wording
from osprey_core.training.dialogues.region_content import RegionContent
from osprey_core.training.dialogues.scene_words import SceneWords, name_of
from osprey_core.training.scenes.drawn import Rng
from osprey_core.training.scenes.hand_masks import hand_mask
from osprey_core.training.scenes.names import Thing
from osprey_core.training.scenes.scene import Scene, SceneObject

SEVERAL_REGIONS = frozenset({
    "relation", "which_larger", "which_side", "order", "same_kind", "these", "front",
})  # fmt: skip
"""Kinds that need two regions or more; they weigh SEVERAL_BOOST times as much where there are as many."""
SEVERAL_BOOST = 3.0

_REPEATABLE = ("presence", "is_color", "refusal")  # kinds that may be asked again about the same regions
_DRAWS_PER_TURN = 10  # kinds tried for each wanted turn, at most


@dataclass(frozen=True)
class DialogueTurn:
    """One question with its answer."""

    kind: str
    """Which kind of question."""
    question: str
    """Regions are spelt `<region1>`, counted from 1."""
    answer: str
    """What is true of the scene."""
    known_regions: int
    """How many masks had been given when the question was asked."""
    accepted: tuple[str, ...] = ()
    """Answers that are right, this one included."""
    regions: tuple[int, ...] = ()
    """Masks that it is about, counted from 0."""


@dataclass(frozen=True)
class DraftQuestion:
    """A question with its answer, before one of its wordings is chosen."""

    wording: Wording
    """How it may be asked."""
    answer: str
    """What is true of the scene."""
    accepted: tuple[str, ...] = ()
    """Other answers as right."""
    regions: tuple[int, ...] = ()
    """Regions that it is about, counted from 0; none for questions about the whole picture."""
    slots: Mapping[str, str] | None = None
    """Words for the wording's other slots: {"x": "a dog"}."""


class Conversation:
    """State of one conversation. Equal arguments and an equal generator give equal turns."""

    def __init__(
        self,
        scene: Scene,
        rng: Rng,
        options: DialogueOptions,
        regions: Sequence[RegionContent],
        absent: Sequence[Thing],
        makers: Mapping[str, QuestionMaker],
    ) -> None:
        """Begin a conversation in which nothing is said yet.

        Args:
            regions: what it may be about, in the order in which masks are given.
            absent: things that a question may say are missing, as far as the scene does not show them.
            makers: for every kind of question, the function that makes one; it returns None where none is plain.
        """
        self.scene, self.rng, self.options = scene, rng, options
        self.regions = list(regions)
        self.absent = absent
        self.makers = makers
        self.words = SceneWords(scene)
        self.turns: list[DialogueTurn] = []
        self.known = 0
        """How many regions have been given so far."""
        self.shown: set[int] = set()
        """Regions that a question has been about, be it by name or together with all others."""
        self._focus: int | None = None  # the region that "it" would mean
        self._asked: set[tuple[str, tuple[int, ...]]] = set()

    # -- holding it --

    def hold(self) -> None:
        """Fill `turns`; they stay empty where nothing plain can be asked."""
        rng, options = self.rng, self.options
        single = rng.random() < options.single_turn_share
        wanted = 1 if single or options.max_turns == 1 else int(rng.integers(2, options.max_turns + 1))
        count = len(self.regions)
        if not count:
            return
        # Either all regions are selected at once, or they are added during the conversation.
        self.known = count if count == 1 or wanted == 1 or rng.random() < 0.55 else 1
        if options.thorough:
            wanted, self.known = options.max_turns, 1
        choices = weighted(options.kinds or tuple(KIND_WEIGHTS))
        weights = np.array([KIND_WEIGHTS[c.kind] * c.weight * self._boost(c.kind) for c in choices], np.float64)
        order = rng.choice(len(choices), size=wanted * _DRAWS_PER_TURN, p=weights / weights.sum())
        for place in order:
            if len(self.turns) >= wanted:
                break
            if self.known < count and self.turns and rng.random() < 0.6 and not options.thorough:
                self.known += 1
            if options.thorough:
                self.known = min(count, len(self.turns) + 1)
            self._try(choices[int(place)].kind)

    def masks(self) -> list[np.ndarray]:
        """The given masks, bool (H, W), roughened unless they are to be exact."""
        given = [content.mask for content in self.regions[: self.known]]
        return given if self.options.exact_masks else [hand_mask(self.rng, mask) for mask in given]

    def region_names(self) -> list[str]:
        """Category words of the given masks."""
        return [name_of(content)[0] for content in self.regions[: self.known]]

    def _try(self, kind: str) -> None:
        """Ask a question of the kind, if there is a plain one that was not asked yet and a wording that is clear."""
        draft = self.makers[kind](self)
        if draft is None or ((kind, draft.regions) in self._asked and kind not in _REPEATABLE):
            return
        question = self._worded(draft)
        if question is None:
            return
        self._asked.add((kind, draft.regions))
        self._introduce(draft.regions, question)
        accepted = (draft.answer, *draft.accepted)
        self.turns.append(DialogueTurn(kind, question, draft.answer, self.known, accepted, draft.regions))

    def _boost(self, kind: str) -> float:
        """How much more often a kind is tried where the regions allow it and others rarely do."""
        if kind in SEVERAL_REGIONS:
            return SEVERAL_BOOST if len(self.regions) > 1 else 1.0
        allows = _ALLOWING.get(kind)
        return _RARE_BOOST if allows is not None and any(allows(content) for content in self.regions) else 1.0

    # -- wording --

    def _worded(self, draft: DraftQuestion) -> str | None:
        """One of the question's wordings in which it is clear what it is about, or None."""
        rng, wording, regions = self.rng, draft.wording, draft.regions
        pick_bare = self._is_clear_without_mention(draft) and (not wording.templates or rng.random() < 0.45)
        if not pick_bare and not wording.templates:
            return None
        if any(index >= self.known for index in regions):
            return None
        texts = wording.bare if pick_bare else wording.templates
        question = texts[int(rng.integers(len(texts)))]
        if not pick_bare and wording.bare and len(regions) == 1 and rng.random() < 0.12:
            # How the page asks when somebody comes back to an earlier region without naming it.
            question = f"About {{r}}: {wording.bare[int(rng.integers(len(wording.bare)))]}"
        return self._casual(_filled(question, regions, draft.slots or {}))

    def _is_clear_without_mention(self, draft: DraftQuestion) -> bool:
        unshown = [k for k in range(self.known) if k not in self.shown]
        if not draft.wording.bare or not draft.regions:
            return False
        if len(draft.regions) > 1:
            return unshown == list(draft.regions) and not self.shown
        target = draft.regions[0]
        return unshown == [target] or (not unshown and (self._focus == target or self.known == 1))

    def _casual(self, question: str) -> str:
        """Now and then in lower case, and without its question mark."""
        draw = self.rng.random()
        if draw < 0.1:
            question = question.lower()
        elif draw < 0.22:
            question = question.lower().rstrip("?.!")
        return question

    def _introduce(self, regions: tuple[int, ...], question: str) -> None:
        if "<region" in question:
            self.shown.update(regions)
        else:
            self.shown.update(range(self.known))
        self._focus = regions[0] if len(regions) == 1 else (0 if self.known == 1 else None)

    # -- what makers choose with --

    def pick(self, options: Sequence[str]) -> str:
        """One of some texts."""
        return options[int(self.rng.integers(len(options)))]

    def pick_region(self, accept: Callable[[RegionContent], bool] = lambda content: True) -> int | None:
        """A known region that satisfies a condition, rather one not talked about yet."""
        fit = [k for k in range(self.known) if accept(self.regions[k])]
        fresh = [k for k in fit if k not in self.shown]
        pool = fresh if fresh and (self.options.thorough or self.rng.random() < 0.6) else fit
        return pool[int(self.rng.integers(len(pool)))] if pool else None

    def pick_object(self, accept: Callable[[SceneObject], bool] = lambda item: True) -> tuple[int, SceneObject] | None:
        """A known region of a whole object that satisfies a condition, with the object."""
        index = self.pick_region(
            lambda content: content.is_object and content.object is not None and accept(content.object)
        )
        if index is None:
            return None
        item = self.regions[index].object
        assert item is not None
        return index, item

    def pick_two(self, accept: Callable[[RegionContent], bool] = lambda content: True) -> tuple[int, int] | None:
        """Two known regions that satisfy a condition, more often in the order in which they were given."""
        fit = [k for k in range(self.known) if accept(self.regions[k])]
        if len(fit) < 2:
            return None
        first, second = self.rng.choice(len(fit), 2, replace=False)
        if self.rng.random() < 0.6:
            first, second = min(first, second), max(first, second)
        return fit[int(first)], fit[int(second)]

    def pick_two_objects(self) -> tuple[tuple[int, int], SceneObject, SceneObject] | None:
        """Two known regions of whole objects, with the objects."""
        two = self.pick_two(lambda content: content.is_object)
        if two is None:
            return None
        first, second = self.regions[two[0]].object, self.regions[two[1]].object
        assert first is not None
        assert second is not None
        return two, first, second

    def pick_absent(self, item: SceneObject | None = None, within_picture: bool = False) -> Thing | None:
        """A thing that is plainly not `item`, be it another one in the picture; without `item`, none in the picture."""
        if item is not None and within_picture:
            others = [o.thing for o in self.scene.objects if not is_kin(o.thing, item.thing)]
            return others[int(self.rng.integers(len(others)))] if others else None
        against = [item.thing] if item is not None else [o.thing for o in self.scene.objects]
        for _ in range(6 if self.absent else 0):
            thing = self.absent[int(self.rng.integers(len(self.absent)))]
            if not any(is_kin(thing, other) for other in against):
                return thing
        return None


QuestionMaker = Callable[[Conversation], DraftQuestion | None]
"""Makes a question of one kind about a scene, or None where none has a plain answer."""

_RARE_BOOST = 3.0
_ALLOWING: dict[str, Callable[[RegionContent], bool]] = {
    "part_of": lambda content: bool(content.part),
    "parts": lambda content: content.is_object and content.object is not None and len(content.object.parts) >= 2,
    "has_part": lambda content: content.is_object and content.object is not None and len(content.object.parts) >= 2,
    "texture": lambda content: content.object is not None and bool(content.object.texture),
}
"""Kinds that few regions allow, and which; they weigh _RARE_BOOST times as much where there is one."""


def _filled(template: str, regions: tuple[int, ...], slots: Mapping[str, str]) -> str:
    """A wording with its regions and its other words in place."""
    mentions = [f"<region{index + 1}>" for index in regions]
    for slot, mention in zip("rab" if len(regions) == 1 else "abc", mentions, strict=False):
        template = template.replace("{" + slot + "}", mention)
    template = template.replace("{all}", listing(mentions)).replace("{or}", listing(mentions).replace(" and ", " or "))
    for slot, word in slots.items():
        template = template.replace("{" + slot + "}", word)
    return template
