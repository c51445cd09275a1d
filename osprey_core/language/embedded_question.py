"""A question as the language model reads it, for a language model that runs elsewhere: embeddings, settings, end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol

import torch

from osprey_core.language.sampling import SamplingSettings


@dataclass(frozen=True, eq=False)
class EmbeddedQuestion:
    """All that a language model needs to answer, besides the positions that questions about one picture share."""

    picture: str
    """A digest: questions with the same one begin with the same positions, up to and including the picture."""
    network: int
    """Which of the model's language models answers: 0, or 1 for the photographs of a model with two networks."""
    embeds: torch.Tensor
    """(T, D), the positions after the picture."""
    settings: SamplingSettings
    """With `max_new_tokens` for which the context has room."""
    requested: SamplingSettings
    """What was asked for, with the seed that was drawn: these settings reproduce the answer."""
    ends: frozenset[int]
    """Ids that end the answer."""
    prompt_tokens: int
    trimmed_turns: int


class LanguageEngine(Protocol):
    """Whoever continues embedded questions. Any number of threads may ask at a time."""

    def decode(
        self,
        question: EmbeddedQuestion,
        beginning: Callable[[], torch.Tensor],
        should_stop: Callable[[], bool] | None = None,
    ) -> Generator[int]:
        """Token ids of an answer, the one that ends it included, at most `question.settings.max_new_tokens`.

        Args:
            beginning: gives the positions up to and including the picture, (P, D); not called where they are known.
            should_stop: asked now and then; True ends the answer soon.

        Raises:
            CheckpointError: the logits are not finite.
            OspreyError: the engine cannot be reached, or refuses.
        """
        ...

    def close(self) -> None:
        """Let go of what the engine holds: processes, connections, memory."""
        ...
