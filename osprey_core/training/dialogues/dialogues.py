"""Questions and true answers about made scenes.

`sample(seed, options, atlas)` makes a picture, selects regions in it and holds a conversation of one to seven turns.
Every answer is computed from the scene; a question whose answer is not plain (something half left, half in the
middle) is not asked. It knows no tokens: regions are spelt `<region1>`, `<region2>` …, counted from 1.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from osprey_core.training.art import Atlas
from osprey_core.training.dialogues import phrasings as say
from osprey_core.training.dialogues.kinds import KIND_WEIGHTS, Kinds, weighted
from osprey_core.training.scenes.backgrounds import BACKGROUND_NAMES
from osprey_core.training.scenes.colors import color_shares, possible_colors
from osprey_core.training.scenes.drawn import OBJECTS, SHAPES, Rng, draw_object
from osprey_core.training.scenes.hand_masks import hand_mask
from osprey_core.training.scenes.names import Thing, plural, things, with_article
from osprey_core.training.scenes.scene import BackgroundRegion, Scene, SceneObject, SceneOptions, make_scene

EVALUATION_SEEDS = range(1_000_000_000, 1_100_000_000)
"""Seeds that training never uses."""

SEVERAL_REGIONS = frozenset({
    "relation", "which_larger", "which_side", "order", "same_kind", "these", "front",
})  # fmt: skip
"""Kinds that need two regions or more; they weigh SEVERAL_BOOST times as much where there are as many."""
SEVERAL_BOOST = 3.0
_SPECIAL_BOOST = 3.0  # likewise for kinds that only few regions allow (parts, patterns)

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


@dataclass(frozen=True)
class DialogueOptions:
    """What a sample is made of."""

    scene: SceneOptions = field(default_factory=SceneOptions)
    max_turns: int = 7
    single_turn_share: float = 0.4
    exact_masks: bool = False
    kinds: Kinds = ()
    """Only these kinds of questions, weighed; empty: all as usual."""
    surroundings: bool = True
    """Detailed descriptions tell of neighbours, of what hides the thing, and of the background."""
    about: Literal["anything", "objects", "parts"] = "anything"
    """What regions show; in pictures without such a thing nothing is said."""
    thorough: bool = False
    """As many regions as turns, and every turn brings one and asks about it, where its kind of question can."""
    even_relations: bool = False
    """Of two regions whose relation is asked, all kinds of relation come equally often, as far as there are any.

    By chance alone nearly all pairs lie straight beside or above each other."""
    unsaid: bool = False
    """Whether something is in the picture is asked only of what the conversation has not named yet, and only as long
    as something in the picture is left to name: the answer is then to be seen, and never to be read."""

    def __post_init__(self) -> None:
        if not 1 <= self.max_turns <= 12:
            raise ValueError(f"max_turns is {self.max_turns}: give 1..12")
        unknown = {choice.kind for choice in weighted(self.kinds)} - set(KIND_WEIGHTS)
        if unknown:
            raise ValueError(f"kinds has {sorted(unknown)}: choose from {sorted(KIND_WEIGHTS)}")
        if self.about not in ("anything", "objects", "parts"):
            raise ValueError(f"about is {self.about!r}: choose anything, objects or parts")


@dataclass(frozen=True)
class DialogueTurn:
    """One question with its answer; accepted are other answers as right, regions the 0-based masks it is about.

    known_regions is how many masks had been given when the question was asked.
    """

    kind: str
    question: str
    answer: str
    known_regions: int
    accepted: tuple[str, ...] = ()
    regions: tuple[int, ...] = ()


@dataclass(frozen=True)
class DialogueSample:
    """A picture uint8 (H, W, 3), masks bool (H, W) and the conversation about them."""

    image: np.ndarray
    masks: list[np.ndarray]
    dialogue: list[DialogueTurn]
    scene: Scene
    region_names: list[str]
    """What each mask shows ("dog", "wheels", "sky"), by its category word."""

    @property
    def turns(self) -> list[tuple[str, str]]:
        """The conversation as bare (question, answer) pairs."""
        return [(turn.question, turn.answer) for turn in self.dialogue]

    @property
    def kinds(self) -> list[str]:
        return [turn.kind for turn in self.dialogue]

    @property
    def known_regions(self) -> list[int]:
        """How many masks had been given at each turn."""
        return [turn.known_regions for turn in self.dialogue]


def sample(seed: int, options: DialogueOptions | None = None, atlas: Atlas | None = None) -> DialogueSample:
    """One picture with masks and a conversation; the same arguments give the same sample."""
    return samples(seed, 1, options, atlas)[0]


def samples(
    seed: int, count: int, options: DialogueOptions | None = None, atlas: Atlas | None = None
) -> list[DialogueSample]:
    """Several conversations about one picture, each with masks of its own; the first is `sample(seed)`."""
    options = options or DialogueOptions()
    found: list[DialogueSample] = []
    for attempt in range(20):
        scene = make_scene(seed + attempt * 7_368_787_000_003, options.scene, atlas)
        if not scene.objects:
            continue
        for number in range(2 * count + 4):
            made = sample_about(scene, (seed, attempt, number), options, atlas)
            if made is not None:
                found.append(made)
            if len(found) == count:
                return found
        found = []
    raise AssertionError(f"no conversation found for seed {seed}")


def sample_about(
    scene: Scene, seeds: Sequence[int], options: DialogueOptions, atlas: Atlas | None = None
) -> DialogueSample | None:
    """One conversation about a given picture, or None where none of the wanted kinds has a plain answer in it."""
    talk = _Talk(scene, np.random.default_rng(list(seeds)), options, atlas)
    talk.hold()
    if not talk.turns:
        return None
    return DialogueSample(scene.image, talk.masks(), talk.turns, scene, talk.region_names())


def named_regions(scene: Scene, seeds: Sequence[int], atlas: Atlas | None = None) -> DialogueSample:
    """Everything in a picture as regions with names, as somebody would select it, and nothing said about it."""
    talk = _Talk(scene, np.random.default_rng(list(seeds)), DialogueOptions(), atlas)
    talk.refs = talk.all_refs()
    talk.known = len(talk.refs)
    return DialogueSample(scene.image, talk.masks(), [], scene, talk.region_names())


def region_vocabulary(atlas: Atlas | None = None) -> list[str]:
    """Every name that a region may have, sorted: the classes of the encoder's pretraining."""
    names = {*(atlas.names if atlas else ()), *OBJECTS, *SHAPES, *BACKGROUND_NAMES}
    for kind in OBJECTS:
        for seed in range(12):
            names.update(draw_object(np.random.default_rng(seed), 32, kind).part_names)
    return sorted(names)


def corpus(seed: int, options: DialogueOptions | None = None, atlas: Atlas | None = None) -> Iterator[str]:
    """Endless questions and answers, one text each, for training a tokenizer or a language model alone."""
    small = SceneOptions(short_side_px=(192, 192), effects=False, art_px=64)
    options = options or DialogueOptions(scene=small, exact_masks=True)
    while True:
        for question, answer in sample(seed, options, atlas).turns:
            yield question
            yield answer
        seed += 1


# -- what a region shows ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ref:
    """What one region shows: an object, one of its parts, or a stretch of background."""

    mask: np.ndarray
    object: SceneObject | None = None
    part: str = ""
    background: BackgroundRegion | None = None
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def is_object(self) -> bool:
        return self.object is not None and not self.part

    @property
    def is_many(self) -> bool:
        """Whether its name is plural ("wheels", "hills")."""
        name = self.part or (self.background.name if self.background else "")
        return name in _PLURALS


_PLURALS = frozenset({
    "wheels", "windows", "eyes", "ears", "arms", "legs", "fins", "sails", "petals", "leaves", "fruits", "scoops",
    "spots", "wings", "antennae", "candles", "towers", "roofs", "hills",
})  # fmt: skip
_MASS_PARTS = frozenset({"hair", "coffee", "frosting", "dough"})


def main_colors(shares: dict[str, float]) -> tuple[str, ...]:
    """The one or two colours that plainly make up a thing; empty when no such answer would be plain."""
    ranked = list(shares.items())
    if not ranked:
        return ()
    first, share = ranked[0]
    second, second_share = ranked[1] if len(ranked) > 1 else ("", 0.0)
    if share >= 0.5 and second_share <= 0.27:
        return (first,)
    if share >= 0.3 and second_share >= 0.3:
        return (first, second)
    if share >= 0.62:
        return (first,)
    return ()


def colors_said(possible: dict[str, float]) -> tuple[str, ...]:
    """Every answer to "what colour is it?" that is true of the pixels, given how many may be called by each name.

    Any one colour of 30 % or more; and such a one together with another of 15 % or more.
    """
    main = [name for name, share in possible.items() if share >= 0.3]
    there = [name for name, share in possible.items() if share >= 0.15]
    pairs = [f"{one} and {other}" for one in main for other in there if one != other]
    return (*main, *pairs)


def place_of(center_xy: tuple[float, float], size_hw: tuple[int, int]) -> tuple[str | None, str | None]:
    """Column ("left", "middle", "right") and row ("top", "middle", "bottom"); None where it is a borderline case."""
    x, y = center_xy[0] / size_hw[1], center_xy[1] / size_hw[0]

    def third(value: float, names: tuple[str, str, str]) -> str | None:
        if value <= 0.325:
            return names[0]
        if value >= 0.675:
            return names[2]
        return names[1] if 0.385 <= value <= 0.615 else None

    return third(x, ("left", "middle", "right")), third(y, ("top", "middle", "bottom"))


def place_words(column: str | None, row: str | None) -> str:
    """ "at the top left", "on the left", "at the top", "in the middle"; "" when unclear."""
    if column is None or row is None:
        return ""
    if column == row == "middle":
        return "in the middle"
    if row == "middle":
        return f"on the {column}"
    if column == "middle":
        return f"at the {row}"
    return f"at the {row} {column}"


def size_of(item: SceneObject, size_hw: tuple[int, int]) -> str | None:
    """ "small", "medium" or "large" by the box's share of the picture; None where it is a borderline case."""
    x0, y0, x1, y1 = item.full_box_xyxy
    share = math.sqrt((x1 - x0) * (y1 - y0) / (size_hw[0] * size_hw[1]))
    if share <= 0.18:
        return "small"
    if share >= 0.36:
        return "large"
    return "medium" if 0.21 <= share <= 0.32 else None


_STRAIGHT, _DIAGONAL = (
    1.73,
    1.33,
)  # at least, at most: longer side of a direction to its shorter; between, none is plain


def relation_of(first_xy: tuple[float, float], second_xy: tuple[float, float], size_hw: tuple[int, int]) -> str | None:
    """Where the first is seen from the second: "left", "right", "above", "below", or None when unclear.

    More than 30 degrees off the straight direction is unclear, as are near-equal places.
    """
    dx, dy = first_xy[0] - second_xy[0], first_xy[1] - second_xy[1]
    unit = min(size_hw)
    if abs(dx) >= 0.14 * unit and abs(dx) >= _STRAIGHT * abs(dy):
        return "left" if dx < 0 else "right"
    if abs(dy) >= 0.14 * unit and abs(dy) >= _STRAIGHT * abs(dx):
        return "above" if dy < 0 else "below"
    return None


def diagonal_of(
    first_xy: tuple[float, float], second_xy: tuple[float, float], size_hw: tuple[int, int]
) -> tuple[str, str] | None:
    """("above", "left") and the like when both directions are plain, within 8 degrees of a diagonal, else None."""
    dx, dy = first_xy[0] - second_xy[0], first_xy[1] - second_xy[1]
    unit = 0.14 * min(size_hw)
    if abs(dx) < unit or abs(dy) < unit or max(abs(dx), abs(dy)) > _DIAGONAL * min(abs(dx), abs(dy)):
        return None
    return ("above" if dy < 0 else "below"), ("left" if dx < 0 else "right")


RELATION_WORDS = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}
_OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
_NEIGHBOUR = {
    "left": "on its left", "right": "on its right", "above": "above it", "below": "below it",
}  # fmt: skip


def listing(phrases: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(phrases) < 2:
        return "".join(phrases)
    return ", ".join(phrases[:-1]) + " and " + phrases[-1]


def sentence(text: str) -> str:
    """Capital letter and full stop."""
    return text[0].upper() + text[1:] + "."


# near colours: a wrong colour of a yes/no question must not be one of these
NEAR_COLORS = {
    "red": {"pink", "orange", "brown"}, "orange": {"red", "yellow", "brown", "beige"},
    "yellow": {"orange", "beige", "brown", "green"}, "green": {"blue", "yellow"}, "blue": {"purple", "green", "gray"},
    "purple": {"blue", "pink"}, "pink": {"red", "purple", "beige"},
    "brown": {"orange", "red", "beige", "yellow", "black"},
    "black": {"gray", "brown"}, "white": {"gray", "beige"}, "gray": {"white", "black", "blue", "beige"},
    "beige": {"white", "orange", "yellow", "brown", "pink", "gray"},
}  # fmt: skip
"""Colours that somebody might take for one another."""


# -- the conversation --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """One question being made: templates hold {r}, {a}, {b} for regions; bare ones mention none."""

    templates: tuple[str, ...]
    answer: str
    accepted: tuple[str, ...] = ()
    regions: tuple[int, ...] = ()
    bare: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()
    """Other slots of the templates."""


class _Talk:
    """State of one conversation while it is being made."""

    def __init__(self, scene: Scene, rng: Rng, options: DialogueOptions, atlas: Atlas | None) -> None:
        self.scene, self.rng, self.options = scene, rng, options
        self.size_hw = scene.size_hw
        self.absent_names = _absent_names(atlas)
        self.refs = self._choose_refs()
        self.turns: list[DialogueTurn] = []
        self.known = 0
        self.shown: set[int] = set()
        self.focus: int | None = None
        self.asked: set[tuple[str, tuple[int, ...]]] = set()

    def masks(self) -> list[np.ndarray]:
        """The given masks, roughened; only as many as were known in the last turn."""
        given = self.refs[: self.known]
        if self.options.exact_masks:
            return [ref.mask for ref in given]
        return [hand_mask(self.rng, ref.mask) for ref in given]

    def region_names(self) -> list[str]:
        """Category words of the given masks."""
        return [self.name_of(ref)[0] for ref in self.refs[: self.known]]

    def hold(self) -> None:
        """Fill `turns`."""
        rng = self.rng
        few = rng.random() < self.options.single_turn_share
        wanted = 1 if few else int(rng.integers(2, self.options.max_turns + 1)) if self.options.max_turns > 1 else 1
        count = len(self.refs)
        if not count:
            return
        # either all regions are selected at once, or they are added while talking
        self.known = count if count == 1 or wanted == 1 or rng.random() < 0.55 else 1
        if self.options.thorough:
            wanted, self.known = self.options.max_turns, 1
        choices = weighted(self.options.kinds or tuple(KIND_WEIGHTS))
        weights = np.array([KIND_WEIGHTS[c.kind] * c.weight * self._boost(c.kind) for c in choices], np.float64)
        weights /= weights.sum()
        order = rng.choice(len(choices), size=wanted * 10, p=weights)
        for place in order:
            if len(self.turns) >= wanted:
                break
            if self.known < count and self.turns and rng.random() < 0.6 and not self.options.thorough:
                self.known += 1
            if self.options.thorough:
                self.known = min(count, len(self.turns) + 1)
            kind = choices[int(place)].kind
            asked = getattr(self, f"_ask_{kind}")()
            if asked is None or (
                (kind, asked.regions) in self.asked and kind not in ("presence", "is_color", "refusal")
            ):
                continue
            question = self._word(asked)
            if question is None:
                continue
            self.asked.add((kind, asked.regions))
            self._introduce(asked.regions, question)
            self.turns.append(
                DialogueTurn(kind, question, asked.answer, self.known, (asked.answer, *asked.accepted), asked.regions)
            )

    def _boost(self, kind: str) -> float:
        if kind in SEVERAL_REGIONS:
            return SEVERAL_BOOST if len(self.refs) > 1 else 1.0
        special = {
            "part_of": lambda ref: bool(ref.part),
            "parts": lambda ref: ref.is_object and len(ref.object.parts) >= 2,
            "has_part": lambda ref: ref.is_object and len(ref.object.parts) >= 2,
            "texture": lambda ref: ref.object is not None and bool(ref.object.texture),
        }.get(kind)
        return _SPECIAL_BOOST if special is not None and any(special(ref) for ref in self.refs) else 1.0

    def _choose_refs(self) -> list[Ref]:
        scene, rng = self.scene, self.rng
        count = int(rng.choice([1, 2, 3, 4, 5], p=[0.52, 0.3, 0.12, 0.04, 0.02]))
        objects = [o for o in scene.objects if o.area >= 30]
        order = [objects[k] for k in rng.permutation(len(objects))]
        refs: list[Ref] = []
        if self.options.thorough:
            return self.all_refs()[: self.options.max_turns]
        if self.options.about != "anything":
            parts = self.options.about == "parts"
            found = (self._part_ref(o) if parts else Ref(o.mask, o, shares=o.color_shares) for o in order)
            return [ref for ref in found if ref is not None][:count]
        for item in order[:count]:
            if item.parts and rng.random() < 0.35:
                ref = self._part_ref(item)
                if ref is not None:
                    refs.append(ref)
                    if len(refs) < count and rng.random() < 0.3:
                        refs.append(Ref(item.mask, item, shares=item.color_shares))
                    continue
            refs.append(Ref(item.mask, item, shares=item.color_shares))
        if scene.regions and (not refs or rng.random() < 0.09):
            region = scene.regions[int(rng.integers(len(scene.regions)))]
            refs.insert(
                0 if rng.random() < 0.5 else len(refs), Ref(region.mask, background=region, shares=region.color_shares)
            )
        return refs[: max(1, count)]

    def all_refs(self) -> list[Ref]:
        """Every object, a part of most of those that have parts, and now and then the background, in any order."""
        refs: list[Ref] = []
        for item in self.scene.objects:
            if item.area < 30:
                continue
            part = self._part_ref(item) if item.parts and self.rng.random() < 0.7 else None
            refs += [part] if part is not None else []
            if part is None or self.rng.random() < 0.6:
                refs.append(Ref(item.mask, item, shares=item.color_shares))
        if self.scene.regions and self.rng.random() < 0.25:
            region = self.scene.regions[int(self.rng.integers(len(self.scene.regions)))]
            refs.append(Ref(region.mask, background=region, shares=region.color_shares))
        return [refs[k] for k in self.rng.permutation(len(refs))]

    def _part_ref(self, item: SceneObject) -> Ref | None:
        big = [p for p in item.parts if np.count_nonzero(p.mask) >= 0.0025 * item.mask.size]
        if not big:
            return None
        part = big[int(self.rng.integers(len(big)))]
        return Ref(part.mask, item, part.name, shares=color_shares(self.scene.image, part.mask))

    # -- wording --

    def _word(self, asked: _Asked) -> str | None:
        """One of the question's wordings in which it is clear what it is about, or None."""
        rng = self.rng
        unshown = [k for k in range(self.known) if k not in self.shown]
        free = False
        if asked.bare and len(asked.regions) == 1:
            target = asked.regions[0]
            free = unshown == [target] or (not unshown and (self.focus == target or self.known == 1))
        elif asked.bare and len(asked.regions) > 1:
            free = unshown == list(asked.regions) and not self.shown
        pick_bare = free and (not asked.templates or rng.random() < 0.45)
        if not pick_bare and not asked.templates:
            return None
        if any(index >= self.known for index in asked.regions):
            return None
        bank = asked.bare if pick_bare else asked.templates
        question = bank[int(rng.integers(len(bank)))]
        if not pick_bare and asked.bare and len(asked.regions) == 1 and rng.random() < 0.12:
            # How the page asks when somebody comes back to an earlier region without naming it.
            question = f"About {{r}}: {asked.bare[int(rng.integers(len(asked.bare)))]}"
        for slot, index in zip("rab" if len(asked.regions) == 1 else "abc", asked.regions, strict=False):
            question = question.replace("{" + slot + "}", f"<region{index + 1}>")
        if "{all}" in question:
            question = question.replace("{all}", listing([f"<region{k + 1}>" for k in asked.regions]))
        if "{or}" in question:
            question = question.replace(
                "{or}", listing([f"<region{k + 1}>" for k in asked.regions]).replace(" and ", " or ")
            )
        for slot, word in asked.words:
            question = question.replace("{" + slot + "}", word)
        return self._casual(question)

    def _casual(self, question: str) -> str:
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
        self.focus = regions[0] if len(regions) == 1 else (0 if self.known == 1 else None)

    # -- phrases --

    def _pick(self, options: tuple[str, ...] | list[str]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def _any_ref(self, accept: Callable[[Ref], bool] = lambda ref: True) -> int | None:
        """A known region, preferring one not talked about yet, that satisfies a condition."""
        fit = [k for k in range(self.known) if accept(self.refs[k])]
        fresh = [k for k in fit if k not in self.shown]
        pool = fresh if fresh and (self.options.thorough or self.rng.random() < 0.6) else fit
        return pool[int(self.rng.integers(len(pool)))] if pool else None

    def _two_refs(self, accept: Callable[[Ref], bool] = lambda ref: True) -> tuple[int, int] | None:
        fit = [k for k in range(self.known) if accept(self.refs[k])]
        if len(fit) < 2:
            return None
        first, second = self.rng.choice(len(fit), 2, replace=False)
        if self.rng.random() < 0.6:
            first, second = min(first, second), max(first, second)
        return fit[int(first)], fit[int(second)]

    def color_words(self, shares: dict[str, float]) -> str:
        return " and ".join(main_colors(shares))

    def adjectives(self, item: SceneObject, size: bool = False) -> str:
        """ "small red", "blue and white", "" … with the texture for shapes."""
        words = []
        if size and (extent := size_of(item, self.size_hw)) in ("small", "large"):
            words.append(str(extent))
        texture = item.texture if item.texture != "plain" else ""
        colors = self.color_words(item.color_shares)
        if colors:
            words.append(colors)
        if texture:
            words.append(texture)
        return " ".join(words)

    def noun(self, item: SceneObject, adjectives: bool = True, size: bool = False) -> str:
        """Noun phrase without article: "small red car"."""
        words = self.adjectives(item, size) if adjectives else ""
        return f"{words} {item.thing.noun}".strip()

    def a(self, item: SceneObject, adjectives: bool = True, size: bool = False) -> str:
        return with_article(self.noun(item, adjectives, size))

    def the(self, item: SceneObject, beside: SceneObject | None = None) -> str:
        """A phrase that singles the object out where its words can: "the dog", "the red star", "another star"."""
        if beside is not None and beside.thing.noun == item.thing.noun:
            return f"another {item.thing.noun}"
        same = [o for o in self.scene.objects if o.thing.noun == item.thing.noun]
        if len(same) == 1:
            return f"the {item.thing.noun}"
        colors = self.color_words(item.color_shares)
        if colors and all(o is item or self.color_words(o.color_shares) != colors for o in same):
            return f"the {colors} {item.thing.noun}"
        return with_article(self.noun(item))

    def phrase(self, ref: Ref, size: bool = False) -> str:
        """What a region shows: "a small red car", "the wheels of a red car", "the blue sky"."""
        if ref.background is not None:
            return self.background_phrase(ref.background)
        assert ref.object is not None
        if ref.part:
            return f"the {ref.part} of {self.a(ref.object)}"
        return self.a(ref.object, size=size)

    def background_phrase(self, region: BackgroundRegion) -> str:
        colors = main_colors(region.color_shares)
        color = f"{' and '.join(colors)} " if colors else ""
        if region.name.endswith(" background"):
            kind = region.name.removesuffix(" background")
            return with_article(f"{kind} {color}background")
        return f"the {color}{region.name}"

    def the_ref(self, ref: Ref, ordinal: str = "") -> str:
        """ "the dog", "the wheels of the car", "the sky", "the first star"."""
        if ref.background is not None:
            return "the background" if ref.background.name.endswith("background") else f"the {ref.background.name}"
        assert ref.object is not None
        if ref.part:
            return f"the {ref.part} of the {ref.object.thing.noun}"
        if ordinal:
            return f"the {ordinal} {ref.object.thing.noun}"
        return f"the {ref.object.thing.noun}"

    def pair(self, first: Ref, second: Ref) -> tuple[str, str]:
        """Names of two regions that tell them apart."""
        one, two = self.the_ref(first), self.the_ref(second)
        if one != two:
            if first.object and second.object and first.object is not second.object:
                same = first.object.thing.noun == second.object.thing.noun
                if same and bool(first.part) != bool(second.part):  # a part of one airplane, and another airplane
                    return (
                        (one, f"another {two.removeprefix('the ')}")
                        if first.part
                        else (f"another {one.removeprefix('the ')}", two)
                    )
            return one, two
        if first.object is None or second.object is None or first.part or second.part:
            return f"the first {one.removeprefix('the ')}", f"the second {two.removeprefix('the ')}"
        return self.the_ref(first, "first"), self.the_ref(second, "second")

    def name_of(self, ref: Ref) -> tuple[str, tuple[str, ...]]:
        """Category word and others as right."""
        if ref.background is not None:
            name = ref.background.name
            return ("background", (name,)) if name.endswith("background") else (name, ("background",))
        assert ref.object is not None
        if ref.part:
            singular = ref.part[:-1] if ref.is_many and ref.part != "leaves" else ref.part
            return ref.part, (singular,)
        return ref.object.name, tuple(sorted(ref.object.thing.words))

    def pronoun(self, ref: Ref) -> tuple[str, str]:
        return ("They", "are") if ref.is_many else ("It", "is")

    def center(self, ref: Ref) -> tuple[float, float]:
        if ref.is_object and ref.object is not None:
            return ref.object.center_xy
        ys, xs = np.flatnonzero(ref.mask.any(1)), np.flatnonzero(ref.mask.any(0))
        return (xs[0] + xs[-1] + 1) / 2, (ys[0] + ys[-1] + 1) / 2

    def place(self, ref: Ref) -> str:
        if ref.background is not None:
            return ""
        return place_words(*place_of(self.center(ref), self.size_hw))

    # -- one region --

    def _ask_category(self) -> _Asked | None:
        k = self._any_ref()
        if k is None:
            return None
        name, others = self.name_of(self.refs[k])
        return _Asked(say.CATEGORY, name, others, (k,), say.CATEGORY_BARE)

    def _ask_what(self) -> _Asked | None:
        k = self._any_ref()
        if k is None:
            return None
        ref = self.refs[k]
        phrase = self.phrase(ref)
        many = ref.is_many
        answer = (
            f"{'These are' if many else 'This is'} {phrase}."
            if self.rng.random() < 0.3
            else f"{self.pronoun(ref)[0]} {self.pronoun(ref)[1]} {phrase}."
        )
        name, others = self.name_of(ref)
        return _Asked(say.WHAT, answer, (name, *others), (k,), say.WHAT_BARE)

    def _ask_short(self) -> _Asked | None:
        k = self._any_ref()
        if k is None:
            return None
        ref = self.refs[k]
        place = self.place(ref)
        phrase = self.phrase(ref, size=True)
        return _Asked(say.SHORT, f"{phrase} {place}".strip(), self.name_of(ref)[1], (k,), say.SHORT_BARE)

    def _ask_detailed(self) -> _Asked | None:
        k = self._any_ref()
        if k is None:
            return None
        ref = self.refs[k]
        return _Asked(say.DETAILED, self.detail(ref), self.name_of(ref)[1], (k,), say.DETAILED_BARE)

    def detail(self, ref: Ref) -> str:
        """One to four sentences about a region."""
        rng = self.rng
        place = self.place(ref)
        if ref.background is not None:
            return self._background_detail(ref.background)
        assert ref.object is not None
        item = ref.object
        they, are = self.pronoun(ref)
        lines = []
        if ref.part:
            lines.append(f"{'These are' if ref.is_many else 'This is'} {self.phrase(ref)}.")
            colors = self.color_words(ref.shares)
            if colors:
                lines.append(f"{they} {are} {colors}.")
            if place:
                lines.append(f"{they} {are} {place} of the picture.")
            return " ".join(lines)
        first = self._pick(say.DETAIL_OPENINGS)
        lines.append(first.format(a=self.a(item, size=True)))
        neighbour = self._neighbour(item) if self.options.surroundings else None
        near = ""
        if neighbour is not None:
            other, where = neighbour
            near = f"{where} {self.the(other, item)}"
        if place and near:
            lines.append(f"It is {place} of the picture, {near}.")
        elif place or near:
            lines.append(f"It is {place} of the picture." if place else f"It is {near}.")
        ranked = list(item.color_shares.items())
        if len(main_colors(item.color_shares)) == 1 and len(ranked) > 1 and ranked[1][1] >= 0.08 and rng.random() < 0.5:
            lines.append(f"It is mostly {ranked[0][0]} with some {ranked[1][0]}.")
        if item.parts and rng.random() < 0.5:
            lines.append(f"It has {listing([_part_phrase(p.name) for p in item.parts])}.")
        if not self.options.surroundings:
            return " ".join(lines)
        hidden = [self.scene.objects[d] for d in sorted(item.occluded_by)]
        if hidden and item.visible_share < 0.92:
            lines.append(f"It is partly hidden by {listing([self.the(o, item) for o in hidden[:2]])}.")
        elif rng.random() < 0.6:
            lines.append(self._backdrop())
        return " ".join(lines)

    def _background_detail(self, region: BackgroundRegion) -> str:
        phrase = self.background_phrase(region)
        verb = "These are" if region.name in _PLURALS else "This is"
        lines = [f"{verb} {phrase}."]
        objects = sorted(self.scene.objects, key=lambda o: -o.area)[:3]
        if region.name.endswith("background") and objects:
            lines.append(
                f"In front of it {'are' if len(objects) > 1 else 'is'} {listing([self.a(o) for o in objects])}."
            )
        else:
            lines.append(
                "It is part of the background of the picture."
                if region.name not in _PLURALS
                else "They are part of the background of the picture."
            )
        return " ".join(lines)

    def _neighbour(self, item: SceneObject) -> tuple[SceneObject, str] | None:
        """The nearest other object and how this one lies to it ("to the left of"), if that is plain."""
        front = [o for o in self.scene.objects if item.depth in o.occluded_by]
        if front and self.rng.random() < 0.6:
            return front[0], "in front of"
        ranked = sorted(
            (o for o in self.scene.objects if o is not item),
            key=lambda o: math.dist(o.center_xy, item.center_xy),
        )
        for other in ranked[:2]:
            relation = relation_of(item.center_xy, other.center_xy, self.size_hw)
            if relation:
                return other, RELATION_WORDS[relation]
        return None

    def _backdrop(self) -> str:
        return f"The background is {self._backdrop_words()}."

    def _backdrop_words(self) -> str:
        names = [r.name for r in self.scene.regions]
        if len(names) == 1 and names[0].endswith("background"):
            region = self.scene.regions[0]
            color = self.color_words(region.color_shares)
            kind = names[0].removesuffix(" background")
            return f"{kind} and {color}" if color and " and " not in color else kind
        if self.scene.background == "room":
            return "a room"
        if not names:
            return "hardly visible"
        return f"a {self.scene.background} with {listing(names)}"

    def _ask_color(self) -> _Asked | None:
        k = self._any_ref(lambda ref: bool(main_colors(ref.shares)))
        if k is None:
            return None
        ref = self.refs[k]
        colors = self.color_words(ref.shares)
        they, are = self.pronoun(ref)
        if self.rng.random() < 0.5:
            answer = f"{they} {are} {colors}."
        else:
            answer = sentence(f"{self.the_ref(ref)} {are} {colors}")
        accepted = (colors, *main_colors(ref.shares), *colors_said(possible_colors(self.scene.image, ref.mask)))
        return _Asked(say.COLOR, answer, tuple(dict.fromkeys(accepted)), (k,), say.COLOR_BARE)

    def _ask_position(self) -> _Asked | None:
        k = self._any_ref(lambda ref: bool(self.place(ref)))
        if k is None:
            return None
        ref = self.refs[k]
        they, are = self.pronoun(ref)
        place = self.place(ref)
        tail = self._pick(("", " of the picture"))
        subject = they if self.rng.random() < 0.6 else self.the_ref(ref)
        return _Asked(say.POSITION, sentence(f"{subject} {are} {place}{tail}"), (place,), (k,), say.POSITION_BARE)

    def _ask_size(self) -> _Asked | None:
        k = self._any_ref(
            lambda ref: ref.object is not None and ref.is_object and size_of(ref.object, self.size_hw) is not None
        )
        if k is None:
            return None
        item = self.refs[k].object
        assert item is not None
        extent = size_of(item, self.size_hw)
        words = {"small": "small", "medium": "medium-sized", "large": "large"}[str(extent)]
        return _Asked(say.SIZE, f"It is {words}.", (words, str(extent)), (k,), say.SIZE_BARE)

    def _ask_texture(self) -> _Asked | None:
        k = self._any_ref(lambda ref: ref.object is not None and bool(ref.object.texture))
        if k is None:
            return None
        item = self.refs[k].object
        assert item is not None
        if self.rng.random() < 0.45:
            return _Asked(say.SHAPE, f"It is {with_article(item.thing.noun)}.", (item.name,), (k,), say.SHAPE_BARE)
        return _Asked(say.TEXTURE, f"It is {item.texture}.", (item.texture,), (k,), say.TEXTURE_BARE)

    def _ask_use_group(self) -> _Asked | None:
        k = self._any_ref(
            lambda ref: ref.object is not None and ref.is_object and ref.object.thing.group in _GROUP_NAMES
        )
        if k is None:
            return None
        item = self.refs[k].object
        assert item is not None
        truth = _GROUP_NAMES[item.thing.group]
        if self.rng.random() < 0.5:
            asked, answer = truth, f"Yes, it is {with_article(item.thing.noun)}."
        else:
            near = {"animal", "bird", "insect"}
            others = [g for g in _GROUP_NAMES.values() if g != truth and not (g in near and truth in near)]
            others = [
                g
                for g in others
                if {g, truth} != {"fruit", "plant"}
                and {g, truth} != {"vegetable", "plant"}
                and not {g, truth} <= _EDIBLE
            ]
            asked, answer = self._pick(others), f"No, it is {with_article(item.thing.noun)}."
        return _Asked(
            say.IS_GROUP, answer, (answer.split(",")[0],), (k,), say.IS_GROUP_BARE, (("x", with_article(asked)),)
        )

    def _ask_is_color(self) -> _Asked | None:
        k = self._any_ref(lambda ref: len(main_colors(ref.shares)) == 1)
        if k is None:
            return None
        ref = self.refs[k]
        truth = main_colors(ref.shares)[0]
        they, are = self.pronoun(ref)
        it = they.lower()
        if self.rng.random() < 0.5:
            asked, answer = truth, f"Yes, {it} {are} {truth}."
        else:
            wrong = [
                c for c in NEAR_COLORS if c != truth and c not in NEAR_COLORS[truth] and ref.shares.get(c, 0.0) < 0.08
            ]
            if not wrong:
                return None
            asked, answer = self._pick(wrong), f"No, {it} {are} {truth}."
        verb = "Are" if ref.is_many else "Is"
        return _Asked(
            say.IS_COLOR, answer, (answer.split(",")[0],), (k,), say.IS_COLOR_BARE if verb == "Is" else (),
            (("x", asked), ("Is", verb)),
        )  # fmt: skip

    def _ask_is_category(self) -> _Asked | None:
        k = self._any_ref(lambda ref: ref.is_object)
        if k is None:
            return None
        item = self.refs[k].object
        assert item is not None
        if self.rng.random() < 0.5:
            asked = self._called(item.thing)
            answer = f"Yes, it is {with_article(item.thing.noun)}."
        else:
            found = self._absent(item, within_picture=self.rng.random() < 0.4)
            if found is None:
                return None
            asked, answer = found.noun, f"No, it is {with_article(item.thing.noun)}."
        return _Asked(
            say.IS_CATEGORY, answer, (answer.split(",")[0],), (k,), say.IS_CATEGORY_BARE, (("x", with_article(asked)),)
        )

    def _ask_is_position(self) -> _Asked | None:
        k = self._any_ref(lambda ref: ref.background is None)
        if k is None:
            return None
        ref = self.refs[k]
        column, row = place_of(self.center(ref), self.size_hw)
        they, are = self.pronoun(ref)
        choices = [word for word in (column, row) if word in ("left", "right", "top", "bottom")]
        if not choices:
            return None
        truth = self._pick(choices)
        where = {"left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom"}
        opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[truth]
        right = self.rng.random() < 0.5
        asked = where[truth] if right else where[opposite]
        answer = f"{'Yes' if right else 'No'}, {they.lower()} {are} {where[truth]}."
        verb = "Are" if ref.is_many else "Is"
        return _Asked(
            say.IS_POSITION, answer, (answer.split(",")[0],), (k,), say.IS_POSITION_BARE if verb == "Is" else (),
            (("x", asked), ("Is", verb)),
        )  # fmt: skip

    def _ask_part_of(self) -> _Asked | None:
        k = self._any_ref(lambda ref: bool(ref.part))
        if k is None:
            return None
        ref = self.refs[k]
        assert ref.object is not None
        they, are = self.pronoun(ref)
        answer = f"{they} {are} part of {self.a(ref.object)}."
        return _Asked(say.PART_OF, answer, (ref.object.name, ref.object.thing.noun), (k,), say.PART_OF_BARE)

    def _ask_parts(self) -> _Asked | None:
        k = self._any_ref(lambda ref: ref.is_object and ref.object is not None and len(ref.object.parts) >= 2)
        if k is None:
            return None
        item = self.refs[k].object
        assert item is not None
        answer = f"It has {listing([_part_phrase(p.name) for p in item.parts])}."
        return _Asked(say.PARTS, answer, (), (k,), say.PARTS_BARE)

    def _ask_has_part(self) -> _Asked | None:
        k = self._any_ref(lambda ref: ref.is_object and ref.object is not None and len(ref.object.parts) >= 2)
        if k is None:
            return None
        item = self.refs[k].object
        assert item is not None
        have = [p.name for p in item.parts]
        if self.rng.random() < 0.5:
            part = self._pick([p for p in have if p not in ("body", "wall")] or have)
            answer = f"Yes, it has {_part_phrase(part)}."
        else:
            absent = [p for p in _ASKABLE_PARTS if p.rstrip("s") not in _possible_parts(item.name)]
            part = self._pick(absent)
            answer = f"No, it has no {part}."
        return _Asked(
            say.HAS_PART, answer, (answer.split(",")[0],), (k,), say.HAS_PART_BARE, (("x", _part_phrase(part)),)
        )

    # -- several regions --

    def _ask_relation(self) -> _Asked | None:
        two = self._two_refs() if not self.options.even_relations else self._two_related()
        if two is None:
            return None
        first, second = self.refs[two[0]], self.refs[two[1]]
        text = self._relation_text(first, second)
        return None if text is None else _Asked(say.RELATION, text, (), two)

    def _two_related(self) -> tuple[int, int] | None:
        """Two known regions: first a kind of relation by chance, then two of that kind."""
        pairs: dict[str, list[tuple[int, int]]] = {}
        for one, two in itertools.permutations(range(self.known), 2):
            kind = self._relation_kind(self.refs[one], self.refs[two])
            if kind is not None:
                pairs.setdefault(kind, []).append((one, two))
        if not pairs:
            return None
        found = pairs[self._pick(sorted(pairs))]
        return found[int(self.rng.integers(len(found)))]

    def _relation_kind(self, first: Ref, second: Ref) -> str | None:
        """ "ground", "part", "depth", "straight" or "diagonal"; None where nothing about the two is plain."""
        if first.background is not None or second.background is not None:
            return "ground" if first.background is None or second.background is None else None
        a, b = first.object, second.object
        assert a is not None
        assert b is not None
        if a is b and bool(first.part) != bool(second.part):
            return "part"
        if a is not b and not first.part and not second.part and (b.depth in a.occluded_by or a.depth in b.occluded_by):
            return "depth"
        where = self.center(first), self.center(second), self.size_hw
        if relation_of(*where) is not None:
            return "straight"
        return None if diagonal_of(*where) is None else "diagonal"

    def _relation_text(self, first: Ref, second: Ref) -> str | None:
        kind = self._relation_kind(first, second)
        if kind is None:
            return None
        one, two = self.pair(first, second)
        verb = "are" if first.is_many else "is"
        if kind == "ground":
            return sentence(f"{one} {verb} {'in front of' if first.background is None else 'behind'} {two}")
        a, b = first.object, second.object
        assert a is not None
        assert b is not None
        if kind == "part" and first.part:
            return sentence(f"the {first.part} {verb} part of {two}")
        if kind == "part":
            return sentence(f"the {second.part} {'are' if second.is_many else 'is'} part of {one}")
        if kind == "depth":
            return sentence(f"{one} {verb} {'behind' if b.depth in a.occluded_by else 'in front of'} {two}")
        where = self.center(first), self.center(second), self.size_hw
        straight, both = relation_of(*where), diagonal_of(*where)
        if straight is not None:
            text = sentence(f"{one} {verb} {RELATION_WORDS[straight]} {two}")
        else:
            assert both is not None
            text = sentence(f"{one} {verb} {both[0]} and {RELATION_WORDS[both[1]]} {two}")
        if first.is_object and second.is_object and self.rng.random() < 0.5:
            bigger = _bigger(a, b)
            if bigger:
                text += f" It is {bigger} than {two}."
        return text

    def _ask_which_larger(self) -> _Asked | None:
        two = self._two_refs(lambda ref: ref.is_object)
        if two is None:
            return None
        a, b = self.refs[two[0]].object, self.refs[two[1]].object
        assert a is not None
        assert b is not None
        bigger = _bigger(a, b)
        if bigger is None:
            return None
        one, other = self.pair(self.refs[two[0]], self.refs[two[1]])
        draw = self.rng.random()
        if draw < 0.35:
            larger, smaller = (one, other) if bigger == "larger" else (other, one)
            return _Asked(say.WHICH_LARGER, sentence(f"{larger} is larger than {smaller}"), (larger,), two)
        if draw < 0.6:
            larger, smaller = (one, other) if bigger == "larger" else (other, one)
            return _Asked(say.WHICH_SMALLER, sentence(f"{smaller} is smaller than {larger}"), (smaller,), two)
        asked = "larger" if self.rng.random() < 0.5 else "smaller"
        yes = "Yes" if asked == bigger else "No"
        return _Asked(say.IS_LARGER, f"{yes}, {one} is {bigger} than {other}.", (yes,), two, (), (("x", asked),))

    def _ask_which_side(self) -> _Asked | None:
        two = self._two_refs(lambda ref: ref.background is None)
        if two is None or self.refs[two[0]].object is self.refs[two[1]].object:
            return None
        first, second = self.refs[two[0]], self.refs[two[1]]
        relation = relation_of(self.center(first), self.center(second), self.size_hw)
        if relation is None:
            return None
        one, other = self.pair(first, second)
        if self.rng.random() < 0.5:
            asked = relation if self.rng.random() < 0.5 else _OPPOSITE[relation]
            yes = "Yes" if asked == relation else "No"
            verb = "are" if first.is_many else "is"
            return _Asked(
                say.IS_RELATION, f"{yes}, {one} {verb} {RELATION_WORDS[relation]} {other}.", (yes,), two, (),
                (("x", RELATION_WORDS[asked]), ("Is", verb.capitalize())),
            )  # fmt: skip
        side = relation if self.rng.random() < 0.5 else _OPPOSITE[relation]
        winner, ref = (one, first) if side == relation else (other, second)
        words = {"left": "further left", "right": "further right", "above": "higher", "below": "lower"}[side]
        return _Asked(
            say.WHICH_SIDE, sentence(f"{winner} {'are' if ref.is_many else 'is'} {words}"), (winner,), two, (),
            (("x", words),),
        )  # fmt: skip

    def _ask_front(self) -> _Asked | None:
        two = self._two_refs(lambda ref: ref.is_object)
        if two is None:
            return None
        a, b = self.refs[two[0]].object, self.refs[two[1]].object
        assert a is not None
        assert b is not None
        if a.depth in b.occluded_by:
            front, back = 0, 1
        elif b.depth in a.occluded_by:
            front, back = 1, 0
        else:
            return None
        names = self.pair(self.refs[two[0]], self.refs[two[1]])
        return _Asked(say.FRONT, sentence(f"{names[front]} is in front of {names[back]}"), (names[front],), two)

    def _ask_order(self) -> _Asked | None:
        fit = [k for k in range(self.known) if self.refs[k].is_object]
        if len(fit) < 3:
            return None
        chosen = tuple(int(fit[k]) for k in sorted(self.rng.choice(len(fit), 3, replace=False)))
        items = [self.refs[k].object for k in chosen]
        names = [self.the_ref(self.refs[k]) for k in chosen]
        if len(set(names)) < 3:
            return None
        boxes = [item.full_box_xyxy for item in items if item is not None]
        by_size = self.rng.random() < 0.5
        if by_size:
            values = [-math.sqrt((x1 - x0) * (y1 - y0)) for x0, y0, x1, y1 in boxes]
            order = sorted(range(3), key=values.__getitem__)
            if any(values[order[k]] > values[order[k + 1]] * 1.25 for k in range(2)):
                return None
            if self.rng.random() < 0.4:
                largest = names[order[0]]
                return _Asked(say.LARGEST, sentence(f"{largest} is the largest"), (largest,), chosen)
            return _Asked(
                say.ORDER_SIZE, sentence(f"from largest to smallest: {listing([names[k] for k in order])}"), (), chosen
            )
        values = [(x0 + x1) / 2 for x0, _, x1, _ in boxes]
        order = sorted(range(3), key=values.__getitem__)
        if any(values[order[k + 1]] - values[order[k]] < 0.08 * self.size_hw[1] for k in range(2)):
            return None
        if self.rng.random() < 0.4:
            left = self.rng.random() < 0.5
            winner = names[order[0 if left else 2]]
            word = "left" if left else "right"
            return _Asked(
                say.OUTERMOST, sentence(f"{winner} is the furthest {word}"), (winner,), chosen, (), (("x", word),)
            )
        return _Asked(say.ORDER_SIDE, sentence(f"from left to right: {listing([names[k] for k in order])}"), (), chosen)

    def _ask_same_kind(self) -> _Asked | None:
        two = self._two_refs(lambda ref: ref.is_object)
        if two is None:
            return None
        a, b = self.refs[two[0]].object, self.refs[two[1]].object
        assert a is not None
        assert b is not None
        if a is b:
            return None
        if a.name == b.name:
            answer = f"Yes, both are {plural(a.thing.noun)}."
        elif is_kin(a.thing, b.thing):
            return None
        else:
            answer = f"No, the first is {with_article(a.thing.noun)} and the second is {with_article(b.thing.noun)}."
        return _Asked(say.SAME_KIND, answer, (answer.split(",")[0],), two)

    def _ask_these(self) -> _Asked | None:
        if self.known < 2:
            return None
        chosen = tuple(range(self.known))
        phrases = [self.phrase(self.refs[k]) for k in chosen]
        return _Asked(say.THESE, sentence(listing(phrases)), (), chosen, say.THESE_BARE)

    # -- around a region --

    def _ask_direction(self) -> _Asked | None:
        k = self._any_ref(lambda ref: ref.is_object)
        if k is None:
            return None
        item = self.refs[k].object
        assert item is not None
        side = self._pick(("left", "right", "above", "below"))
        found = []
        for other in self.scene.objects:
            if other is item:
                continue
            relation = relation_of(other.center_xy, item.center_xy, self.size_hw)
            if relation is None:
                return None
            if relation == side:
                found.append(other)
        words = RELATION_WORDS[side]
        if not found:
            if self.rng.random() < 0.6:
                return None
            answer = f"There is nothing {words} it." if side in ("left", "right") else f"There is nothing {side} it."
            return _Asked(say.DIRECTION, answer, ("nothing",), (k,), say.DIRECTION_BARE, (("x", words),))
        if len(found) > 3:
            return None
        found.sort(key=lambda o: math.dist(o.center_xy, item.center_xy))
        things_there = listing([self.a(o) for o in found])
        answer = (
            sentence(things_there)
            if self.rng.random() < 0.5
            else f"There {'are' if len(found) > 1 else 'is'} {things_there} {words} it."
        )
        return _Asked(say.DIRECTION, answer, (found[0].name,), (k,), say.DIRECTION_BARE, (("x", words),))

    def _ask_around(self) -> _Asked | None:
        k = self._any_ref(lambda ref: ref.is_object)
        if k is None:
            return None
        item = self.refs[k].object
        assert item is not None
        others = sorted(
            (o for o in self.scene.objects if o is not item), key=lambda o: math.dist(o.center_xy, item.center_xy)
        )
        if not others:
            answer = f"There is nothing else around it. {self._backdrop()}"
            return _Asked(say.AROUND, answer, ("nothing",), (k,), say.AROUND_BARE)
        sides: dict[str, list[str]] = {}
        for other in others[:3]:
            relation = relation_of(other.center_xy, item.center_xy, self.size_hw)
            if relation is not None:
                sides.setdefault(_NEIGHBOUR[relation], []).append(self.a(other))
        if not sides:
            return None
        found = listing([f"{listing(names)} {side}" for side, names in sides.items()])
        verb = "are" if len(next(iter(sides.values()))) > 1 else "is"
        return _Asked(say.AROUND, f"There {verb} {found}.", (), (k,), say.AROUND_BARE)

    # -- the whole picture --

    def _ask_picture(self) -> _Asked | None:
        return _Asked(say.PICTURE, self.describe_picture())

    def describe_picture(self) -> str:
        """One sentence naming everything, from left to right, and the background."""
        groups: dict[str, list[SceneObject]] = {}
        for item in sorted(self.scene.objects, key=lambda o: o.center_xy[0]):
            groups.setdefault(item.thing.noun, []).append(item)
        phrases = []
        for noun, items in groups.items():
            if len(items) == 1:
                phrases.append(self.a(items[0]))
            else:
                phrases.append(f"{NUMBERS[len(items)]} {plural(noun)}")
        where = ""
        names = [r.name for r in self.scene.regions]
        if len(names) == 1 and names[0].endswith("background"):
            where = f" on {self.background_phrase(self.scene.regions[0])}"
        elif self.scene.background == "room":
            where = " in a room"
        elif names:
            where = f" in a {self.scene.background} with {listing(names)}"
        if self.rng.random() < 0.5:
            return sentence(f"{listing(phrases)}{where}")
        return sentence(f"the picture shows {listing(phrases)}{where}")

    def _ask_background(self) -> _Asked | None:
        if not self.scene.regions:
            return None
        region = self.scene.regions[0]
        if len(self.scene.regions) == 1 and region.name.endswith("background"):
            answer = f"It is {self.background_phrase(region)}."
        else:
            answer = f"It is {self._backdrop_words()}."
        return _Asked(say.BACKGROUND, answer)

    def _ask_count(self) -> _Asked | None:
        objects = self.scene.objects
        if self.rng.random() < 0.15:
            number = len(objects)
            verb = "is" if number == 1 else "are"
            answer = f"There {verb} {NUMBERS[number]} {'thing' if number == 1 else 'things'} in the picture."
            return _Asked(say.COUNT_THINGS, answer, (NUMBERS[number], str(number)))
        if self.rng.random() < 0.85:
            several = [o for o in objects if sum(p.name == o.name for p in objects) > 1]
            pool = several if several and self.rng.random() < 0.6 else list(objects)
            thing = pool[int(self.rng.integers(len(pool)))].thing
        else:
            found = self._absent(None)
            if found is None:
                return None
            thing = found
        if any(o.name != thing.name and is_kin(o.thing, thing) for o in objects):
            return None
        number = sum(o.name == thing.name for o in objects)
        many = plural(thing.noun)
        noun = thing.noun if number == 1 else many
        answer = f"There {'is' if number == 1 else 'are'} {NUMBERS[number]} {noun} in the picture."
        return _Asked(say.COUNT, answer, (NUMBERS[number], str(number)), (), (), (("x", many),))

    def _ask_presence(self) -> _Asked | None:
        objects = [item for item in self.scene.objects if not self._is_given_away(item.thing)]
        if not objects:
            return None
        if self.rng.random() < 0.5:
            item = objects[int(self.rng.integers(len(objects)))]
            number = sum(o.name == item.name for o in self.scene.objects)
            own = item.thing.noun
            noun = self._called(item.thing)
            answer = (
                f"Yes, there is {with_article(own)}."
                if number == 1
                else f"Yes, there are {NUMBERS[number]} {plural(own)}."
            )
        else:
            found = self._absent(None)
            if found is None or self._is_given_away(found):
                return None
            noun = found.noun
            answer = f"No, there is no {noun} in the picture."
        return _Asked(say.PRESENCE, answer, (answer.split(",")[0],), (), (), (("x", with_article(noun)),))

    def _ask_named_color(self) -> _Asked | None:
        item = self._unique(lambda o: bool(main_colors(o.color_shares)))
        if item is None:
            return None
        colors = self.color_words(item.color_shares)
        noun = item.thing.noun
        return _Asked(
            say.NAMED_COLOR, f"The {noun} is {colors}.", (colors, *main_colors(item.color_shares)), (), (),
            (("x", f"the {noun}"),),
        )  # fmt: skip

    def _ask_named_position(self) -> _Asked | None:
        item = self._unique(lambda o: bool(place_words(*place_of(o.center_xy, self.size_hw))))
        if item is None:
            return None
        place = place_words(*place_of(item.center_xy, self.size_hw))
        noun = item.thing.noun
        return _Asked(say.NAMED_POSITION, f"The {noun} is {place}.", (place,), (), (), (("x", f"the {noun}"),))

    def _ask_refusal(self) -> _Asked | None:
        k = self._any_ref()
        if k is None:
            return None
        return _Asked(say.REFUSAL, self._pick(say.REFUSAL_ANSWERS), say.REFUSAL_ANSWERS, (k,), say.REFUSAL_BARE)

    # -- what is not there --

    def _unique(self, accept: Callable[[SceneObject], bool]) -> SceneObject | None:
        objects = self.scene.objects
        fit = [
            o
            for o in objects
            if accept(o) and not o.texture and not any(p is not o and is_kin(p.thing, o.thing) for p in objects)
        ]
        return fit[int(self.rng.integers(len(fit)))] if fit else None

    def _is_given_away(self, thing: Thing) -> bool:
        """Whether any turn so far holds one of the thing's names, be it in the plural, where that matters."""
        if not self.options.unsaid:
            return False
        said = " ".join(f"{turn.question} {turn.answer}" for turn in self.turns).lower()
        return any(re.search(rf"\b{re.escape(word)}", said) for word in thing.words)

    def _called(self, thing: Thing) -> str:
        """The thing's noun, or now and then another word for it that takes "a"."""
        usable = [w for w in thing.synonyms if not w.endswith("s") and w not in _NO_ARTICLE]
        return self._pick(usable) if usable and self.rng.random() < 0.25 else thing.noun

    def _absent(self, item: SceneObject | None, within_picture: bool = False) -> Thing | None:
        """A thing that is plainly not `item` (or, without one, plainly not in the picture)."""
        if item is not None and within_picture:
            others = [o.thing for o in self.scene.objects if not is_kin(o.thing, item.thing)]
            return others[int(self.rng.integers(len(others)))] if others else None
        against = [item.thing] if item is not None else [o.thing for o in self.scene.objects]
        for _ in range(6):
            found = self.absent_names[int(self.rng.integers(len(self.absent_names)))]
            if not any(is_kin(found, other) for other in against):
                return found
        return None


def is_kin(a: Thing, b: Thing) -> bool:
    """Whether somebody might call both by one word, so that counting or denying would be disputable."""
    if a.name == b.name or a.words & b.words:
        return True
    return bool(_tokens(a) & _tokens(b))


def _tokens(thing: Thing) -> frozenset[str]:
    found = _TOKENS.get(thing)
    if found is None:
        words = {w.rstrip("s") for phrase in thing.words for w in phrase.split()}
        found = frozenset(words - {"of", "and", "with", "a", "pair", "piece", "bunch", "group", "stack", "set"})
        _TOKENS[thing] = found
    return found


_TOKENS: dict[Thing, frozenset[str]] = {}

_NO_ARTICLE = frozenset({
    "soup", "ramen", "paella", "tea", "green tea", "money", "cash", "rope", "pasta", "tennis", "bowling", "ping pong",
    "muscle", "ice", "lightning", "bag of money", "paper", "grain", "film", "lettuce", "chili", "santa claus", "meat",
})  # fmt: skip
_ABSENT_GROUPS = frozenset({
    "animal", "bird", "insect", "fruit", "vegetable", "food", "sweet", "drink", "vehicle", "instrument", "tool",
    "sports thing", "clothing", "device", "toy", "kitchen thing", "building", "plant", "character", "household thing",
})  # fmt: skip
# disputable when something similar is drawn as a part or a background
_NEVER_ABSENT = frozenset({"face", "window", "door", "green leaf", "fallen leaf", "maple leaf", "bed", "brick", "rock"})


def _absent_names(atlas: Atlas | None) -> list[Thing]:
    key = id(atlas)
    found = _ABSENT.get(key)
    if found is None:
        vocabulary = things()
        names = [n for n in (atlas.names if atlas else ()) if n in vocabulary]
        names += [n for n in OBJECTS if n not in names]
        found = [
            thing
            for name in names
            if (thing := vocabulary.get(name) or Thing(name, name, OBJECTS[name][0])).group in _ABSENT_GROUPS
            and name not in _NEVER_ABSENT
        ]
        found += [Thing(name, name, "shape") for name in SHAPES if name not in names and name != "ring"]
        _ABSENT[key] = found
    return found


_ABSENT: dict[int, list[Thing]] = {}

_GROUP_NAMES = {
    "animal": "animal", "bird": "bird", "insect": "insect", "fruit": "fruit", "vegetable": "vegetable",
    "vehicle": "vehicle", "building": "building", "plant": "plant", "instrument": "musical instrument", "tool": "tool",
    "shape": "shape", "drink": "drink", "food": "food",
}  # fmt: skip
_GROUP_NAMES.pop("food")
_EDIBLE = frozenset({"fruit", "vegetable", "drink", "plant"})

_ASKABLE_PARTS = (
    "wheels",
    "windows",
    "wings",
    "legs",
    "petals",
    "roof",
    "handle",
    "sails",
    "hat",
    "tail",
    "chimney",
    "beak",
)


def _possible_parts(name: str) -> set[str]:
    """Parts (singular) that a kind may show; sprites have none listed, so only drawn objects are asked."""
    return {
        "house": {"roof", "window", "chimney", "wall", "door"}, "castle": {"roof", "window", "tower", "wall"},
        "car": {"wheel", "window", "roof"}, "bus": {"wheel", "window", "roof"}, "truck": {"wheel", "window", "roof"},
        "train": {"wheel", "window", "roof", "chimney"}, "sailboat": {"sail"}, "rocket": {"window", "wing", "tail"},
        "airplane": {"wing", "window", "tail", "wheel"}, "bicycle": {"wheel", "handle"}, "robot": {"leg"},
        "snowman": {"hat"}, "flower": {"petal"}, "fish": {"tail"}, "bird": {"leg", "tail", "wing", "beak"},
        "butterfly": {"wing", "leg"}, "chair": {"leg"}, "table": {"leg"}, "mug": {"handle"}, "umbrella": {"handle"},
    }.get(name, set())  # fmt: skip


def _part_phrase(part: str) -> str:
    """ "a roof", "windows", "hair"."""
    return part if part in _PLURALS or part in _MASS_PARTS else with_article(part)


def _bigger(a: SceneObject, b: SceneObject) -> str | None:
    """ "larger" or "smaller" when one box is at least one and a half times as large as the other."""
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a.full_box_xyxy, b.full_box_xyxy
    ratio = (ax1 - ax0) * (ay1 - ay0) / ((bx1 - bx0) * (by1 - by0))
    if ratio >= 1.6:
        return "larger"
    return "smaller" if ratio <= 1 / 1.6 else None
