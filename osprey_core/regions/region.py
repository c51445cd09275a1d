"""A region: a numbered mask with a name, and the colour that its number always has.

Also the changes of a list of regions, as functions that give a new tuple. Knows neither the picture nor how a region
was found or is drawn.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from osprey_core.errors import InputError
from osprey_core.regions import masks
from osprey_core.regions.masks import Mask

MAX_NAME_CHARACTERS = 200

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

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
            raise InputError("region.mask_invalid")
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


def clean_name(name: str) -> str:
    """A name from elsewhere, fit to be shown in one line: without unprintable characters, and not too long."""
    return _UNPRINTABLE.sub(" ", name).strip()[:MAX_NAME_CHARACTERS].rstrip()


# --- changes of a list of regions ------------------------------------------------------------------------------------


def find(regions: Sequence[Region], number: int) -> Region:
    """The region with this number. Raises InputError, naming those there are, if there is none."""
    for region in regions:
        if region.number == number:
            return region
    have = ", ".join(str(region.number) for region in regions)
    if not have:
        raise InputError("region.unknown_none_marked", number=number)
    raise InputError("region.unknown", number=number, numbers=have)


def next_number(regions: Sequence[Region]) -> int:
    """One more than the highest number: numbers of deleted regions in between are not given again."""
    return max((region.number for region in regions), default=0) + 1


def renamed(regions: Sequence[Region], number: int, name: str) -> tuple[Region, ...]:
    """With another name for one region, without white space around it; "" takes its name away."""
    clean = " ".join(_UNPRINTABLE.sub(" ", name).split())
    if len(clean) > MAX_NAME_CHARACTERS:
        raise InputError("region.name_too_long", limit=MAX_NAME_CHARACTERS, count=len(clean))
    return _replaced(regions, replace(find(regions, number), name=clean))


def deleted(regions: Sequence[Region], number: int) -> tuple[Region, ...]:
    """Without one region; all others keep their numbers, and so their colours."""
    gone = find(regions, number)
    return tuple(region for region in regions if region is not gone)


def merged(regions: Sequence[Region], numbers: Sequence[int]) -> tuple[Region, ...]:
    """With all pixels of several regions in the first of `numbers`, which keeps its name or takes the next one's.

    Raises InputError unless `numbers` are two or more different regions.
    """
    if len(set(numbers)) < 2 or len(set(numbers)) != len(numbers):
        raise InputError("region.merge_same")
    parts = [find(regions, number) for number in numbers]
    name = next((part.name for part in parts if part.name), "")
    whole = Region(numbers[0], masks.union([part.mask for part in parts]), name)
    return tuple(r for r in _replaced(regions, whole) if r.number == whole.number or r.number not in numbers)


def subtracted(regions: Sequence[Region], number: int, other: int) -> tuple[Region, ...]:
    """With the pixels of the region `other` taken out of the region `number`; `other` stays as it is."""
    if number == other:
        raise InputError("region.subtract_same")
    taken = find(regions, other).mask
    return changed(regions, number, lambda mask: masks.subtract(mask, taken))


def changed(regions: Sequence[Region], number: int, change: Callable[[Mask], Mask]) -> tuple[Region, ...]:
    """With another mask for one region, such as `masks.grow` or `masks.fill_holes` make from its present one.

    Raises InputError if nothing would be left of it.
    """
    region = find(regions, number)
    mask = change(region.mask)
    if not mask.any():
        raise InputError("region.nothing_left", number=number)
    return _replaced(regions, replace(region, mask=mask))


def _replaced(regions: Sequence[Region], new: Region) -> tuple[Region, ...]:
    return tuple(new if region.number == new.number else region for region in regions)


# --- colours ---------------------------------------------------------------------------------------------------------


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
        raise InputError("region.colour_invalid", value=repr(color))
    value = int(color[1:], 16)
    return value >> 16, value >> 8 & 255, value & 255


def _relative_luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb_of(color))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _check_number(number: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise InputError("region.number_invalid", value=repr(number))
