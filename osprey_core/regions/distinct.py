"""Regions that show one thing each, among many that may show the same thing, or parts of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osprey_core.regions.masks import Mask, area, box_xyxy


class DistinctRegions:
    """Which of some regions stand for a thing of their own, at any threshold of their scores."""

    def __init__(self, regions: Sequence[Mask], scores: Sequence[float], same_thing: float) -> None:
        """
        Args:
            regions: bool (H, W), none of them empty.
            scores: one for each region, 0..1.
            same_thing: two regions that share more than this much of the smaller one show the same thing.
        """
        self._scores = tuple(scores)
        areas = [area(region) for region in regions]
        boxes = [box_xyxy(region) for region in regions]
        places = range(len(regions))
        # A large region stands before its parts unless they fit clearly better.
        self._order = sorted(places, key=lambda place: (-self._scores[place] * areas[place] ** 0.5, place))
        self._rivals = [
            frozenset(
                other
                for other in places
                if other != place
                and _shared(regions[place], regions[other], boxes[place], boxes[other])
                > same_thing * min(areas[place], areas[other])
            )
            for place in places
        ]

    def kept(self, least: float = 0.0) -> list[int]:
        """Places of the regions with at least this score that show one thing each, the largest and best first."""
        kept: list[int] = []
        for place in self._order:
            if self._scores[place] >= least and self._rivals[place].isdisjoint(kept):
                kept.append(place)
        return kept


def _shared(one: Mask, other: Mask, box: tuple[int, int, int, int], other_box: tuple[int, int, int, int]) -> int:
    """Number of pixels that two masks share."""
    x0, y0 = max(box[0], other_box[0]), max(box[1], other_box[1])
    x1, y1 = min(box[2], other_box[2]), min(box[3], other_box[3])
    if x1 <= x0 or y1 <= y0:
        return 0
    return int(np.count_nonzero(one[y0:y1, x0:x1] & other[y0:y1, x0:x1]))
