"""Run-length coded masks: COCO's format, and a value type that stores a mask in it.

Untrusted run lengths are checked before anything is allocated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osprey_core.errors import InputError
from osprey_core.regions.masks import Mask

MAX_COUNTS = 4_000_000
"""Largest number of characters or numbers of an untrusted run-length mask: more than any photograph's mask needs."""


def encode_rle(mask: Mask) -> dict[str, Any]:
    """COCO's compressed run-length form {"size": [h, w], "counts": str}; the inverse of decode_rle."""
    height, width = mask.shape
    flat = np.asarray(mask, dtype=np.bool_).ravel(order="F")  # COCO runs down the columns
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts_inside = bool(flat.size) and bool(flat[0])
    edges = np.concatenate([[0], [0] if starts_inside else [], changes, [flat.size]]).astype(np.int64)
    return {"size": [int(height), int(width)], "counts": _pack_counts(np.diff(edges))}


def decode_rle(rle: Mapping[str, Any]) -> Mask:
    """Mask (H, W) from COCO's run-length form, compressed (str or bytes) or not (a list of run lengths).

    Raises InputError if the runs do not fill the stated size exactly.
    """
    height, width, runs = _checked_runs(rle)
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape((height, width), order="F")


@dataclass(frozen=True)
class CodedMask:
    """A run-length coded mask, which takes little memory. Equal masks are equal, hashable values."""

    height: int
    width: int
    counts: str = field(repr=False)
    """COCO's compressed runs, without empty runs except possibly the first."""

    @classmethod
    def of(cls, mask: Mask) -> CodedMask:
        """From a bool array (H, W)."""
        return cls(int(mask.shape[0]), int(mask.shape[1]), encode_rle(mask)["counts"])

    @classmethod
    def read(cls, rle: Any, size_hw: tuple[int, int]) -> CodedMask:
        """From an untrusted run-length form, which is never decoded, so that a forged one cannot use up memory.

        Raises InputError if it is damaged, too long, empty or not of the size (height, width).
        """
        if not isinstance(rle, Mapping):
            raise InputError("rle.incomplete")
        counts = rle.get("counts")
        if isinstance(counts, str | bytes | list) and len(counts) > MAX_COUNTS:
            raise InputError("rle.too_ragged")
        height, width, runs = _checked_runs(rle)
        if (height, width) != tuple(size_hw):
            raise InputError(
                "mask.size_mismatch", width=width, height=height, picture_width=size_hw[1], picture_height=size_hw[0]
            )
        if not runs[1::2].any():
            raise InputError("mask.empty")
        return cls(height, width, _pack_counts(_without_empty_runs(runs)))

    @property
    def size_hw(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def area(self) -> int:
        """Number of pixels inside."""
        return int(_unpack_counts(self.counts)[1::2].sum())

    @cached_property
    def digest(self) -> str:
        """A hash of the mask, 32 hexadecimal digits: equal for equal masks, different for different ones."""
        return hashlib.blake2b(f"{self.height},{self.width},{self.counts}".encode(), digest_size=16).hexdigest()

    def rle(self) -> dict[str, Any]:
        """COCO's form {"size": [h, w], "counts": str}."""
        return {"size": [self.height, self.width], "counts": self.counts}

    def mask(self) -> Mask:
        """A new bool array (H, W)."""
        return decode_rle(self.rle())


def _checked_runs(rle: Mapping[str, Any]) -> tuple[int, int, NDArray[np.int64]]:
    """Height, width and the run lengths. Raises InputError unless the runs fill the size exactly."""
    try:
        height, width = (int(side) for side in rle["size"])
        counts = rle["counts"]
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError("rle.incomplete") from None
    if height < 0 or width < 0:
        raise InputError("rle.size_invalid", height=height, width=width)
    runs = _unpack_counts(counts) if isinstance(counts, str | bytes) else _list_counts(counts)
    # Checked before anything is allocated, because sizes and runs may be forged.
    if (runs < 0).any() or (runs > height * width).any() or int(runs.sum()) != height * width:
        raise InputError("rle.size_mismatch", height=height, width=width)
    return height, width, runs


def _without_empty_runs(runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same pixels in as few runs as possible; the first run, of outside pixels, may be empty."""
    filled = np.flatnonzero(runs)
    inside = filled % 2
    begins = np.concatenate([[True], inside[1:] != inside[:-1]])
    joined = np.add.reduceat(runs[filled], np.flatnonzero(begins))
    return np.concatenate([[0], joined]) if inside[0] else joined


def _list_counts(counts: Any) -> NDArray[np.int64]:
    try:
        runs = np.asarray(counts)
        if runs.ndim != 1 or not (runs.size == 0 or np.issubdtype(runs.dtype, np.integer)):
            raise ValueError
        return runs.astype(np.int64)
    except (ValueError, TypeError, OverflowError):
        raise InputError("rle.counts_invalid") from None


def _pack_counts(runs: NDArray[np.int64]) -> str:
    # From the fourth run on, COCO stores the difference to the run two places earlier (the last one of its colour).
    values = runs.copy()
    values[3:] -= runs[1:-2]
    # Little-endian groups of 5 bits; bit 5 says that more follow; bit 4 of the last group is the sign.
    groups: list[NDArray[np.int64]] = []
    present: list[Mask] = []
    alive = np.ones(len(values), dtype=np.bool_)
    while alive.any():
        low = values & 0x1F
        values = values >> 5
        more = np.where(low & 0x10, values != -1, values != 0) & alive
        groups.append(low + np.where(more, 0x20, 0) + 48)
        present.append(alive)
        alive = more
    if not groups:
        return ""
    codes = np.stack(groups, axis=1)  # (runs, groups)
    return codes[np.stack(present, axis=1)].astype(np.uint8).tobytes().decode("ascii")


def _unpack_counts(text: str | bytes) -> NDArray[np.int64]:
    damaged = InputError("rle.counts_damaged")
    try:
        raw = text.encode("ascii") if isinstance(text, str) else bytes(text)
    except UnicodeEncodeError:
        raise damaged from None
    codes = np.frombuffer(raw, dtype=np.uint8).astype(np.int64) - 48
    if not codes.size:
        return np.zeros(0, dtype=np.int64)
    last = (codes & 0x20) == 0
    if (codes < 0).any() or (codes > 0x3F).any() or not last[-1]:
        raise damaged
    ends = np.flatnonzero(last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 7:  # 35 bits: no run of a picture is longer
        raise damaged
    place = np.arange(codes.size) - np.repeat(starts, lengths)
    values = np.add.reduceat((codes & 0x1F) << (5 * place), starts)
    values -= np.where(codes[ends] & 0x10, np.int64(1) << (5 * lengths), 0)
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values
