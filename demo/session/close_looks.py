"""Small things in large pictures: the segmenter also sees the part alone that a person has enlarged."""

from __future__ import annotations

import math

from demo.session.session import Picture, SegmentPrompt
from osprey_core.regions.masks import Mask
from osprey_core.segment import OpenedPicture
from osprey_core.segment.parts import Window, span

LEAST_SIDE = 96
"""Pixels: a smaller part tells a segmenter too little of what surrounds the thing."""
KEPT_PARTS = 4
"""Of one picture, that stay opened."""


def window_of(picture: Picture, x: float, y: float, shown: float | None) -> Window | None:
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
    left, right = span(x, side, picture.width, side / 2)
    top, bottom = span(y, side, picture.height, side / 2)
    return Window(left, top, right, bottom)


def masks_within(opened: OpenedPicture, prompt: SegmentPrompt, size_hw: tuple[int, int]) -> list[Mask]:
    """The masks bool (H, W) of the whole picture for a prompt with a window, found in its opened part, best first.

    A thing that reaches the window's edge goes on beyond it and is left out. Where it is the best one, there are none.
    """
    window = prompt.window_xyxy
    assert window is not None
    if prompt.box_xyxy is not None or not all(window.holds(x, y) for x, y in prompt.points_xy):
        return []
    points = [(x - window.x0, y - window.y0) for x, y in prompt.points_xy]
    found = []
    for scored in opened.segment(points, list(prompt.labels)):
        if scored.mask.any() and not window.cuts_off(scored.mask, size_hw):
            found.append(window.laid(scored.mask, size_hw))
        elif not found:
            return []
    return found
