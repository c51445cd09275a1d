"""Training samples made from scenes by seed, and what a run learns from its data before it starts.

A source can be sent to the worker processes of a data loader. Each process loads the atlas once, when it first needs
it.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Protocol

from osprey_core.errors import InputError
from osprey_core.language.tokens import TextTokenizer
from osprey_core.training.art import Atlas, atlas_of, load_atlas
from osprey_core.training.batches import SampleSource
from osprey_core.training.dialogues import (
    EVALUATION_SEEDS,
    DialogueOptions,
    DialogueSample,
    Kinds,
    corpus,
    named_regions,
    region_vocabulary,
    samples,
)
from osprey_core.training.dialogues.crowd_talks import CrowdSample, crowd_sample, crowd_talks
from osprey_core.training.recipes import Stage
from osprey_core.training.scenes.inked import inked_atlas
from osprey_core.training.scenes.scene import SceneOptions, make_scene
from osprey_core.training.vocabulary import learn_tokenizer

log = logging.getLogger(__name__)

TOKENIZER_FILE = "tokenizer.json"
NAMES_FILE = "region-names.json"
_SURVEY_TEXTS = 30_000
_HELD_OUT_FROM = 50_000_000  # far from the seeds that evaluation asks about
CROWD_TURNS, SCENE_TURNS = 6, 8
"""Questions in one conversation about a crowded or busy picture, and about any other at most."""
BUSY = SceneOptions(short_side_px=(208, 288), min_objects=5, max_objects=12)
"""Scenes that are full: the most labels for a picture that still is one."""
NEAR = SceneOptions(max_objects=3, side_shares=(0.4, 1.0))
"""Scenes of a few large things, which are rare by chance."""


@dataclass(frozen=True)
class SceneSource:
    """Made scenes with dialogues."""

    atlas: Path | None
    """File of sprites; None: scenes hold drawn objects and shapes only."""
    styles: tuple[str, ...] = ()
    """Styles of art to take from the atlas; empty: all."""
    names: tuple[str, ...] = ()
    """Things to take from the atlas; empty: all."""
    dialogues_per_scene: int = 2
    """Conversations about each picture, where a stage does not say."""
    crowd_px: int = 192
    """Side of crowded pictures."""
    inked: tuple[str, ...] = ()
    """Styles whose sprites are there once more, drawn over in ink."""

    def load(self) -> Atlas | None:
        """The sprites that scenes are made of, read once per process."""
        return None if self.atlas is None else _atlas(self.atlas, self.styles, self.names, self.inked)

    def for_stage(self, stage: Stage) -> SampleSource:
        """Samples by seed, as a stage wants them: dialogues of its kinds, or pictures crowded with things to name."""
        talks = stage.dialogues_per_scene or self.dialogues_per_scene
        if stage.pictures == "crowds":
            return partial(_crowd, self, talks if stage.objective == "dialogue" else 0)
        usual = DialogueOptions(
            kinds=stage.kinds,
            surroundings=stage.surroundings,
            even_relations=stage.even_relations,
            unsaid=stage.unsaid,
        )
        busy = replace(usual, scene=BUSY, max_turns=stage.turns or CROWD_TURNS, thorough=True)
        if stage.pictures == "busy" and stage.objective == "regions":
            return partial(_named_regions, self)
        # Many turns per dialogue: the picture's tokens, most of a prompt, are then paid for once for all of them.
        options = replace(usual, single_turn_share=0.15, max_turns=stage.turns or SCENE_TURNS)
        in_turns: tuple[DialogueOptions, ...] = {
            "scenes": (options,),
            "busy": (busy,),
            "both": (options, busy),
            "varied": (options, busy, replace(busy, scene=NEAR), replace(busy, scene=usual.scene)),
        }[stage.pictures]
        if stage.apart:
            in_turns = tuple(talk for each in in_turns for talk in (each, replace(each, kinds=stage.apart)))
        return partial(_samples, self, talks, in_turns)

    def held_out(self, kinds: Kinds) -> Callable[[int], Sequence[DialogueSample]]:
        """Dialogues of those kinds (none: all) that no stage and no evaluation sees, from seed 0 on."""
        return partial(_held_out, self, DialogueOptions(kinds=kinds))

    def texts(self) -> Iterator[str]:
        """Questions and answers without end."""
        return corpus(0, atlas=self.load())

    def region_names(self) -> list[str]:
        """Every name that a region may have."""
        return region_vocabulary(self.load())


def _held_out(source: SceneSource, options: DialogueOptions, seed: int) -> Sequence[DialogueSample]:
    return samples(EVALUATION_SEEDS[_HELD_OUT_FROM + seed], 1, options, source.load())


def _crowd(source: SceneSource, talks: int, seed: int) -> Sequence[CrowdSample]:
    if talks:
        return crowd_talks(seed, source.load(), source.crowd_px, talks, CROWD_TURNS)
    return [crowd_sample(seed, source.load(), source.crowd_px)]


def _named_regions(source: SceneSource, seed: int) -> Sequence[DialogueSample]:
    return [named_regions(make_scene(_for_training(seed), BUSY, source.load()), (seed, 79))]


def _samples(
    source: SceneSource, count: int, options: tuple[DialogueOptions, ...], seed: int
) -> Sequence[DialogueSample]:
    """With several options, pictures of each in turns."""
    return samples(_for_training(seed), count, options[seed % len(options)], source.load())


def _for_training(seed: int) -> int:
    if seed in EVALUATION_SEEDS:
        raise ValueError(f"seed {seed} is kept for evaluation")
    return seed


@cache
def _atlas(path: Path, styles: tuple[str, ...], names: tuple[str, ...], inked: tuple[str, ...]) -> Atlas:
    atlas = load_atlas(path)
    atlas = atlas.only(styles) if styles else atlas
    if missing := [name for name in names if name not in atlas.sprites]:
        if not styles:
            raise InputError("atlas.sprites_missing_anywhere", path=str(path), names=", ".join(missing))
        raise InputError("atlas.sprites_missing", path=str(path), names=", ".join(missing), styles=", ".join(styles))
    atlas = atlas_of(s for name in names for s in atlas.sprites[name]) if names else atlas
    return inked_atlas(atlas, inked) if inked else atlas


class Survey(Protocol):
    """What can be known of the data before training."""

    def texts(self) -> Iterator[str]:
        """Questions and answers, one by one."""
        ...

    def region_names(self) -> list[str]:
        """Every name that a region may have; may be empty."""
        ...


@dataclass(frozen=True)
class Prepared:
    """What is learned from the data before any weight is."""

    tokenizer: TextTokenizer
    region_names: tuple[str, ...]


def prepare(folder: Path, data: Survey, vocab_size: int, tokenizer: TextTokenizer | None = None) -> Prepared:
    """Vocabulary and region names of a run, from its folder or, the first time, from a survey of the data.

    With a tokenizer, no vocabulary is learned.
    """
    names_path = folder / NAMES_FILE
    folder.mkdir(parents=True, exist_ok=True)
    if tokenizer is None:
        if not (folder / TOKENIZER_FILE).is_file():
            log.info("Learning the vocabulary …")
            learn_tokenizer(itertools.islice(data.texts(), _SURVEY_TEXTS), vocab_size).save(folder / TOKENIZER_FILE)
        tokenizer = TextTokenizer.from_folder(folder)
    if not names_path.is_file():
        names_path.write_text(json.dumps(data.region_names(), ensure_ascii=False) + "\n", encoding="utf-8")
    return Prepared(tokenizer, tuple(json.loads(names_path.read_text(encoding="utf-8"))))
