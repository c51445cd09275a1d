"""The protocol of segmenters: open a picture once (slow), then turn clicks and boxes into masks (fast).

Also contains what all segmenters share: checking of pictures and prompts, and enforcing clicked points.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from osprey_core.errors import InputError
from osprey_core.regions.masks import Mask, intersection_over_union

PointXY = tuple[float, float]
BoxXYXY = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class ScoredMask:
    """A mask bool (H, W) and the segmenter's confidence, 0..1."""

    mask: Mask
    score: float


class OpenedPicture(Protocol):
    """A picture prepared for clicks. Its observable state is immutable: threads and people may share it."""

    def segment(
        self,
        points_xy: Sequence[PointXY] = (),
        labels: Sequence[int] = (),
        box_xyxy: BoxXYXY | None = None,
    ) -> list[ScoredMask]:
        """One to three masks (H, W) of different extent for what was pointed at, best first.

        points_xy: points (x, y) inside the picture; labels: 1 = belongs to it, 0 = does not, one per point;
        box_xyxy: a box around it, any two opposite corners, clipped to the picture. At least one point with label 1
        or a box is needed. Every mask holds all points with label 1 and none with label 0. Raises InputError if
        the points and the box cannot be used.
        """
        ...

    def preview(self, x: float, y: float) -> Mask:
        """What a click at (x, y) would mark, (H, W), found quickly: it may be coarser than the mask of the click.

        Raises InputError if the point lies outside the picture.
        """
        ...

    def everything(self) -> list[ScoredMask]:
        """Masks of all segments of the picture, largest first; they may nest but are not near duplicates."""
        ...


class Segmenter(Protocol):
    """Opens pictures. One segmenter serves all people; opened pictures are independent of each other."""

    @property
    def name(self) -> str:
        """Its name for load_segmenter, such as "classic"."""
        ...

    def open(self, image: NDArray[np.uint8]) -> OpenedPicture:
        """Prepare a picture uint8 (H, W, 3), which may be slow. Raises InputError for anything else."""
        ...

    def open_part(self, part: NDArray[np.uint8], whole: OpenedPicture) -> OpenedPicture:
        """Prepare pixels uint8 (h, w, 3) that were cut out of a picture this segmenter has opened.

        Raises InputError for anything else.
        """
        ...


@dataclass(frozen=True)
class CheckedPrompt:
    """Checked clicks and box: the points lie inside the picture, the box (x0 < x1, y0 < y1) as well.

    clicks: all points with their labels in the order in which they were given: (x, y, 1 or 0).
    """

    positive_xy: tuple[PointXY, ...]
    negative_xy: tuple[PointXY, ...]
    box_xyxy: BoxXYXY | None
    clicks: tuple[tuple[float, float, int], ...] = field(default=(), compare=False)


class PromptedPicture(ABC):
    """Base of this package's opened pictures: checks the prompt, and enforces the points on the resulting masks."""

    def __init__(self, size_hw: tuple[int, int]) -> None:
        self._size_hw = size_hw

    def segment(
        self,
        points_xy: Sequence[PointXY] = (),
        labels: Sequence[int] = (),
        box_xyxy: BoxXYXY | None = None,
    ) -> list[ScoredMask]:
        """See OpenedPicture.segment."""
        prompt = check_prompt(points_xy, labels, box_xyxy, self._size_hw)
        return [ScoredMask(hold_to_points(found.mask, prompt), found.score) for found in self._find(prompt)]

    def preview(self, x: float, y: float) -> Mask:
        """See OpenedPicture.preview."""
        prompt = check_prompt([(x, y)], [1], None, self._size_hw)
        return hold_to_points(self._glance(prompt)[0].mask, prompt)

    @abstractmethod
    def _find(self, prompt: CheckedPrompt) -> list[ScoredMask]:
        """One to three masks of the picture's own size, best first. The caller may change them."""

    def _glance(self, prompt: CheckedPrompt) -> list[ScoredMask]:
        """As `_find`, for a segmenter that finds masks in several steps: what the first one gives."""
        return self._find(prompt)


def first_distinct(candidates: Iterable[ScoredMask], same: float, count: int) -> list[ScoredMask]:
    """The first masks, at most `count`, that are not empty and overlap none before them by more than `same`.

    Candidates are taken one by one, and no more of them than needed.
    """
    kept: list[ScoredMask] = []
    for candidate in candidates:
        if candidate.mask.any() and all(intersection_over_union(candidate.mask, k.mask) <= same for k in kept):
            kept.append(candidate)
            if len(kept) == count:
                break
    return kept


def check_picture(image: Any) -> None:
    """Raise InputError unless `image` is a uint8 array (H, W, 3) with at least one pixel."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError("segmenter.picture_invalid")
    if not image.size:
        raise InputError("segmenter.picture_empty")


def check_prompt(
    points_xy: Sequence[PointXY], labels: Sequence[int], box_xyxy: BoxXYXY | None, size_hw: tuple[int, int]
) -> CheckedPrompt:
    """Check clicks and box against the size of the picture; raises InputError saying which one is wrong."""
    height, width = size_hw
    if len(points_xy) != len(labels):
        raise InputError("segmenter.labels_mismatch", points=len(points_xy), labels=len(labels))
    positive: list[PointXY] = []
    negative: list[PointXY] = []
    clicks: list[tuple[float, float, int]] = []
    for point, label in zip(points_xy, labels, strict=True):
        if label not in (0, 1):
            raise InputError("segmenter.label_invalid", value=repr(label))
        x, y = _numbers(point, 2, "segmenter.point_invalid")
        if not (0 <= x < width and 0 <= y < height):
            raise InputError("segmenter.point_outside", x=f"{x:g}", y=f"{y:g}", width=width, height=height)
        (positive if label else negative).append((x, y))
        clicks.append((x, y, int(label)))
    both = {(int(x), int(y)) for x, y in positive} & {(int(x), int(y)) for x, y in negative}
    if both:
        raise InputError("segmenter.point_contradicts", pixel=str(min(both)))
    box = None if box_xyxy is None else _check_box(box_xyxy, width, height)
    if not positive and box is None:
        raise InputError("segmenter.nothing_marked")
    for x, y in positive if box else ():
        assert box is not None
        if not (box[0] <= x < box[2] and box[1] <= y < box[3]):
            raise InputError("segmenter.point_outside_box", x=f"{x:g}", y=f"{y:g}")
    return CheckedPrompt(tuple(positive), tuple(negative), box, tuple(clicks))


def hold_to_points(mask: Mask, prompt: CheckedPrompt) -> Mask:
    """The mask (H, W) with a dot added or taken away wherever it contradicts a point; changed in place."""
    radius = max(1, round(math.sqrt(mask.size) / 200))
    for points, value in ((prompt.negative_xy, False), (prompt.positive_xy, True)):
        for x, y in points:
            if mask[int(y), int(x)] != value:
                y0, x0 = max(0, int(y) - radius), max(0, int(x) - radius)
                window = mask[y0 : int(y) + radius + 1, x0 : int(x) + radius + 1]
                rows, columns = np.ogrid[y0 : y0 + window.shape[0], x0 : x0 + window.shape[1]]
                window[(rows - int(y)) ** 2 + (columns - int(x)) ** 2 <= radius**2] = value
    for x, y in prompt.negative_xy:  # a nearby positive point's dot may have set it again
        mask[int(y), int(x)] = False
    return mask


def _check_box(box_xyxy: BoxXYXY, width: int, height: int) -> BoxXYXY:
    xa, ya, xb, yb = _numbers(box_xyxy, 4, "segmenter.box_invalid")
    x0, x1 = max(0.0, min(xa, xb)), min(float(width), max(xa, xb))
    y0, y1 = max(0.0, min(ya, yb)), min(float(height), max(ya, yb))
    if x0 >= x1 or y0 >= y1:
        raise InputError(
            "segmenter.box_outside", x0=f"{xa:g}", y0=f"{ya:g}", x1=f"{xb:g}", y1=f"{yb:g}", width=width, height=height
        )
    return x0, y0, x1, y1


def _numbers(values: Any, count: int, code: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        raise InputError(code, value=repr(values)) from None
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        raise InputError(code, value=repr(values))
    return numbers
