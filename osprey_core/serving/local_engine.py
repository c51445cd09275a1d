"""The language model in this process: answers are decoded together, and each picture is read once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator

import torch
from transformers import LlamaForCausalLM

from osprey_core.cache.prefix_attention import KeyValues, use_prefix_attention
from osprey_core.cache.prefix_cache import DEFAULT_CACHE_BYTES, CacheBudget, PrefixCache
from osprey_core.language.decoding_thread import DecodingThread
from osprey_core.language.embedded_question import EmbeddedQuestion

KEPT_PICTURES = 1024
"""Pictures whose caches are remembered; how much they hold is bounded in bytes."""


class LocalEngine:
    """A `LanguageEngine` over one LLaMA."""

    def __init__(self, llm: LlamaForCausalLM, cache_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        use_prefix_attention(llm)
        self._llm = llm
        self._thread = DecodingThread(llm)
        self.budget = CacheBudget(cache_bytes)
        self._pictures: OrderedDict[str, PrefixCache] = OrderedDict()
        self._lock = threading.Lock()

    def decode(
        self,
        question: EmbeddedQuestion,
        beginning: Callable[[], torch.Tensor],
        should_stop: Callable[[], bool] | None = None,
    ) -> Generator[int]:
        """See `LanguageEngine.decode`."""
        prefix = self._cache(question.picture).part("prefix", lambda: self._read(beginning()))
        embeds = self._placed(question.embeds)[None]
        yield from self._thread.decode(embeds, question.settings, question.ends, should_stop, prefix)

    def close(self) -> None:
        """Nothing is held but memory."""

    def _cache(self, picture: str) -> PrefixCache:
        with self._lock:
            cache = self._pictures.setdefault(picture, PrefixCache(self.budget))
            self._pictures.move_to_end(picture)
            while len(self._pictures) > KEPT_PICTURES:
                self._pictures.popitem(last=False)
            return cache

    def _read(self, beginning: torch.Tensor) -> KeyValues:
        """Keys and values of the positions up to and including the picture, (P, D)."""
        embeds = self._placed(beginning)
        return self._thread.run(lambda: self._thread.prompt_pass.beginning(embeds))

    def _placed(self, embeds: torch.Tensor) -> torch.Tensor:
        weight = self._llm.model.embed_tokens.weight
        return embeds.to(weight.device, weight.dtype)
