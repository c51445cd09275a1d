"""The fixed colour of each region number, and the text colour that is readable on it."""

import re

from osprey_core.errors import InputError

#: Distinguishable with every common kind of colour blindness, and saturated enough for photographs. Neighbours in the
#: list differ strongly in hue and in lightness.
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


def color_of(number: int) -> str:
    """Colour "#rrggbb" of the region with this number (1, 2, …); the palette repeats."""
    check_number(number)
    return PALETTE[(number - 1) % len(PALETTE)]


def text_color_on(color: str) -> str:
    """Black or white, whichever is easier to read on `color` ("#rrggbb")."""
    luminance = _relative_luminance(color)
    # The two contrast ratios of WCAG: (1.05 / (L + 0.05)) for white, ((L + 0.05) / 0.05) for black.
    return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#ffffff"


def rgb_of(color: str) -> tuple[int, int, int]:
    """(red, green, blue), each 0..255, of "#rrggbb"."""
    if not re.fullmatch("#[0-9a-fA-F]{6}", color):
        raise InputError("region.colour_invalid", value=repr(color))
    value = int(color[1:], 16)
    return value >> 16, value >> 8 & 255, value & 255


def _relative_luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb_of(color))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def check_number(number: int) -> None:
    """Raise InputError unless this is a region's number: a whole number of at least 1."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise InputError("region.number_invalid", value=repr(number))
