"""A part of a picture that a segmenter sees by itself: where it lies, its masks in the whole, and which are kept.

Seen alone, what is small in the picture is larger for the segmenter. Knows no network.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from osprey_core.regions.masks import Mask


class Window(NamedTuple):
    """A part of a picture in pixels: columns x0 to x1, rows y0 to y1, both ends without the last."""

    x0: int
    y0: int
    x1: int
    y1: int

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part's pixels uint8 (y1 - y0, x1 - x0, 3), as an array of its own."""
        return np.ascontiguousarray(image[self.y0 : self.y1, self.x0 : self.x1])

    def holds(self, x: float, y: float) -> bool:
        """Whether a point of the picture lies in the part."""
        return self.x0 <= x < self.x1 and self.y0 <= y < self.y1

    def laid(self, part: Mask, size_hw: tuple[int, int]) -> Mask:
        """A mask of the part as one bool (H, W) of the whole picture."""
        mask = np.zeros(size_hw, np.bool_)
        mask[self.y0 : self.y1, self.x0 : self.x1] = part
        return mask

    def cuts_off(self, part: Mask, size_hw: tuple[int, int]) -> bool:
        """Whether what a mask of the part shows may go on outside: it touches an edge that is not the picture's."""
        height, width = size_hw
        return bool(
            (self.x0 > 0 and part[:, 0].any())
            or (self.x1 < width and part[:, -1].any())
            or (self.y0 > 0 and part[0].any())
            or (self.y1 < height and part[-1].any())
        )


def span(middle: float, side: float, length: int, step: float) -> tuple[int, int]:
    """Start and end of a window along one axis: around `middle`, at a multiple of `step`, within the picture.

    Multiples, so that marks beside each other share a window. A picture that is shorter is taken whole.
    """
    if side >= length:
        return 0, length
    start = min(max(0.0, round((middle - side / 2) / step) * step), length - side)
    return int(start), min(length, math.ceil(start + side))


Part = TypeVar("Part")


class KeptParts(Generic[Part]):
    """The last parts of one picture that were opened. Threads may share it."""

    def __init__(self, most: int) -> None:
        """`most`: how many stay opened."""
        self._most = most
        self._opening, self._lock = threading.Lock(), threading.Lock()
        self._opened: OrderedDict[Window, Part] = OrderedDict()

    def opened(self) -> tuple[Part, ...]:
        """The parts that are kept now."""
        with self._lock:
            return tuple(self._opened.values())

    def get(self, window: Window, open_part: Callable[[], Part]) -> Part:
        """The opened part. Slow the first time, while others that are not opened yet wait."""
        if (kept := self._recall(window)) is not None:
            return kept
        with self._opening:
            if (kept := self._recall(window)) is not None:  # another thread was faster
                return kept
            made = open_part()
            with self._lock:
                self._opened[window] = made
                while len(self._opened) > self._most:
                    self._opened.popitem(last=False)
        return made

    def _recall(self, window: Window) -> Part | None:
        with self._lock:
            kept = self._opened.get(window)
            if kept is not None:
                self._opened.move_to_end(window)
            return kept
