"""What is kept of a picture between questions: its encoding and the key/value caches of prompts about it.

A prompt about a picture is a prefix that all its prompts share, up to and including the picture, and a conversation.
The prefix's keys and values are computed once; a conversation's are kept too, so that the next turn, or another
question that begins alike, prefills only what is new. All pictures of a model share a budget of bytes, out of which
the least recently used parts fall. It knows neither pictures nor prompts: a conversation is a sequence of hashable
items, one per position.
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
    """Bytes that all pictures of one model may keep together. Thread-safe.

    It holds nothing alive: what a picture keeps is freed with the picture, or when its turn to be evicted comes.

    Args:
        max_bytes: 0 keeps nothing, so that everything is computed anew for each question.
    """

    def __init__(self, max_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        if max_bytes < 0:
            raise InputError("cache.budget_negative", value=max_bytes)
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._clock = itertools.count()
        self._kept: list[weakref.ref[_Kept[Any]]] = []
        self._warned = False

    @property
    def used_bytes(self) -> int:
        """Bytes that are kept at this moment."""
        with self._lock:
            return sum(kept.bytes for kept in self._alive())

    def keep(self, value: T) -> _Kept[T]:
        """Take a value in and evict what was not used for the longest time, until all fits.

        A value that is larger than the whole budget is not kept, and evicts nothing.
        """
        with self._lock:
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
        """The value, now the most recently used one; None if there is none or not any more."""
        if kept is None:
            return None
        with self._lock:
            kept.used_at = next(self._clock)
            return kept.value

    def _alive(self) -> list[_Kept[Any]]:
        return [kept for ref in self._kept if (kept := ref()) is not None and kept.value is not None]


class _Conversation(NamedTuple):
    content: tuple[Hashable, ...]
    prompt_length: int
    kept: _Kept[KeyValues]


class PrefixCache:
    """What is kept of one picture. Thread-safe; the values in it are shared and must not be written to."""

    def __init__(self, budget: CacheBudget) -> None:
        self._budget = budget
        self._computing = threading.RLock()  # the computation of one part may need another
        self._lock = threading.Lock()
        self._parts: dict[str, _Kept[Any]] = {}
        self._conversations: list[_Conversation] = []

    @property
    def memory_bytes(self) -> int:
        """Bytes of all that is kept of this picture now."""
        with self._lock:
            kept = [*self._parts.values(), *(one.kept for one in self._conversations)]
        return sum(one.bytes for one in kept if one.value is not None)

    def part(self, name: str, compute: Callable[[], T]) -> T:
        """The part of this name. Computed by whoever needs it first, and again after it was evicted."""
        kept = cast("T | None", self._budget.use(self._parts.get(name)))
        if kept is not None:
            return kept
        with self._computing:
            kept = cast("T | None", self._budget.use(self._parts.get(name)))
            if kept is not None:
                return kept
            value = compute()
            new = self._budget.keep(value)
            with self._lock:
                self._parts[name] = new
            return value

    def recall(self, conversation: Sequence[Hashable]) -> tuple[int, KeyValues | None]:
        """The longest beginning of a conversation whose keys and values are kept.

        Returns:
            its length and its keys and values, with at least as many positions; 0 and None if there is none.
        """
        with self._lock:
            known = [(common_length(one.content, conversation), one.kept) for one in self._conversations]
        for length, kept in sorted(known, key=lambda pair: pair[0], reverse=True):
            if length == 0:
                break
            if (key_values := self._budget.use(kept)) is not None:
                return length, key_values
        return 0, None

    def remember(self, prompt: Sequence[Hashable], answer: Sequence[Hashable], cache: DynamicCache) -> None:
        """Keep the keys and values of a prompt and its answer, as far as the cache holds them. They are copied.

        What was kept of a conversation that this one continues is dropped, even if its answer reads differently now
        (a text may have several encodings): little of it would be used again.
        """
        # An exception in mid-pass leaves some layers longer than others; what all have is whole.
        length = min((layer.get_seq_length() for layer in _layers(cache)), default=0)
        content = (*prompt, *answer)[:length]
        if not content:
            return
        with self._lock:
            alive = [one for one in self._conversations if one.kept.value is not None]
            if any(common_length(one.content, content) == len(content) for one in alive):
                return
        copies = tuple(
            (keys[:, :, :length].clone(), values[:, :, :length].clone()) for keys, values in key_values_of(cache)
        )
        with self._lock:
            self._conversations = [
                one
                for one in self._conversations
                if one.kept.value is not None and common_length(one.content, content) < one.prompt_length
            ]
        # Only now, so that what has just been dropped makes room for it.
        kept = self._budget.keep(copies)
        if kept.value is not None:
            with self._lock:
                self._conversations.append(_Conversation(content, len(prompt), kept))


def common_length(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """Number of items that two sequences have in common at their beginning."""
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))


def cache_of(config: LlamaConfig, key_values: KeyValues | None = None, length: int = 0) -> DynamicCache:
    """A cache to decode with that begins with the first `length` positions of `key_values`, without copying them.

    `DynamicCache` grows by making new tensors, so what it began with is never written to.
    """
    cache = DynamicCache(config=config)
    if key_values is not None and length:
        for layer, (keys, values) in zip(_layers(cache), key_values, strict=True):
            layer.lazy_initialization(keys, values)
            layer.keys, layer.values = keys[:, :, :length], values[:, :, :length]
    return cache


def key_values_of(cache: DynamicCache) -> KeyValues:
    """The tensors of a filled cache, not copied."""
    return tuple((layer.keys, layer.values) for layer in _layers(cache))


def tensor_bytes(value: Any) -> int:
    """Bytes of the tensors in nested tuples, lists and mappings."""
    if isinstance(value, torch.Tensor):
        return value.nbytes
    if isinstance(value, Mapping):
        return sum(map(tensor_bytes, value.values()))
    return sum(map(tensor_bytes, value)) if isinstance(value, tuple | list) else 0


def _layers(cache: DynamicCache) -> list[Any]:
    """The layers of a LLaMA's cache, all of one kind; the library's own type allows for more kinds."""
    return list(cache.layers)
