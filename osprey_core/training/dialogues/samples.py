"""Questions and true answers about made scenes: a picture, masks of regions in it, and a conversation about them.

`sample(seed, options, atlas)` makes a picture, selects regions in it and holds a conversation of one to seven turns.
Every answer is computed from the scene. It knows no tokens: regions are spelt `<region1>`, `<region2>` …, from 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from osprey_core.training.art import Atlas
from osprey_core.training.dialogues.absent import absent_things
from osprey_core.training.dialogues.conversation import Conversation, DialogueTurn
from osprey_core.training.dialogues.options import DialogueOptions
from osprey_core.training.dialogues.questions import QUESTION_MAKERS
from osprey_core.training.dialogues.region_content import choose_regions, every_region
from osprey_core.training.scenes.backgrounds import BACKGROUND_NAMES
from osprey_core.training.scenes.drawn import OBJECTS, SHAPES, draw_object
from osprey_core.training.scenes.scene import Scene, SceneOptions, make_scene

EVALUATION_SEEDS = range(1_000_000_000, 1_100_000_000)
"""Seeds that training never uses."""

_PICTURES_TRIED = 20
_NEXT_PICTURE = 7_368_787_000_003  # far from any other seed


@dataclass(frozen=True)
class DialogueSample:
    """A picture with masks and the conversation about them."""

    image: np.ndarray
    """uint8 (H, W, 3)."""
    masks: list[np.ndarray]
    """bool (H, W) each."""
    dialogue: list[DialogueTurn]
    """Questions and answers in order."""
    scene: Scene
    """What the picture holds."""
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
    for attempt in range(_PICTURES_TRIED):
        scene = make_scene(seed + attempt * _NEXT_PICTURE, options.scene, atlas)
        if not scene.objects:
            continue
        conversations: list[DialogueSample] = []
        for number in range(2 * count + 4):
            made = sample_about(scene, (seed, attempt, number), options, atlas)
            if made is not None:
                conversations.append(made)
            if len(conversations) == count:
                return conversations
    raise AssertionError(f"no conversation found for seed {seed}")


def sample_about(
    scene: Scene, seeds: Sequence[int], options: DialogueOptions, atlas: Atlas | None = None
) -> DialogueSample | None:
    """One conversation about a given picture, or None where none of the wanted kinds has a plain answer in it."""
    rng = np.random.default_rng(list(seeds))
    regions = choose_regions(scene, rng, options)
    talk = Conversation(scene, rng, options, regions, absent_things(atlas), QUESTION_MAKERS)
    talk.hold()
    if not talk.turns:
        return None
    return DialogueSample(scene.image, talk.masks(), talk.turns, scene, talk.region_names())


def named_regions(scene: Scene, seeds: Sequence[int]) -> DialogueSample:
    """Everything in a picture as regions with names, as somebody would select it, and nothing said about it."""
    rng = np.random.default_rng(list(seeds))
    options = DialogueOptions()
    choose_regions(scene, rng, options)  # only draws: seeds give the regions that they always gave
    talk = Conversation(scene, rng, options, every_region(scene, rng), (), QUESTION_MAKERS)
    talk.known = len(talk.regions)
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
