"""Which part of a picture the segmenter looks at a second time, because what was marked is small in it.

The network sees any picture as 512 x 512 pixels. A thing that covers a hundredth of a large photograph is a few places
of its masks; seen in a part of the photograph, it is as large as in a small picture. Pure geometry, no network.
"""

from __future__ import annotations

import math

from osprey_core.segment.parts import Window, span
from osprey_core.segment.protocol import BoxXYXY

MARGIN = 1.0
"""What is seen around the marked thing on each side, as a share of its longer side. Half of it showed too little."""

SMALL = 16 / 128
"""A thing whose longer side is less than this share of the picture's is looked at again: sixteen places of a mask of
the network. Larger ones, the second look showed no better."""

LARGE = 3 * 512
"""Pixels of the longer side of a picture that is looked at again: three times what the network sees. In smaller ones
a second look made masks no better (COCO's 640, mosaics of 1280 pixels)."""

LEAST_SIDE = 64
"""Pixels of a window's side at least; enlarged more, there is nothing more to see."""

LEAST_SHARE = 8 / 128
"""Of the picture's longer side that a window shows at least: where a tiny thing lies is known to a few places only."""


def is_large(size_hw: tuple[int, int]) -> bool:
    """Whether anything in a picture of this size may be looked at a second time."""
    return max(size_hw) >= LARGE


def closer_window(box_xyxy: BoxXYXY, size_hw: tuple[int, int]) -> Window | None:
    """The window to look at a thing in; None where the whole picture shows it well enough.

    Windows have few sizes and places, so that a correction of a mask mostly finds the window of before. They hold the
    whole box, and at least half of `MARGIN` around it where the picture goes on.

    Args:
        box_xyxy: around the thing, in pixels of the picture.
        size_hw: of the picture.
    """
    height, width = size_hw
    x0, y0, x1, y1 = box_xyxy
    long_side = max(height, width)
    if not is_large(size_hw) or max(x1 - x0, y1 - y0) >= SMALL * long_side:
        return None
    wanted = max(max(x1 - x0, y1 - y0) * (1 + 2 * MARGIN), LEAST_SHARE * long_side, LEAST_SIDE)
    side = LEAST_SIDE * 2 ** (math.ceil(2 * math.log2(wanted / LEAST_SIDE)) / 2)
    left, right = span((x0 + x1) / 2, side, width, side / 4)
    top, bottom = span((y0 + y1) / 2, side, height, side / 4)
    return Window(left, top, right, bottom)
