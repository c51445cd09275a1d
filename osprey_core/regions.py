"""A region: a numbered mask with a name, and the colour that its number always has.

Knows neither the picture nor how a region was found or is drawn.
"""

import re
from dataclasses import dataclass

import numpy as np

from osprey_core.errors import InputError
from osprey_core.masks import Mask

#: Told apart with every common kind of colour blindness, and lively enough for photographs. The order keeps
#: neighbours far apart in hue and in lightness.
PALETTE = (
    "#e69f00",  # orange
    "#56b4e9",  # sky blue
    "#cc79a7",  # pink
    "#009e73",  # green
    "#f0e442",  # yellow
    "#0072b2",  # blue
    "#d55e00",  # vermilion
    "#8a3ffc",  # violet
)


@dataclass(frozen=True, eq=False)
class Region:
    """One marked part of a picture: number from 1 up, mask bool (H, W) (kept read-only), name as the person sees it.

    Two regions are equal if number, name and every pixel are.
    """

    number: int
    mask: Mask
    name: str = ""

    def __post_init__(self) -> None:
        _check_number(self.number)
        if not isinstance(self.mask, np.ndarray) or self.mask.ndim != 2 or self.mask.dtype != np.bool_:
            raise InputError("The mask of a region must be a bool array (height, width); use as_mask first.")
        mask = self.mask.copy()
        mask.setflags(write=False)
        object.__setattr__(self, "mask", mask)

    @property
    def color(self) -> str:
        """The region's colour "#rrggbb", given by its number alone."""
        return color_of(self.number)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Region):
            return NotImplemented
        return (self.number, self.name) == (other.number, other.name) and np.array_equal(self.mask, other.mask)

    def __hash__(self) -> int:
        return hash((self.number, self.name, self.mask.shape))


def color_of(number: int) -> str:
    """Colour "#rrggbb" of the region with this number (1, 2, …); after the palette's end it starts again."""
    _check_number(number)
    return PALETTE[(number - 1) % len(PALETTE)]


def text_color_on(color: str) -> str:
    """Black or white, whichever is easier to read on `color` ("#rrggbb")."""
    luminance = _relative_luminance(color)
    # The two contrast ratios of WCAG: (1.05 / (L + 0.05)) for white, ((L + 0.05) / 0.05) for black.
    return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#ffffff"


def rgb_of(color: str) -> tuple[int, int, int]:
    """(red, green, blue), each 0..255, of "#rrggbb"."""
    if not re.fullmatch("#[0-9a-fA-F]{6}", color):
        raise InputError(f"A colour must look like #e69f00, not {color!r}.")
    value = int(color[1:], 16)
    return value >> 16, value >> 8 & 255, value & 255


def _relative_luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb_of(color))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _check_number(number: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise InputError(f"Regions are numbered 1, 2, 3…, so {number!r} is no region number.")
