"""Settings of a training run: the model's sizes, the stages and what is learned in each.

Values only. The recipe is the paper's (section 4.1) behind two stages of its own that stand in for the pretrained
parts the paper starts from: no CLIP and no Vicuna are needed to train the embedded model from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from ..config import ExtractorConfig, GenerationDefaults, LanguageConfig, OspreyConfig, PromptConfig, VisionConfig
from ..errors import InputError

Part = Literal["vision_tower", "mm_projector", "mask_extractor", "llm"]
Objective = Literal["regions", "text", "dialogue"]

NANO = OspreyConfig(
    vision=VisionConfig("convnext_atto", 192, (40, 80, 160, 320)),
    extractor=ExtractorConfig(level_width=256, mask_size=48, spatial_width=256),
    language=LanguageConfig(
        vocab_size=2048,
        hidden_size=256,
        intermediate_size=640,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=640,
    ),
    prompt=PromptConfig(system="A chat about a picture.", answer_end="eos"),
    generation=GenerationDefaults(temperature=0.0, max_new_tokens=128),
)
"""The embedded model: the published architecture with an encoder and a language model that two CPU cores can train."""


@dataclass(frozen=True)
class Stage:
    """One stage: which parts learn, from what, for how long.

    `objective`: "regions" names masked regions from pooled features alone (the encoder's pretraining), "text" is next
    token prediction on dialogues without picture, "dialogue" is Osprey's own: the answers, given picture and regions.
    `kinds` restricts dialogues to some kinds of question; empty means all.
    """

    name: str
    objective: Objective
    trains: tuple[Part, ...]
    steps: int
    learning_rate: float
    batch_size: int = 64
    kinds: tuple[str, ...] = ()
    warmup_steps: int = 40
    accumulate: int = 1

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1 or self.accumulate < 1:
            raise InputError(f"Stage {self.name!r}: steps, batch_size and accumulate must be at least 1.")
        if self.batch_size % self.accumulate:
            raise InputError(f"Stage {self.name!r}: batch_size must be a multiple of accumulate.")
        if not self.trains:
            raise InputError(f"Stage {self.name!r} trains no part of the model.")


ALL_PARTS: tuple[Part, ...] = ("vision_tower", "mm_projector", "mask_extractor", "llm")

NANO_STAGES = (
    Stage("encoder", "regions", ("vision_tower",), steps=1100, learning_rate=1.5e-3),
    Stage("language", "text", ("llm",), steps=200, learning_rate=2e-3),
    Stage("image-text", "dialogue", ("mm_projector",), steps=30, learning_rate=2e-3, kinds=("picture",)),
    Stage("mask-text", "dialogue", ("mask_extractor",), steps=80, learning_rate=2e-3, kinds=("category", "short")),
    Stage("end-to-end", "dialogue", ALL_PARTS, steps=950, learning_rate=1.2e-3),
)
"""About an hour on two CPU cores; `TrainingConfig.scaled` makes it longer."""


@dataclass(frozen=True)
class TrainingConfig:
    """One run. `data_seed` offsets all scenes; the same settings give the same model on the same machine."""

    model: OspreyConfig = NANO
    stages: tuple[Stage, ...] = NANO_STAGES
    seed: int = 0
    data_seed: int = 1_000_000
    weight_decay: float = 0.02
    clip_norm: float = 1.0
    betas: tuple[float, float] = field(default=(0.9, 0.98))
    workers: int = 1
    dialogues_per_scene: int = 2
    max_tokens: int = 256
    """Longest prompt in ids, before the picture's id becomes image tokens; longer dialogues lose their last turns."""
    save_every: int = 50

    def scaled(self, factor: float) -> TrainingConfig:
        """The same run with every stage shortened or lengthened."""
        stages = tuple(replace(stage, steps=max(1, round(stage.steps * factor))) for stage in self.stages)
        return replace(self, stages=stages)
