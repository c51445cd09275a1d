"""Bring pictures whose samples are no plain bytes to 8 bits: 10 to 16 bits, 32 bits, signed numbers, floats.

Pillow would clip, wrap or show them black. What cannot be scaled is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from osprey_core.errors import InputError
from osprey_core.i18n import Message

_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
"""Numbers of TIFF's tags."""
_SIGNED = 2
_DEPTHS = (8, 10, 12, 14, 16)
"""Bits that cameras and scanners fill of 16."""
_NO_DATA = 1e30
"""Larger floats are marks for missing pixels."""
_DIM_FLOATS = 32.0
"""Floats up to 255 are tones of 8 bits if they reach this, or are whole numbers; others are light without a scale."""
_FEW_TONES = 16
"""A colour picture of 16 bits that stays below this many of 256 tones uses 12 bits or fewer."""


@dataclass(frozen=True)
class SampleNotes:
    """What a file says of its samples that the decoded picture does not tell."""

    is_signed_8_bit: bool = False
    is_unsigned_32_bit: bool = False
    is_white_zero: bool = False
    """Whether 0 is white in a grey picture of 16 bits, which Pillow does not turn round."""
    is_16_bit_color: bool = False
    """Whether the file has 16 bits for each colour, of which Pillow takes the upper 8."""

    @classmethod
    def of(cls, image: Image.Image) -> SampleNotes:
        """From an opened picture that is not decoded yet."""
        tags: Any = getattr(image, "tag_v2", None) or {}
        bits, kinds = _numbers(tags, _BITS_PER_SAMPLE), _numbers(tags, _SAMPLE_FORMAT)
        return cls(
            image.mode == "L" and kinds == (_SIGNED,),
            image.mode == "I" and bits == (32,) and kinds in ((), (1,)),
            image.mode.startswith("I;16") and _numbers(tags, _PHOTOMETRIC) == (0,),
            image.mode in ("RGB", "RGBA", "RGBX", "CMYK", "LA") and any(";16" in str(part) for part in _tiles(image)),
        )


def has_wide_samples(image: Image.Image, notes: SampleNotes) -> bool:
    """Whether a decoded picture needs `to_8_bit`, or its refusal."""
    if image.mode.startswith(("I", "F")) or notes.is_signed_8_bit:
        return True
    return notes.is_16_bit_color and _brightest(image) < _FEW_TONES


def to_8_bit(image: Image.Image, notes: SampleNotes, name: Message) -> NDArray[np.uint8]:
    """The grey picture (H, W) in 8 bits.

    Raises InputError if it holds a single value without a meaning as a tone, no number at all, or colours of so few of
    their 16 bits that what Pillow decodes is nearly black.
    """
    if notes.is_16_bit_color:
        raise InputError("picture.tones_too_few", picture=name)
    values = np.asarray(image)
    if notes.is_signed_8_bit:
        values = values.view(np.int8)
    elif notes.is_unsigned_32_bit:
        values = np.ascontiguousarray(values).view(np.uint32)
    grey = values.astype(np.float64)
    known = np.isfinite(grey) & (np.abs(grey) < _NO_DATA)
    if not known.any():
        raise InputError("picture.values_missing", picture=name)
    low, high = float(grey[known].min()), float(grey[known].max())
    grey = np.clip(np.nan_to_num(grey, nan=low, posinf=high, neginf=low), low, high)
    black, white = _range(low, high, values if values.dtype.kind in "iu" else grey)
    if black == white:
        raise InputError("picture.value_single", picture=name, value=f"{low:g}")
    if notes.is_white_zero:
        black, white = white, black
    return np.rint((grey - black) * (255 / (white - black))).clip(0, 255).astype(np.uint8)


def _range(low: float, high: float, values: NDArray[Any]) -> tuple[float, float]:
    """The values that are black and white in a picture whose values reach from low to high."""
    if low < 0:
        return low, high
    is_whole = values.dtype.kind in "iu"
    if not is_whole and high <= 1:
        return 0, 1
    if not is_whole and high < _DIM_FLOATS and not bool((values == np.rint(values)).all()):
        return 0, high
    return 0, next((2.0**bits - 1 for bits in _DEPTHS if high < 2**bits), high)


def _brightest(image: Image.Image) -> int:
    """The brightest value of all bands but the transparency."""
    bands = image.getbands()
    extrema: Any = image.getextrema()
    ranges = extrema if len(bands) > 1 else (extrema,)
    return max(int(top) for band, (_, top) in zip(bands, ranges, strict=True) if band not in ("A", "X"))


def _numbers(tags: Any, tag: int) -> tuple[int, ...]:
    try:
        value = tags.get(tag)
    except Exception:  # a damaged tag raises nearly anything when it is read
        return ()
    if isinstance(value, int):
        return (value,)
    return tuple(value) if isinstance(value, tuple) and all(isinstance(part, int) for part in value) else ()


def _tiles(image: Image.Image) -> list[Any]:
    return [tile[3] for tile in getattr(image, "tile", []) or [] if len(tile) > 3]
