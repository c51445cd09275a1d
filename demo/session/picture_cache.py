"""A cache of opened pictures, shared by all persons: decoded, encoded for the model, prepared for the segmenter.

The cache is bounded in bytes and keyed by the picture's contents. Entries are immutable; an evicted one is computed
again from the picture's file. The cache does not refer to the file, which ends with the Sessions that show it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from demo.session.session import Picture
from demo.shared.memory import give_back
from demo.shared.turns import Turns
from osprey_core.io.pictures import read_picture

DEFAULT_CACHE_BYTES = 2 * 2**30
_DEEPEST = 6
"""How far `bytes_of` follows what objects consist of."""

T = TypeVar("T")


class _Parts:
    """What has been computed from one picture. Each part is computed once, on first request.

    least_bytes: what the picture counts as before it has been decoded.
    """

    def __init__(self, least_bytes: int) -> None:
        self.least_bytes = least_bytes
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._parts: dict[str, Any] = {}

    @property
    def memory_bytes(self) -> int:
        """Bytes of all parts at present; parts may grow while they are used."""
        with self._lock:
            return bytes_of(tuple(self._parts.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parts that have been computed."""
        with self._lock:
            return tuple(self._parts)

    def part(self, name: str, compute: Callable[[], T]) -> T:
        """The part of this name, computed on first request. A failed computation is tried again on the next request.

        Each part has its own lock, so that a click does not wait until the model has encoded the picture.
        """
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._parts:
                value = compute()
                with self._lock:
                    self._parts[name] = value
            found: T = self._parts[name]
            return found

    def keep_only(self, *names: str) -> None:
        """Drop all other parts; they are computed again when they are needed."""
        with self._lock:
            self._parts = {name: part for name, part in self._parts.items() if name in names}


@dataclass(frozen=True)
class CachedPicture:
    """A picture with what the cache holds of it: all persons who have it open share the parts."""

    _picture: Picture = field(compare=False)
    _parts: _Parts
    _turns: Turns | None = field(compare=False, default=None)

    def part(self, name: str, compute: Callable[[], T]) -> T:
        """The part of this name, computed on first request; see `_Parts`."""
        return self._parts.part(name, compute)

    @property
    def part_names(self) -> tuple[str, ...]:
        """The parts that there are at present."""
        return self._parts.names

    def keep_only(self, *names: str) -> None:
        """Drop all other parts; they are computed again when they are needed."""
        self._parts.keep_only(*names)

    def image(self) -> NDArray[np.uint8]:
        """uint8 (H, W, 3), upright, read-only."""

        def decode() -> NDArray[np.uint8]:
            if self._turns is None:
                return self._decode()
            with self._turns.queue(self._picture.digest, self._picture.width * self._picture.height):
                return self._decode()

        return self.part("image", decode)

    def _decode(self) -> NDArray[np.uint8]:
        pixels = np.array(read_picture(self._picture.data))
        pixels.setflags(write=False)
        return pixels


class PictureCache:
    """The most recently used pictures, as many as fit into `max_bytes` (but always one).

    What the models keep of a picture counts as well, and is freed with it.
    turns: of decoding, by pixels; None decodes without limit.
    """

    def __init__(self, max_bytes: int = DEFAULT_CACHE_BYTES, turns: Turns | None = None) -> None:
        self.max_bytes, self._turns = max_bytes, turns
        self._lock = threading.Lock()
        self._pictures: OrderedDict[str, _Parts] = OrderedDict()
        self._bytes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._pictures)

    @property
    def used_bytes(self) -> int:
        """Bytes of all cached pictures, with what the models keep of them."""
        with self._lock:
            return sum(parts.memory_bytes for parts in self._pictures.values())

    def get(self, picture: Picture) -> CachedPicture:
        """The cache entry of this picture; its parts are computed when they are needed."""
        with self._lock:
            is_new = picture.digest not in self._pictures
            if is_new:
                self._pictures[picture.digest] = _Parts(3 * picture.width * picture.height)
            self._pictures.move_to_end(picture.digest)
            parts = self._pictures[picture.digest]
            # Parts come and grow after the picture was asked for last: with a new one, all are measured again.
            for digest in self._pictures if is_new else (picture.digest,):
                measured = self._pictures[digest]
                self._bytes[digest] = max(measured.memory_bytes, measured.least_bytes)
            evicted = self._evict()
        if evicted:
            give_back()
        return CachedPicture(picture, parts, self._turns)

    def _evict(self) -> bool:
        """Remove pictures until the rest fits; whether any was removed."""
        count = len(self._pictures)
        while len(self._pictures) > 1 and sum(self._bytes.values()) > self.max_bytes:
            digest, _ = self._pictures.popitem(last=False)
            del self._bytes[digest]
        return len(self._pictures) < count


def bytes_of(value: Any) -> int:
    """Bytes of the arrays and tensors that a value consists of, each counted once; networks are left out."""
    return _bytes_of(value, set(), _DEEPEST)


def _bytes_of(value: Any, seen: set[int], depth: int) -> int:
    if depth < 0 or id(value) in seen or isinstance(value, str | bytes | int | float | type | None):
        return 0
    seen.add(id(value))
    if hasattr(value, "nbytes"):  # of an array that shows a part of another one, the other one counts
        base = getattr(value, "base", None)
        return _bytes_of(base, seen, depth) if hasattr(base, "nbytes") else int(value.nbytes)
    if isinstance(value, Mapping):
        return sum(_bytes_of(inner, seen, depth - 1) for inner in list(value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return sum(_bytes_of(inner, seen, depth - 1) for inner in tuple(value))
    if isinstance(getattr(type(value), "memory_bytes", None), property):
        return int(value.memory_bytes)
    if hasattr(value, "parameters") or callable(value):  # a network, or a function with what it refers to
        return 0
    return sum(_bytes_of(inner, seen, depth - 1) for inner in list(getattr(value, "__dict__", {}).values()))
