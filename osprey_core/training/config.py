"""Settings of a training run: the model's sizes, the stages, and what its pictures show. Values only.

The recipe is the paper's (section 4.1) after two stages of its own that stand in for the pretrained parts the paper
starts from: no CLIP and no Vicuna are needed to train the embedded model from nothing.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from osprey_core.config import (
    LEVEL_NAMES,
    ExtractorConfig,
    GenerationDefaults,
    LanguageConfig,
    OspreyConfig,
    PromptConfig,
    SamplerConfig,
    VisionConfig,
)
from osprey_core.training.recipes import NANO_STAGES, RECIPES, Stage

LOG_FILE = "log.jsonl"
"""In a run's folder: one JSON object a line."""

Precision = Literal["bfloat16", "float32"]

NANO = OspreyConfig(
    vision=VisionConfig("convnext_atto", 384, (40, 80, 160, 320)),
    extractor=ExtractorConfig(level_width=256, mask_size=48, spatial_width=256),
    language=LanguageConfig(
        vocab_size=2048,
        hidden_size=256,
        intermediate_size=640,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
    ),
    prompt=PromptConfig(system="A chat about a picture.", answer_end="eos"),
    generation=GenerationDefaults(temperature=0.0, max_new_tokens=128),
    relations="masks",
    picture_precision="bfloat16",
)
"""The embedded model: the published architecture with an encoder and a language model that two CPU cores can train."""


SAMPLER = SamplerConfig(levels=LEVEL_NAMES)
"""Ferret's sampler on the levels that mask pooling reads, to train a model with that is equal in all else."""


@dataclass(frozen=True)
class TaughtArt:
    """What of an atlas a model is taught; empty means all."""

    styles: tuple[str, ...] = ()
    """Styles of art that it sees."""
    inked: tuple[str, ...] = ()
    """Styles of which it sees each thing once more, as flat colours between black lines."""
    things: tuple[str, ...] = ()
    """Names of the things that it is taught, besides drawn objects and shapes."""

    @classmethod
    def read(cls, path: Path) -> TaughtArt:
        """Out of a TOML file whose entries are these fields."""
        return cls(**{name: tuple(values) for name, values in tomllib.loads(path.read_text("utf-8")).items()})


NANO_ART = TaughtArt.read(Path(__file__).with_name("nano_art.toml"))
"""What the embedded model is taught."""

NANO_STYLES, NANO_INKED, NANO_THINGS = NANO_ART.styles, NANO_ART.inked, NANO_ART.things


@dataclass(frozen=True)
class TrainingConfig:
    """One run. The same settings give the same model on the same machine."""

    model: OspreyConfig = NANO
    """The sizes of the model."""
    stages: tuple[Stage, ...] = NANO_STAGES
    """In order."""
    seed: int = 0
    """Of what is random in the model."""
    data_seed: int = 1_000_000
    """Seed of the first made scene."""
    styles: tuple[str, ...] = NANO_ART.styles
    """Styles of art in made scenes; empty: all that the atlas has."""
    things: tuple[str, ...] = NANO_ART.things
    """Things in made scenes; empty: all that the atlas has."""
    inked: tuple[str, ...] = NANO_ART.inked
    """Styles whose sprites are there once more, drawn over in ink."""
    weight_decay: float = RECIPES["nano"].weight_decay
    """Of matrices; vectors are not decayed."""
    clip_norm: float = 1.0
    """Largest norm of all gradients together."""
    betas: tuple[float, float] = RECIPES["nano"].betas
    """AdamW's."""
    workers: int = 1
    """Processes that make samples; 0: the training process itself."""
    dialogues_per_scene: int = 2
    """Conversations about each picture, where a stage does not say."""
    max_tokens: int = 256
    """Longest prompt in ids, before the picture's id becomes image tokens; longer dialogues lose their last turns."""
    save_every: int = 100
    """Steps between saved states."""
    score_every: int = 0
    """Steps between scores on the held-out set; 0: never. The best model so far is kept."""
    held_out: int = 64
    """Samples of the held-out set."""
    precision: Precision = "bfloat16"
    """What products are computed in; weights and optimiser are float32 on a CPU."""
    gradient_checkpointing: bool = False
    """Compute the language model's activations again on the way back instead of keeping them."""

    def scenes_per_batch(self, stage: Stage) -> int:
        """Pictures of a stage's batch, or of the part of one that is accumulated."""
        return max(1, stage.batch_size // stage.accumulate // (stage.dialogues_per_scene or self.dialogues_per_scene))

    def scaled(self, factor: float) -> TrainingConfig:
        """The same run with every stage shortened or lengthened."""
        stages = tuple(replace(stage, steps=max(1, round(stage.steps * factor))) for stage in self.stages)
        return replace(self, stages=stages)
