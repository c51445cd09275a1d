"""Caption placement: inside or next to the region, within the picture, without overlaps.

Works on rectangles in any unit: the page uses screen pixels, the overlay picture pixels. The caller measures the width
of texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1."""

SHARES = (1.0, 0.75, 0.55, 0.4)
"""Widths that are tried, as shares of the whole width, before the caption is left out."""
SHARES_ON_OTHERS = (0.1, 0.5, 1.0)
"""How much of a caption may lie on another caption's region: the least share at which a place is free counts."""


@dataclass(frozen=True)
class CaptionLayout:
    """A caption to place: its full size, its smallest width when cut, and its region."""

    box_xyxy: Box
    """The region's bounding box, within the picture."""
    anchor_xy: tuple[float, float]
    """A point deep inside the region, where its number is drawn."""
    width: float
    height: float
    least_width: float = 0.0
    """A caption that would have to be narrower than this is left out."""


def place(
    captions: Sequence[CaptionLayout], size_wh: tuple[float, float], taken: Sequence[Box] = ()
) -> list[Box | None]:
    """A rectangle for each caption, or None where it does not fit; earlier captions are placed first.

    size_wh: width and height of the picture. taken: rectangles to avoid, such as the numbers of the regions.
    Each rectangle lies within the picture, in or at most a quarter of its height beside the box of its region, is as
    high as its caption, at most as wide and at least `least_width` wide, and overlaps none of the others. Where there
    is a choice, it does not lie on the region of another caption, unless its own region lies there.
    """
    regions = np.array([caption.box_xyxy for caption in captions], dtype=np.float64).reshape(-1, 4)
    blocked = np.array(taken, dtype=np.float64).reshape(-1, 4)
    spots: list[Box | None] = []
    for caption in captions:
        candidates = _candidates(caption, size_wh)
        free = np.flatnonzero(~_overlap(candidates, blocked).any(axis=1))
        if not len(free):
            spots.append(None)
            continue
        on_others = _share_on(candidates[free], _without_around(regions, caption.anchor_xy))
        most = next(share for share in SHARES_ON_OTHERS if (on_others <= share).any())
        spot = candidates[free[np.argmax(on_others <= most)]]
        blocked = np.vstack([blocked, spot])
        spots.append((float(spot[0]), float(spot[1]), float(spot[2]), float(spot[3])))
    return spots


def _candidates(caption: CaptionLayout, size_wh: tuple[float, float]) -> NDArray[np.float64]:
    """Candidate rectangles (N, 4) for one caption, best first.

    Whole before cut, inside before beside its region. A caption that is wider than the picture is cut everywhere: it
    stands inside its region where any of its widths but the least does.
    """
    high = caption.height
    if high > size_wh[1]:
        return np.empty((0, 4))
    widths = [share * caption.width for share in SHARES]
    least = min(caption.least_width, caption.width)
    widths = [min(wide, size_wh[0]) for wide in (*(w for w in widths if w > least), least)]
    widths = [wide for wide in dict.fromkeys(widths) if wide >= least]
    insides = [_inside(caption, wide) for wide in widths]
    besides = [_beside(caption, wide) for wide in widths]
    ordered = [spots for pair in zip(insides, besides, strict=True) for spots in pair]
    if caption.width > size_wh[0]:
        ordered = [*insides[:-1], *ordered]  # at its least width too little of it could be read
    boxes = [_kept_within(spot, size_wh) for spots in ordered for spot in spots]
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def _inside(caption: CaptionLayout, wide: float) -> list[Box]:
    """Rectangles of this width inside the region's box, nearest to its anchor first."""
    x0, y0, x1, y1 = caption.box_xyxy
    x, y = caption.anchor_xy
    high = caption.height
    found: list[Box] = []
    if wide <= x1 - x0:
        left = min(max(x - wide / 2, x0), x1 - wide)
        # At the anchor itself if it is free; usually the number is there, and the caption goes above or below it.
        for step in (0.0, 1.25, -1.25, 2.5, -2.5):
            top = y + step * high - high / 2
            if y0 <= top and top + high <= y1:
                found.append((left, top, left + wide, top + high))
    return found


def _beside(caption: CaptionLayout, wide: float) -> list[Box]:
    """Rectangles of this width on the four sides of the region's box."""
    x0, y0, x1, y1 = caption.box_xyxy
    high = caption.height
    gap = high / 4
    found: list[Box] = []
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    for left in (middle_x - wide / 2, x0, x1 - wide):
        found.append((left, y0 - gap - high, left + wide, y0 - gap))
        found.append((left, y1 + gap, left + wide, y1 + gap + high))
    for top in (middle_y - high / 2, y0, y1 - high):
        found.append((x1 + gap, top, x1 + gap + wide, top + high))
        found.append((x0 - gap - wide, top, x0 - gap, top + high))
    return found


def _without_around(regions: NDArray[np.float64], point_xy: tuple[float, float]) -> NDArray[np.float64]:
    """The boxes (N, 4) without those around this point."""
    around = (regions[:, :2] <= point_xy).all(axis=1) & (regions[:, 2:] >= point_xy).all(axis=1)
    return regions[~around]


def _share_on(candidates: NDArray[np.float64], regions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) in 0..1: the largest share of each candidate (N, 4) that lies on one of the regions (M, 4)."""
    one, other = candidates[:, None], regions[None]
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    areas = (candidates[:, 2:] - candidates[:, :2]).prod(axis=1)
    overlaps: NDArray[np.float64] = sides.clip(0).prod(axis=2).max(axis=1, initial=0.0)
    return np.minimum(overlaps / np.maximum(areas, 1e-9), 1.0)


def _kept_within(spot: Box, size_wh: tuple[float, float]) -> Box:
    """The rectangle moved by the smallest distance into the picture, and cut if it is larger than the picture."""
    wide, high = spot[2] - spot[0], spot[3] - spot[1]
    left = min(max(spot[0], 0.0), max(size_wh[0] - wide, 0.0))
    top = min(max(spot[1], 0.0), max(size_wh[1] - high, 0.0))
    return left, top, min(left + wide, size_wh[0]), min(top + high, size_wh[1])


def _overlap(candidates: NDArray[np.float64], blocked: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of the candidates (N, 4) overlap which of the blocked (M, 4), as bool (N, M); touching is no overlap."""
    one, other = candidates[:, None], blocked[None]
    return np.asarray((one[..., :2] < other[..., 2:]).all(axis=2) & (other[..., :2] < one[..., 2:]).all(axis=2))
