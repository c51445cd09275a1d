"""The cache of a picture between questions: its encoding and the keys and values of prompts about it.

A prompt consists of a prefix, up to and including the picture, that all prompts about the picture share, and a
conversation. The prefix's keys and values are computed once; those of conversations are cached too, so that the next
turn, or another question with the same beginning, prefills only what is new. All pictures of a model share a budget of
bytes, from which the least recently used parts are evicted. A conversation is a sequence of hashable items, one per
position.
"""

from __future__ import annotations

import itertools
import logging
import threading
import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, cast

import torch
from transformers import DynamicCache, LlamaConfig

from osprey_core.cache.prefix_attention import KeyValues
from osprey_core.errors import InputError

DEFAULT_CACHE_BYTES = 2 * 2**30

log = logging.getLogger(__name__)

T = TypeVar("T")


class _Kept(Generic[T]):
    """A value within a budget; `value` is None once it has been evicted."""

    __slots__ = ("__weakref__", "bytes", "used_at", "value")

    def __init__(self, value: T, used_at: int) -> None:
        self.value: T | None = value
        self.bytes = tensor_bytes(value)
        self.used_at = used_at


class CacheBudget:
    """The bytes that all pictures of one model may cache together. Thread-safe.

    It holds weak references only: cached data is freed with its picture, or when it is evicted.

    Args:
        max_bytes: 0 disables caching, so that everything is computed again for each question.
    """

    def __init__(self, max_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        if max_bytes < 0:
            raise InputError("cache.budget_negative", value=max_bytes)
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._clock = itertools.count()
        self._kept: list[weakref.ref[_Kept[Any]]] = []
        self._warned = False
        self.hits = 0
        """How often a cached value was used again."""
        self.computed = 0
        """How many values had to be computed."""

    @property
    def used_bytes(self) -> int:
        """Bytes that are cached at present."""
        with self._lock:
            return sum(kept.bytes for kept in self._alive())

    def keep(self, value: T) -> _Kept[T]:
        """Add a value and evict the least recently used ones until the budget is met.

        A value that is larger than the whole budget is not cached, and evicts nothing.
        """
        with self._lock:
            self.computed += 1
            new = _Kept(value, next(self._clock))
            if new.bytes > self.max_bytes:
                if self.max_bytes and not self._warned:
                    self._warned = True
                    log.warning(
                        "A picture needs %.0f MB, more than the cache may hold (%.0f MB): it is computed anew for each "
                        "question. A larger cache makes answers faster.",
                        new.bytes / 2**20,
                        self.max_bytes / 2**20,
                    )
                new.value = None
                return new
            alive = sorted([*self._alive(), new], key=lambda kept: kept.used_at)
            excess = sum(kept.bytes for kept in alive) - self.max_bytes
            for kept in alive:
                if excess <= 0:
                    break
                kept.value = None
                excess -= kept.bytes
            self._kept = [weakref.ref(kept) for kept in alive if kept.value is not None]
            return new

    def use(self, kept: _Kept[T] | None) -> T | None:
        """Mark the value as most recently used and return it; None if there is none or it was evicted."""
        if kept is None:
            return None
        with self._lock:
            kept.used_at = next(self._clock)
            self.hits += kept.value is not None
            return kept.value

    def _alive(self) -> list[_Kept[Any]]:
        return [kept for ref in self._kept if (kept := ref()) is not None and kept.value is not None]


class _Conversation(NamedTuple):
    content: tuple[Hashable, ...]
    prompt_length: int
    kept: _Kept[KeyValues]


class PrefixCache:
    """The cache of one picture. Thread-safe; its values are shared and must not be written to."""

    def __init__(self, budget: CacheBudget) -> None:
        self._budget = budget
        self._computing = threading.RLock()  # the computation of one part may need another
        self._lock = threading.Lock()
        self._parts: dict[str, _Kept[Any]] = {}
        self._conversations: list[_Conversation] = []

    @property
    def memory_bytes(self) -> int:
        """Bytes that are cached for this picture at present."""
        with self._lock:
            entries = [*self._parts.values(), *(conversation.kept for conversation in self._conversations)]
        return sum(entry.bytes for entry in entries if entry.value is not None)

    def part(self, name: str, compute: Callable[[], T]) -> T:
        """The part of this name, computed on first use and again after it was evicted."""
        cached = cast("T | None", self._budget.use(self._parts.get(name)))
        if cached is not None:
            return cached
        with self._computing:
            cached = cast("T | None", self._budget.use(self._parts.get(name)))
            if cached is not None:
                return cached
            value = compute()
            new = self._budget.keep(value)
            with self._lock:
                self._parts[name] = new
            return value

    def peek(self, name: str) -> Any:
        """The part of this name if it is cached; None otherwise. It does not count as used."""
        with self._lock:
            kept = self._parts.get(name)
        return None if kept is None else kept.value

    def recall(self, conversation: Sequence[Hashable]) -> tuple[int, KeyValues | None]:
        """The longest beginning of a conversation whose keys and values are cached.

        Returns:
            its length and its keys and values, which may cover more positions; 0 and None if there is none.
        """
        with self._lock:
            matches = [(common_length(entry.content, conversation), entry.kept) for entry in self._conversations]
        for length, kept in sorted(matches, key=lambda pair: pair[0], reverse=True):
            if length == 0:
                break
            if (key_values := self._budget.use(kept)) is not None:
                return length, key_values
        return 0, None

    def remember(self, prompt: Sequence[Hashable], answer: Sequence[Hashable], cache: DynamicCache) -> None:
        """Cache a copy of the keys and values of a prompt and its answer, as far as `cache` holds them.

        The entry of a conversation that this one continues is dropped, even if its answer is tokenized differently now
        (a text may have several encodings), because little of it would be used again.
        """
        # An exception during a forward pass leaves some layers longer than others; only the common positions are valid.
        length = min((layer.get_seq_length() for layer in _layers(cache)), default=0)
        content = (*prompt, *answer)[:length]
        if not content:
            return
        with self._lock:
            alive = [entry for entry in self._conversations if entry.kept.value is not None]
            if any(common_length(entry.content, content) == len(content) for entry in alive):
                return
        copies = tuple(
            (keys[:, :, :length].clone(), values[:, :, :length].clone()) for keys, values in key_values_of(cache)
        )
        with self._lock:
            self._conversations = [
                entry
                for entry in self._conversations
                if entry.kept.value is not None and common_length(entry.content, content) < entry.prompt_length
            ]
        # Added after the continued conversation was dropped, whose bytes are free again.
        kept = self._budget.keep(copies)
        if kept.value is not None:
            with self._lock:
                self._conversations.append(_Conversation(content, len(prompt), kept))


def common_length(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """Length of the longest common prefix of two sequences."""
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))


def cache_of(config: LlamaConfig, key_values: KeyValues | None = None, length: int = 0) -> DynamicCache:
    """A cache for decoding, initialized with the first `length` positions of `key_values` without copying them.

    `DynamicCache` grows by making new tensors, so the initial ones are never written to.
    """
    cache = DynamicCache(config=config)
    if key_values is not None and length:
        for layer, (keys, values) in zip(_layers(cache), key_values, strict=True):
            layer.lazy_initialization(keys, values)
            layer.keys, layer.values = keys[:, :, :length], values[:, :, :length]
    return cache


def key_values_of(cache: DynamicCache) -> KeyValues:
    """The tensors of a filled cache, without copying them."""
    return tuple((layer.keys, layer.values) for layer in _layers(cache))


def tensor_bytes(value: Any) -> int:
    """Bytes of the tensors in nested tuples, lists and mappings."""
    if isinstance(value, torch.Tensor):
        return value.nbytes
    if isinstance(value, Mapping):
        return sum(map(tensor_bytes, value.values()))
    return sum(map(tensor_bytes, value)) if isinstance(value, tuple | list) else 0


def _layers(cache: DynamicCache) -> list[Any]:
    """The layers of a LLaMA's cache, all of one type; the library's annotation allows for more types."""
    return list(cache.layers)
