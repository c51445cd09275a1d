"""Caption placement for the canvas: the script calls the core's layout through this module."""

from __future__ import annotations

from typing import Any

from osprey_core.draw import caption_layout
from osprey_core.draw.caption_layout import CaptionLayout

MAX_CAPTIONS = 200


def place_captions(wanted: Any) -> list[list[float] | None]:
    """A box for each caption, or None where it does not fit.

    `wanted` comes from the script: captions, size of the picture, occupied boxes, all in CSS pixels. A malformed value
    gives an empty list.
    """
    try:
        rows = wanted["captions"][:MAX_CAPTIONS]
        captions = [
            CaptionLayout(
                _box(row["box"]),
                _pair(row["anchor"]),
                _positive(row["width"]),
                _positive(row["height"]),
                float(row["least"]),
            )
            for row in rows
        ]
        size, taken = _pair(wanted["size"]), [_box(box) for box in wanted["taken"][:MAX_CAPTIONS]]
        return [list(spot) if spot else None for spot in caption_layout.place(captions, size, taken)]
    except (TypeError, ValueError, KeyError, IndexError, OverflowError):
        return []


def _numbers(values: Any, count: int) -> tuple[float, ...]:
    numbers = tuple(float(value) for value in values)
    if len(numbers) != count or not all(abs(number) < 1e6 for number in numbers):
        raise ValueError("not so many numbers of a sane size")
    return numbers


def _pair(values: Any) -> tuple[float, float]:
    x, y = _numbers(values, 2)
    return x, y


def _box(values: Any) -> caption_layout.Box:
    x0, y0, x1, y1 = _numbers(values, 4)
    return x0, y0, x1, y1


def _positive(value: Any) -> float:
    (number,) = _numbers([value], 1)
    return max(number, 1.0)
