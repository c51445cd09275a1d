"""One stage of a run: which parts learn, from what, for how long. Values and their checks only."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from osprey_core.errors import InputError
from osprey_core.training.dialogues.kinds import Kinds

Part = Literal["vision_tower", "mm_projector", "mask_extractor", "llm"]
ALL_PARTS: tuple[Part, ...] = ("vision_tower", "mm_projector", "mask_extractor", "llm")

Objective = Literal["regions", "text", "dialogue"]
"""What a stage minimises.

"regions" names masked regions from pooled features alone (the encoder's pretraining), "text" is next-token prediction
on dialogues without picture, "dialogue" is Osprey's own: the answers, given picture and regions.
"""

Pictures = Literal["scenes", "crowds", "busy", "both", "varied"]
"""What made pictures a stage shows.

"scenes" are scenes to talk about, "crowds" are grids full of things with a question about each, "busy" are full scenes
with a question about each thing, "both" are usual and busy scenes in turn, "varied" are usual, busy, near and usual
scenes in turn, with a question about each thing in all but the first.
"""

WARMUP_SHARE = 0.03
"""Part of a planned stage's steps in which its learning rate rises."""


@dataclass(frozen=True)
class Stage:
    """One stage of a run. Raises InputError where a value is out of its range."""

    name: str
    """Told in the log and chosen by `--only`; no two stages of a recipe have the same."""
    objective: Objective
    """What is minimised."""
    trains: tuple[Part, ...]
    """Parts of the model that learn; may be empty where regions are named, for the classifier then learns."""
    steps: int
    """Steps of the optimiser, at least 1."""
    learning_rate: float
    """Its highest value, at the end of the warm-up."""
    batch_size: int = 32
    """Dialogues of a step; a multiple of `accumulate`."""
    kinds: Kinds = ()
    """Kinds of question that are asked about scenes, with their weights; empty: all."""
    pictures: Pictures = "scenes"
    """What made pictures show."""
    encoder_rate: float = 1.0
    """The image encoder's share of the learning rate."""
    image_tokens: bool = True
    """Whether the prompt holds the picture's tokens; with the regions' alone it is a third as long."""
    surroundings: bool = True
    """Whether detailed descriptions tell of more than the thing itself."""
    image_size: int = 0
    """Pixels a side at which pictures are shown, a multiple of 32; 0: the model's own.

    A convolutional encoder learns most of what it has to know from smaller pictures, in half the time.
    """
    warmup_steps: int = 40
    """Steps in which the learning rate rises; at most half of all."""
    accumulate: int = 1
    """Smaller batches that make up a step, to save memory."""
    answer_start_weight: float = 1.0
    """How much the first id of every answer counts in the loss of a dialogue; above 0.

    It is the yes or no, or the name, while most of a sentence follows from what has been asked.
    """
    naming: float = 0.0
    """Weight, beside the answers, of naming every region from its mask token alone.

    It keeps the encoder learning names while the language model learns to talk.
    """
    image_naming: float = 0.0
    """Weight, beside the answers, of naming the region from every image token inside it.

    It gives image tokens a meaning that a question about the whole picture can use.
    """
    turns: int = 0
    """Most turns of a conversation about a scene, 1 to 12; 0: as many as usual.

    The picture's tokens are paid for once for all of them.
    """
    dialogues_per_scene: int = 0
    """Conversations about each picture; 0: as many as the run has."""
    even_relations: bool = False
    """Whether questions about two regions are about parts, overlaps, diagonals and straight directions equally often.

    As far as the picture has any; by chance, nearly all pairs lie straight beside or above each other.
    """
    unsaid: bool = False
    """Whether presence is asked only of what the conversation has not named yet."""
    apart: Kinds = ()
    """Kinds that every second conversation about scenes keeps to, because they would give away names elsewhere."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1 or self.accumulate < 1:
            raise InputError("stage.counts_too_small", stage=repr(self.name))
        if self.batch_size % self.accumulate:
            raise InputError("stage.batch_uneven", stage=repr(self.name))
        if self.image_size < 0 or self.image_size % 32:
            raise InputError("stage.image_size_uneven", stage=repr(self.name))
        if self.answer_start_weight <= 0:
            raise InputError("stage.start_weight_invalid", stage=repr(self.name))
        if self.naming < 0 or self.image_naming < 0:
            raise InputError("stage.naming_negative", stage=repr(self.name))
        if self.dialogues_per_scene < 0:
            raise InputError("stage.dialogues_negative", stage=repr(self.name))
        if not 0 <= self.turns <= 12:
            raise InputError("stage.turns_outside", stage=repr(self.name))
        if not self.trains and not self.names_regions:
            raise InputError("stage.trains_nothing", stage=repr(self.name))

    @property
    def names_regions(self) -> bool:
        """Whether a classifier of its own, which learns along, names regions."""
        return self.objective == "regions" or self.naming > 0 or self.image_naming > 0


@dataclass(frozen=True)
class PlannedStage:
    """A stage that goes for some epochs of whatever it is trained on; its other fields are those of `Stage`."""

    name: str
    """As in `Stage`."""
    trains: tuple[Part, ...]
    """As in `Stage`."""
    learning_rate: float
    """As in `Stage`."""
    batch_size: int
    """As in `Stage`."""
    epochs: float
    """Passes over all samples, above 0."""
    objective: Objective = "dialogue"
    """As in `Stage`."""
    accumulate: int = 1
    """As in `Stage`."""
    encoder_rate: float = 1.0
    """As in `Stage`."""

    def __post_init__(self) -> None:
        if not self.epochs > 0:
            raise InputError("stage.epochs_invalid", stage=repr(self.name), value=self.epochs)

    def stage(self, samples: int) -> Stage:
        """The stage over so many samples."""
        steps = max(1, math.ceil(self.epochs * samples / self.batch_size))
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "epochs"}
        return Stage(**values, steps=steps, warmup_steps=max(1, round(WARMUP_SHARE * steps)))
