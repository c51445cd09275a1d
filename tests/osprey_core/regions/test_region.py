"""Regions: values that compare by their pixels, in colours that stay apart and carry readable numbers."""

import itertools
from typing import Any

import numpy as np
import pytest

from osprey_core.errors import InputError
from osprey_core.regions.colors import PALETTE, color_of, rgb_of, text_color_on
from osprey_core.regions.region import NumberedMask


def test_regions_are_equal_if_number_name_and_every_pixel_are() -> None:
    mask = np.eye(4, dtype=bool)
    region = NumberedMask(1, mask, "beak")
    assert region == NumberedMask(1, mask.copy(), "beak")
    assert hash(region) == hash(NumberedMask(1, mask.copy(), "beak"))
    assert region != NumberedMask(2, mask, "beak")
    assert region != NumberedMask(1, mask, "wing")
    assert region != NumberedMask(1, ~mask, "beak")
    assert region != NumberedMask(1, np.ones((2, 2), bool), "beak")
    assert region != "beak"
    assert {region: 1}[NumberedMask(1, mask, "beak")] == 1


def test_a_region_keeps_its_own_unchangeable_mask() -> None:
    mask = np.eye(4, dtype=bool)
    region = NumberedMask(1, mask)
    mask[:] = False
    assert region.mask.sum() == 4
    with pytest.raises(ValueError, match="read-only"):
        region.mask[0, 0] = False
    with pytest.raises(AttributeError):
        region.number = 3  # type: ignore[misc]


@pytest.mark.parametrize("number", [0, -1, 1.0, True, "1", None])
def test_numbers_count_from_one(number: Any) -> None:
    with pytest.raises(InputError, match="no region number"):
        NumberedMask(number, np.ones((2, 2), bool))
    with pytest.raises(InputError, match="no region number"):
        color_of(number)


@pytest.mark.parametrize("mask", [None, np.ones((2, 2)), np.ones((2, 2, 1), bool)])
def test_a_region_needs_a_checked_mask(mask: np.ndarray) -> None:
    with pytest.raises(InputError, match="bool array"):
        NumberedMask(1, mask)


def test_the_colour_follows_from_the_number_alone_and_starts_again() -> None:
    count = len(PALETTE)
    assert NumberedMask(3, np.ones((2, 2), bool)).color == color_of(3) == color_of(3 + count)
    assert len({color_of(n) for n in range(1, count + 1)}) == count


# Viénot, Brettel and Mollon's projections of linear RGB for eyes without red or without green cones.
BLINDNESS = {
    "none": np.eye(3),
    "protan": np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]),
    "deutan": np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]),
}


@pytest.mark.parametrize("eyes", BLINDNESS)
def test_colours_stay_apart_for_colour_blind_eyes(eyes: Any) -> None:
    from skimage.color import rgb2lab

    linear = (np.array([rgb_of(color) for color in PALETTE]) / 255) ** 2.2
    seen = np.clip(linear @ BLINDNESS[eyes].T, 0, 1) ** (1 / 2.2)
    lab = rgb2lab(seen[None])[0]
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2))
    assert nearest > 10


def test_numbers_are_readable_on_every_colour() -> None:
    def luminance(color: str) -> float:
        return float((np.array([0.2126, 0.7152, 0.0722]) * (np.array(rgb_of(color)) / 255) ** 2.2).sum())

    for color in (*PALETTE, "#000000", "#ffffff"):
        light, dark = sorted([luminance(color), luminance(text_color_on(color))], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("color", ["red", "#12345", "#12345g", "e69f00", "#+12345"])
def test_what_is_no_colour_is_refused(color: str) -> None:
    with pytest.raises(InputError, match="must look like #e69f00"):
        rgb_of(color)
