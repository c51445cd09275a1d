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

from ..tokens import TextTokenizer
from .art import Atlas, load_atlas
from .batches import SampleSource
from .config import Stage
from .dialogues import EVALUATION_SEEDS, DialogueOptions, DialogueSample, corpus, region_vocabulary, samples
from .vocabulary import learn_tokenizer

log = logging.getLogger(__name__)

TOKENIZER_FILE = "tokenizer.json"
NAMES_FILE = "region-names.json"
_SURVEY_TEXTS = 30_000


@dataclass(frozen=True)
class SceneSource:
    """Made scenes with dialogues. Without an atlas they hold drawn objects and shapes only."""

    atlas: Path | None
    dialogues_per_scene: int = 2

    def for_stage(self, stage: Stage) -> SampleSource:
        """Samples by seed, as a stage wants them: dialogues of its kinds, or every nameable region of a picture."""
        if stage.objective == "regions":
            return partial(_samples, self.atlas, 1, DialogueOptions(all_regions=True))
        return partial(_samples, self.atlas, self.dialogues_per_scene, DialogueOptions(kinds=stage.kinds))


def _samples(atlas: Path | None, count: int, options: DialogueOptions, seed: int) -> Sequence[DialogueSample]:
    if seed in EVALUATION_SEEDS:
        raise ValueError(f"seed {seed} is kept for evaluation")
    return samples(seed, count, options, _atlas(atlas))


@cache
def _atlas(path: Path | None) -> Atlas | None:
    return None if path is None else load_atlas(path)


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
        atlas = _atlas(source.atlas)
        texts = itertools.islice(corpus(0, atlas=atlas), _SURVEY_TEXTS)
        learn_tokenizer(texts, vocab_size).save(folder / TOKENIZER_FILE)
        names = json.dumps(region_vocabulary(atlas), ensure_ascii=False)
        names_path.write_text(names + "\n", encoding="utf-8")
    return Prepared(TextTokenizer.from_folder(folder), tuple(json.loads(names_path.read_text(encoding="utf-8"))))
