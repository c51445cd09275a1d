"""What the parts of the Ray Serve application send each other, as values that can be pickled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from osprey_core.config import GenerationDefaults
from osprey_core.language.embedded_question import EmbeddedQuestion
from osprey_core.language.tokens import TextTokenizer
from osprey_core.region_model import Abilities


@dataclass(frozen=True)
class ModelFacts:
    """What is told of the model to those who ask it."""

    name: str
    device: str
    dtype: str
    is_embedded: bool
    abilities: Abilities
    generation_defaults: GenerationDefaults
    tokenizer: TextTokenizer


@dataclass(frozen=True, eq=False)
class SentPicture:
    """A picture by its digest; its pixels lie in Ray's store and travel only to replicas that do not have it."""

    digest: str
    pixels: tuple[Any, ...]
    """One `ray.ObjectRef` of uint8 (H, W, 3). In a tuple, because Ray would fetch one that stands alone."""


@dataclass(frozen=True, eq=False)
class SentQuestion(EmbeddedQuestion):
    """An embedded question with the place of its beginning."""

    beginning: tuple[Any, ...] = ()
    """One `ray.ObjectRef` of the positions up to and including the picture, (P, D)."""


@dataclass(frozen=True)
class ReplicaState:
    """Where a replica runs, and how its caches do."""

    node: str
    process: int
    cache_hits: int
    computed: int
    largest_batch: int = 0
    """Pictures that were encoded in one pass at most."""


def language_model_id(name: str, network: int) -> str:
    """What Serve calls the language model of a model's network (0 or 1)."""
    return f"{name}#{network}"
