"""What all kinds of mask files have in common: named masks, what was left out, drawing within a budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osprey_core.errors import InputError
from osprey_core.i18n import Message
from osprey_core.regions.masks import Mask
from osprey_core.regions.raster import polygon_to_mask
from osprey_core.regions.region import clean_name
from osprey_core.regions.rle import CodedMask

MAX_MASKS = 1000
MAX_POINTS = 200_000
"""Largest number of corners of all polygons of a picture together."""
MAX_PIXELS_IN_ALL = 4_000_000_000
"""Largest number of pixels of all masks drawn from the polygons of a picture: some minutes of work."""


@dataclass(frozen=True)
class NamedMask:
    """A mask and its name in the file ("" if it has none)."""

    mask: CodedMask
    name: str = ""
    source_id: int | str | None = None
    """The id that the file gives it: of an annotation, or the value in a label map."""


@dataclass(frozen=True)
class MaskFile:
    """What a mask file holds for one picture."""

    masks: tuple[NamedMask, ...]
    """None of them empty. No masks at all: the file says that this picture has none."""
    notes: tuple[Message, ...] = ()
    """What was left out or read otherwise than it was written, one sentence each, for the person."""


@dataclass
class Notes:
    """Gathers what cannot be used, so that the rest of the file can."""

    problems: list[InputError] = field(default_factory=list)
    """Why a whole mask was left out."""
    parts_left_out: int = 0
    """Number of parts without an area, of masks that have other parts."""
    boxes_used: int = 0
    """Number of masks that are their box only."""
    others: list[Message] = field(default_factory=list)

    @contextmanager
    def tolerating(self, code: str, place: int) -> Iterator[None]:
        """Note an InputError of one mask, wrapped in one with this code, which names the mask by its place.

        What concerns the whole file, too much work, is raised.
        """
        try:
            yield
        except InputError as error:
            wrapped = InputError(code, place=place, reason=error)
            if error.code == "mask_file.work_too_much":
                raise wrapped from None
            self.problems.append(wrapped)

    def sentences(self) -> tuple[Message, ...]:
        """All notes as sentences."""
        told = list(self.others)
        if self.problems:
            first = self.problems[0]
            told.append(Message("mask_file.masks_left_out", {"count": len(self.problems), "first": first}))
        if self.parts_left_out:
            told.append(Message("mask_file.parts_left_out", {"count": self.parts_left_out}))
        if self.boxes_used:
            told.append(Message("mask_file.boxes_used", {"count": self.boxes_used}))
        return tuple(told)


class Budget:
    """The remaining work that a file may cause, so that a small file cannot cause hours of it."""

    def __init__(self, size_hw: tuple[int, int]) -> None:
        self._pixels = size_hw[0] * size_hw[1]
        self._pixels_left, self._points_left = MAX_PIXELS_IN_ALL, MAX_POINTS

    def spend_mask(self) -> None:
        """Count one mask. Raises InputError where the work would be too much."""
        self._pixels_left -= self._pixels
        self._check()

    def spend_corners(self, count: int) -> None:
        """Count the corners of a polygon. Raises InputError where the work would be too much."""
        self._points_left -= count
        self._check()

    def _check(self) -> None:
        if self._pixels_left < 0 or self._points_left < 0:
            raise InputError("mask_file.work_too_much")


def drawn(polygons: Sequence[Any], size_hw: tuple[int, int], budget: Budget, notes: Notes) -> Mask:
    """Mask (H, W): the union of the polygons, each drawn within its own box.

    polygons: untrusted lists of corners; those that are none are left out and counted in the notes.
    Raises InputError if none of them is a polygon, or nothing of the picture is covered.
    """
    with_area: list[NDArray[np.float64]] = []
    problems: list[InputError] = []
    for polygon in polygons:
        try:
            points = pairs(polygon)
        except InputError as error:
            problems.append(error)
            continue
        budget.spend_corners(len(points))
        if len(points) < 3:
            problems.append(InputError("polygon.corners_too_few", count=len(points)))
        else:
            with_area.append(points)
    if not with_area:
        raise problems[0] if problems else InputError("mask_file.polygon_invalid")
    budget.spend_mask()
    mask = np.zeros(size_hw, dtype=np.bool_)
    for points in with_area:
        low = np.clip(np.floor(points.min(axis=0)), 0, (size_hw[1], size_hw[0])).astype(int)
        high = np.clip(np.ceil(points.max(axis=0)), 0, (size_hw[1], size_hw[0])).astype(int)
        window = mask[low[1] : high[1], low[0] : high[0]]
        window |= polygon_to_mask(points - low, window.shape)
    not_empty(mask)
    notes.parts_left_out += len(problems)
    return mask


def box_corners(x0: float, y0: float, x1: float, y1: float) -> list[tuple[float, float]]:
    """The four corners of an upright box, in order around it."""
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def not_empty(mask: Mask) -> Mask:
    """The mask itself. Raises InputError if it covers no pixel."""
    if not mask.any():
        raise InputError("mask_file.mask_empty")
    return mask


def pairs(points: Any) -> NDArray[np.float64]:
    """Points (N, 2) from untrusted pairs of numbers. Raises InputError for anything else."""
    if not isinstance(points, list):
        raise InputError("mask_file.polygon_invalid")
    if len(points) > MAX_POINTS:
        raise InputError("mask_file.corners_too_many")
    try:
        array = np.asarray(points, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        raise InputError("mask_file.points_invalid") from None
    if array.ndim != 2 or array.shape[1] != 2 or not np.isfinite(array).all() or np.abs(array).max() > 1e7:
        raise InputError("mask_file.points_invalid")
    return array


def check_size(listed_hw: tuple[Any, Any], size_hw: tuple[int, int]) -> None:
    """Raises InputError if the file gives another size than the picture's. A size that it does not give is ignored."""
    height, width = listed_hw
    if _is_side(height) and _is_side(width) and (height, width) != tuple(size_hw):
        raise InputError(
            "mask_file.size_mismatch",
            width=width,
            height=height,
            picture_width=size_hw[1],
            picture_height=size_hw[0],
        )


def _is_side(value: Any) -> bool:
    return isinstance(value, int) and value > 0  # some programs write 0 for what they do not know


def clean(name: Any) -> str:
    """A name from the file, fit for display; "" for what is no text."""
    return clean_name(name) if isinstance(name, str) else ""
