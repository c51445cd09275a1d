"""An Osprey whose language model runs in another engine: pictures and regions are embedded here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing

import numpy as np
import torch
from PIL import Image
from torch import nn

from osprey_core.config import GenerationDefaults
from osprey_core.engine import Osprey
from osprey_core.language.embedded_question import EmbeddedQuestion, LanguageEngine
from osprey_core.language.tokens import TextTokenizer
from osprey_core.model import OspreyNetwork
from osprey_core.region_model import Abilities
from osprey_core.serving.split_view import SPLIT_ABILITIES, AskedQuestion, SplitView
from osprey_core.view import View

ANSWERS_TOGETHER = 256
"""Answers that may be under way at a time: the engine queues them by itself."""


class EngineModel:
    """A `RegionModel`: `vision` embeds, and of `engines` the one of the picture's network answers."""

    def __init__(self, vision: Osprey, engines: Sequence[LanguageEngine]) -> None:
        assert len(engines) == len(vision.networks), "every network has an engine of its own"
        self.vision = vision
        self.engines = tuple(engines)

    @property
    def name(self) -> str:
        return self.vision.name

    @property
    def device(self) -> str:
        """Device of the encoder's weights."""
        return self.vision.device

    @property
    def dtype(self) -> str:
        return self.vision.dtype

    @property
    def is_embedded(self) -> bool:
        return self.vision.is_embedded

    @property
    def abilities(self) -> Abilities:
        return split_abilities(self.vision)

    @property
    def generation_defaults(self) -> GenerationDefaults:
        return self.vision.generation_defaults

    @property
    def answers_together(self) -> int:
        """How many people may have an answer under way at a time."""
        return ANSWERS_TOGETHER

    @property
    def is_dead(self) -> bool:
        """Whether an engine has ended by itself, so that its questions are not answered any more."""
        return any(getattr(engine, "is_dead", False) for engine in self.engines)

    def open(self, image: Image.Image | np.ndarray) -> EngineView:
        """Encode a picture once. Raises InputError if it cannot be read."""
        return EngineView(self, self.vision.open(image))

    def close(self) -> None:
        """Let go of the engines, of all at the same time: vLLM's processes take seconds to end."""
        others = [threading.Thread(target=engine.close, name="closing") for engine in self.engines[1:]]
        for thread in others:
            thread.start()
        try:
            self.engines[0].close()
        finally:
            for thread in others:
                thread.join()


class EngineView(SplitView):
    """A picture opened by an `EngineModel`."""

    def __init__(self, model: EngineModel, view: View) -> None:
        self.model = model
        self.size_hw = view.size_hw
        self._view = view

    @property
    def memory_bytes(self) -> int:
        """Bytes of this picture here; what the engine keeps of it is the engine's."""
        return self._view.memory_bytes

    def prepare(self) -> None:
        """Encode the picture, so that the first question is answered sooner; the engine reads it with that question."""
        if self.model.vision.cache.max_bytes:  # without a cache it would be discarded
            self._view.encoding()

    @property
    def _tokenizer(self) -> TextTokenizer:
        return self.model.vision.prompts.tokenizer

    def _embed(self, asked: AskedQuestion) -> EmbeddedQuestion:
        return self._view.embed(**asked.arguments())

    def _decode(
        self, asked: AskedQuestion, embedded: EmbeddedQuestion, should_stop: Callable[[], bool]
    ) -> Generator[int]:
        engine = self.model.engines[embedded.network]
        with closing(engine.decode(embedded, self._view.embed_beginning, should_stop)) as tokens:
            yield from tokens


def split_abilities(vision: Osprey) -> Abilities:
    """What a model can be asked for whose language model is elsewhere."""
    return Abilities(
        likelihood=SPLIT_ABILITIES.likelihood,
        confidence=SPLIT_ABILITIES.confidence,
        features=SPLIT_ABILITIES.features,
        english_only=vision.is_embedded,
    )


def drop_language_layers(network: OspreyNetwork) -> None:
    """Free the layers of a network's language model; embeddings stay, for prompts."""
    network.llm.model.layers = nn.ModuleList()
    network.llm.lm_head = nn.Identity()


def sendable(embeds: torch.Tensor) -> torch.Tensor:
    """A copy (T, D) on the CPU that can be sent to another process."""
    return embeds.detach().cpu().clone()
