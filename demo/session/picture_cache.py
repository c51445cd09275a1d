"""A cache of opened pictures, shared by all persons: decoded, encoded for the model, prepared for the segmenter.

The cache is bounded and keyed by the picture's contents. Entries are immutable; an evicted one is computed again from
the bytes in the Session.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from demo.session.session import Picture
from osprey_core.io.pictures import read_picture

T = TypeVar("T")


class CachedPicture:
    """One picture and what has been computed from it. Each part is computed once, on first request."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._parts: dict[str, Any] = {}

    def image(self) -> NDArray[np.uint8]:
        """uint8 (H, W, 3), upright, read-only."""

        def decode() -> NDArray[np.uint8]:
            pixels = np.array(read_picture(self._picture.data))
            pixels.setflags(write=False)
            return pixels

        return self.part("image", decode)

    def part(self, name: str, compute: Callable[[], T]) -> T:
        """The part of this name, computed on first request. A failed computation is tried again on the next request.

        Each part has its own lock, so that a click does not wait until the model has encoded the picture.
        """
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._parts:
                self._parts[name] = compute()
            value: T = self._parts[name]
            return value


class PictureCache:
    """The most recently used pictures: at most `capacity`, and at most `max_pixels` in all (but always one)."""

    def __init__(self, capacity: int = 16, max_pixels: int = 120_000_000) -> None:
        self.capacity = capacity
        self.max_pixels = max_pixels
        self._lock = threading.Lock()
        self._pictures: OrderedDict[str, tuple[CachedPicture, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pictures)

    def get(self, picture: Picture) -> CachedPicture:
        """The cache entry of this picture; its parts are computed when they are needed."""
        with self._lock:
            if picture.digest not in self._pictures:
                self._pictures[picture.digest] = (CachedPicture(picture), picture.width * picture.height)
            self._pictures.move_to_end(picture.digest)
            while len(self._pictures) > 1 and (
                len(self._pictures) > self.capacity
                or sum(size for _, size in self._pictures.values()) > self.max_pixels
            ):
                self._pictures.popitem(last=False)
            return self._pictures[picture.digest][0]
