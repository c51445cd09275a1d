"""Small things in large pictures: the segmenter also sees the part alone that a person has enlarged."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from demo.session.picture_cache import bytes_of
from demo.session.session import Picture, SegmentPrompt
from osprey_core.regions.masks import Mask

WindowXYXY = tuple[int, int, int, int]
"""A part of a picture in whole pixels: left, top, right, bottom."""

LEAST_SIDE = 96
"""Pixels: a smaller part tells a segmenter too little of what surrounds the thing."""
KEPT = 4
"""Parts of one picture that stay opened."""


def window_of(picture: Picture, x: float, y: float, shown: float | None) -> WindowXYXY | None:
    """The part of the picture to look at for a click at (x, y); None if that is the whole.

    shown: the longer side of what the page shows of the picture, in picture pixels. Parts lie on a grid, so that
    clicks beside each other share one.
    """
    if shown is None or not math.isfinite(shown) or shown <= 0:
        return None
    side = LEAST_SIDE
    while side < shown:
        side *= 2
    if 2 * side > max(picture.width, picture.height):
        return None
    left, right = _span(x, side, picture.width)
    top, bottom = _span(y, side, picture.height)
    return left, top, right, bottom


def _span(middle: float, side: int, length: int) -> tuple[int, int]:
    step = side // 2
    start = round((middle - side / 2) / step) * step
    start = max(0, min(start, length - side))
    return start, min(length, start + side)


class CloseLooks:
    """The last parts of one picture that a segmenter has opened. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: OrderedDict[WindowXYXY, Any] = OrderedDict()

    @property
    def memory_bytes(self) -> int:
        """Bytes of what the segmenter keeps of the parts."""
        return sum(bytes_of(opened) for opened in list(self._opened.values()))

    def get(self, window: WindowXYXY, open_part: Callable[[], Any]) -> Any:
        """The opened part; slow the first time."""
        with self._lock:
            if window not in self._opened:
                self._opened[window] = open_part()
                while len(self._opened) > KEPT:
                    self._opened.popitem(last=False)
            self._opened.move_to_end(window)
            return self._opened[window]


def masks_within(opened: Any, prompt: SegmentPrompt, size_hw: tuple[int, int]) -> list[Mask]:
    """The masks bool (H, W) of the whole picture for a prompt with a window, found in its opened part, best first.

    A thing that reaches the window's edge goes on beyond it and is left out. Where it is the best one, there are none.
    """
    assert prompt.window_xyxy is not None
    x0, y0, x1, y1 = prompt.window_xyxy
    if prompt.box_xyxy is not None or not all(x0 <= x < x1 and y0 <= y < y1 for x, y in prompt.points_xy):
        return []
    points = [(x - x0, y - y0) for x, y in prompt.points_xy]
    height, width = size_hw
    found = []
    for scored in opened.segment(points, list(prompt.labels)):
        part = scored.mask
        edges = (
            [part[:, 0]] * (x0 > 0) + [part[:, -1]] * (x1 < width) + [part[0]] * (y0 > 0) + [part[-1]] * (y1 < height)
        )
        if part.any() and not any(edge.any() for edge in edges):
            whole = np.zeros((height, width), np.bool_)
            whole[y0:y1, x0:x1] = part
            found.append(whole)
        elif not found:
            return []
    return found
