"""A region: a numbered mask with a name."""

import re
from dataclasses import dataclass

import numpy as np

from osprey_core.errors import InputError
from osprey_core.regions.colors import check_number, color_of
from osprey_core.regions.masks import Mask

MAX_NAME_CHARACTERS = 200

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters and halves of pairs; those that turn the direction of text would reach beyond the name."""


@dataclass(frozen=True, eq=False)
class NumberedMask:
    """One marked part of a picture: number from 1 up, mask bool (H, W) (a read-only copy), name as shown to the person.

    Two regions are equal if their numbers, names and masks are.
    """

    number: int
    mask: Mask
    name: str = ""

    def __post_init__(self) -> None:
        check_number(self.number)
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
        if not isinstance(other, NumberedMask):
            return NotImplemented
        return (self.number, self.name) == (other.number, other.name) and np.array_equal(self.mask, other.mask)

    def __hash__(self) -> int:
        return hash((self.number, self.name, self.mask.shape))


def clean_name(name: str) -> str:
    """An untrusted name for display in one line: without unprintable characters, at most MAX_NAME_CHARACTERS long."""
    return _UNPRINTABLE.sub(" ", name).strip()[:MAX_NAME_CHARACTERS].rstrip()
