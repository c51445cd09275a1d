"""Where training samples come from: scenes made by seed, and what a run has to know of them before it starts.

A source can be sent to a data loader's workers: each loads the atlas once, when it first needs it.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from ..errors import InputError
from ..tokens import TextTokenizer
from .art import Atlas, atlas_of, load_atlas
from .batches import SampleSource
from .config import Stage
from .crowds import CrowdSample, crowd_questions, make_crowd
from .dialogues import EVALUATION_SEEDS, DialogueOptions, DialogueSample, corpus, region_vocabulary, samples
from .vocabulary import learn_tokenizer

log = logging.getLogger(__name__)

TOKENIZER_FILE = "tokenizer.json"
NAMES_FILE = "region-names.json"
_SURVEY_TEXTS = 30_000
CROWD_QUESTIONS = 10
"""Questions about one crowded picture, each a dialogue of its own."""


@dataclass(frozen=True)
class SceneSource:
    """Made scenes with dialogues. Without an atlas they hold drawn objects and shapes only.

    `styles` and `names` restrict the atlas to some of its art and to some things; empty means all.
    """

    atlas: Path | None
    styles: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    dialogues_per_scene: int = 2
    crowd_px: int = 192
    """Side of crowded pictures."""

    def load(self) -> Atlas | None:
        """The sprites that scenes are made of, read once per process."""
        return None if self.atlas is None else _atlas(self.atlas, self.styles, self.names)

    def for_stage(self, stage: Stage) -> SampleSource:
        """Samples by seed, as a stage wants them: dialogues of its kinds, or pictures crowded with things to name."""
        if stage.pictures == "crowds":
            return partial(_crowd, self, CROWD_QUESTIONS if stage.objective == "dialogue" else 0)
        # Many turns per dialogue: the picture's tokens, most of a prompt, are then paid for once for all of them.
        options = DialogueOptions(kinds=stage.kinds, single_turn_share=0.15, max_turns=8)
        return partial(_samples, self, self.dialogues_per_scene, options)


def _crowd(source: SceneSource, questions: int, seed: int) -> Sequence[CrowdSample]:
    if questions:
        return crowd_questions(seed, source.load(), source.crowd_px, questions)
    return [make_crowd(seed, source.load(), source.crowd_px)]


def _samples(source: SceneSource, count: int, options: DialogueOptions, seed: int) -> Sequence[DialogueSample]:
    if seed in EVALUATION_SEEDS:
        raise ValueError(f"seed {seed} is kept for evaluation")
    return samples(seed, count, options, source.load())


@cache
def _atlas(path: Path, styles: tuple[str, ...], names: tuple[str, ...]) -> Atlas:
    atlas = load_atlas(path)
    atlas = atlas.only(styles) if styles else atlas
    if missing := [name for name in names if name not in atlas.sprites]:
        raise InputError(
            f"{path} has no sprites for {', '.join(missing)} in the styles {', '.join(styles) or 'it has'}."
        )
    return atlas_of(s for name in names for s in atlas.sprites[name]) if names else atlas


@dataclass(frozen=True)
class Prepared:
    """What is learned from the data before any weight is."""

    tokenizer: TextTokenizer
    region_names: tuple[str, ...]


def prepare(folder: Path, source: SceneSource, vocab_size: int) -> Prepared:
    """Vocabulary and region names of a run, from its folder or, the first time, from a survey of the data."""
    names_path = folder / NAMES_FILE
    if not ((folder / TOKENIZER_FILE).is_file() and names_path.is_file()):
        folder.mkdir(parents=True, exist_ok=True)
        log.info("Learning the vocabulary …")
        atlas = source.load()
        texts = itertools.islice(corpus(0, atlas=atlas), _SURVEY_TEXTS)
        learn_tokenizer(texts, vocab_size).save(folder / TOKENIZER_FILE)
        names = json.dumps(region_vocabulary(atlas), ensure_ascii=False)
        names_path.write_text(names + "\n", encoding="utf-8")
    return Prepared(TextTokenizer.from_folder(folder), tuple(json.loads(names_path.read_text(encoding="utf-8"))))
