"""Drawing: copies only, true to the masks, readable on any background, at any size."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from osprey_core.draw import overlays
from osprey_core.draw.overlays import heat_colors, heat_over, label_point_xy, line_width, overlay, thumbnail
from osprey_core.errors import InputError
from osprey_core.regions.colors import rgb_of
from osprey_core.regions.masks import Mask
from osprey_core.regions.region import NumberedMask


def disc(size_hw: tuple[int, int], center_xy: tuple[float, float], radius: float) -> Mask:
    y, x = np.mgrid[: size_hw[0], : size_hw[1]]
    return (x - center_xy[0]) ** 2 + (y - center_xy[1]) ** 2 <= radius**2


@pytest.fixture
def grey() -> np.ndarray:
    return np.full((200, 300, 3), 128, np.uint8)


def test_the_picture_itself_is_left_alone(grey: Any) -> None:
    region = NumberedMask(1, disc((200, 300), (150, 100), 60))
    for image in (grey, Image.fromarray(grey)):
        drawn = overlay(image, [region])
        assert drawn.shape == grey.shape
        assert drawn.dtype == np.uint8
        assert (drawn != grey).any()
        assert (np.asarray(image) == 128).all()
    assert np.array_equal(overlay(grey, []), grey)


def test_only_the_region_and_a_narrow_rim_change(grey: Any) -> None:
    mask = disc((200, 300), (150, 100), 60)
    drawn = overlay(grey, [NumberedMask(1, mask)], numbers=False)
    changed = (drawn != grey).any(axis=2)
    assert changed[mask].all()
    assert not changed[~disc((200, 300), (150, 100), 64)].any()
    expected = 128 + 0.4 * (np.array(rgb_of("#e69f00")) - 128)
    assert np.abs(drawn[100, 150] - expected).max() <= 1


@pytest.mark.parametrize("background", [(0, 0, 0), (255, 255, 255), (128, 128, 128), (230, 159, 0), (255, 0, 0)])
def test_an_outline_stands_out_on_any_background(background: Any) -> None:
    image = np.full((200, 300, 3), background, np.uint8)
    mask = disc((200, 300), (150, 100), 60)
    for number in range(1, 9):
        drawn = overlay(image, [NumberedMask(number, mask)], alpha=0, numbers=False).astype(int)
        row = drawn[100, 80:100].sum(axis=1)
        assert row.max() - row.min() > 250


def test_small_regions_lie_on_top_of_large_ones_whatever_the_order(grey: Any) -> None:
    small = NumberedMask(1, disc((200, 300), (150, 100), 20))
    large = NumberedMask(2, disc((200, 300), (150, 100), 90))
    one, other = overlay(grey, [small, large], alpha=1), overlay(grey, [large, small], alpha=1)
    assert np.array_equal(one, other)
    assert tuple(one[88, 150]) == rgb_of(small.color)
    assert tuple(one[150, 150]) == rgb_of(large.color)


def test_the_selected_region_is_drawn_stronger(grey: Any) -> None:
    regions = [NumberedMask(1, disc((200, 300), (80, 100), 50)), NumberedMask(2, disc((200, 300), (220, 100), 50))]
    plain, chosen = overlay(grey, regions, numbers=False), overlay(grey, regions, selected=2, numbers=False)
    assert (chosen[100, 220] == plain[100, 220]).all()
    assert np.abs(chosen[100, 80].astype(int) - 128).sum() < np.abs(plain[100, 80].astype(int) - 128).sum()
    outside = ~regions[0].mask & ~regions[1].mask
    right = np.arange(300)[None] > 150
    assert (chosen != grey).any(axis=2)[outside & right].sum() > (plain != grey).any(axis=2)[outside & right].sum()


def test_every_region_carries_its_number_inside(grey: Any) -> None:
    ring = disc((200, 300), (150, 100), 95) & ~disc((200, 300), (150, 100), 60)
    middle = disc((200, 300), (150, 100), 55)
    regions = [NumberedMask(1, ring | middle), NumberedMask(12, middle)]
    changed = (overlay(grey, regions) != overlay(grey, regions, numbers=False)).any(axis=2)
    assert changed[middle].sum() > 50
    assert changed[ring].sum() > 50, "the number of the larger region must not hide under the smaller one"


@pytest.mark.parametrize("background", [(0, 0, 0), (255, 255, 255), (230, 159, 0), (20, 90, 160)])
def test_a_caption_is_white_on_dark_on_any_background(background: Any) -> None:
    image = np.full((300, 400, 3), background, np.uint8)
    region = NumberedMask(1, disc((300, 400), (200, 150), 90))
    plain, drawn = overlay(image, [region]), overlay(image, [region], captions={1: "a red apple"})
    changed = (plain != drawn).any(axis=2)
    rows, columns = np.nonzero(changed)
    plate = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert changed.sum() > 0.9 * plate.shape[0] * plate.shape[1], "one plate"
    grey = plate.mean(axis=2)
    assert (grey > 180).sum() > 40, "letters"
    assert np.median(grey) < 90, "what they stand on"


def test_captions_leave_numbers_alone_and_are_cut_where_they_must(grey: Any) -> None:
    regions = [NumberedMask(1, disc((200, 300), (60, 100), 40)), NumberedMask(2, disc((200, 300), (240, 100), 40))]
    plain = overlay(grey, regions)
    short = overlay(grey, regions, captions={1: "apple"})
    badges = (plain != overlay(grey, regions, numbers=False)).any(axis=2)
    assert not ((short != plain).any(axis=2) & badges).any()
    endless = overlay(grey, regions, captions={1: "an apple " * 50, 2: "a pear " * 50})
    assert endless.shape == plain.shape
    assert (endless != plain).any()
    assert not ((endless != plain).any(axis=2) & badges).any()


def test_what_the_font_cannot_write_is_left_out(grey: Any) -> None:
    region = NumberedMask(1, disc((200, 300), (150, 100), 80))
    plain = overlay(grey, [region])
    assert np.array_equal(overlay(grey, [region], captions={1: "사과"}), plain)
    assert np.array_equal(overlay(grey, [region], captions={1: " ", 9: "nobody"}), plain)
    assert not np.array_equal(overlay(grey, [region], captions={1: "apples, so …"}), plain)


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=30)))
def test_the_label_point_lies_in_the_mask(mask: np.ndarray) -> None:
    mask[0, 0] |= not mask.any()
    x, y = label_point_xy(mask)
    assert mask[y, x]


def test_the_label_point_is_deep_inside_even_of_crescents_and_huge_masks() -> None:
    crescent = disc((400, 400), (200, 200), 150) & ~disc((400, 400), (260, 200), 140)
    x, y = label_point_xy(crescent)
    assert abs(y - 200) < 25
    assert crescent[y - 20 : y + 21, x - 20 : x + 21].all()
    comb = np.zeros((3000, 3000), bool)
    comb[:, ::2] = True
    comb[1400:1600, 500:2900] = True
    x, y = label_point_xy(comb)
    assert comb[y, x]
    assert 1450 < y < 1550
    thin = np.zeros((5000, 3), bool)
    thin[4321, 1] = True
    assert label_point_xy(thin) == (1, 4321)


@pytest.mark.parametrize("size_hw", [(1, 1), (3, 5000), (5000, 3), (9, 9), (60, 40)])
def test_pictures_of_any_size_can_be_drawn_on(size_hw: tuple[int, int]) -> None:
    image = np.zeros((*size_hw, 3), np.uint8)
    corner = np.zeros(size_hw, bool)
    corner[-1, -1] = True
    words = {1: "all of it", 23: "a corner"}
    drawn = overlay(
        image, [NumberedMask(1, np.ones(size_hw, bool)), NumberedMask(23, corner)], selected=23, captions=words
    )
    assert drawn.shape == image.shape
    assert drawn.any()
    assert thumbnail(image, NumberedMask(23, corner), 32).shape == (32, 32, 3)


def test_lines_grow_with_the_picture() -> None:
    assert line_width(1, 1) == line_width(300, 200) == 1
    assert line_width(4000, 3000) == pytest.approx(4 * line_width(1000, 750))


def test_a_thumbnail_shows_the_region_in_its_colours_and_the_rest_pale() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    image[..., 0] = 200
    small = thumbnail(image, NumberedMask(1, disc((200, 300), (290, 100), 9)), 90)
    assert small.shape == (90, 90, 3)
    assert (np.abs(small - np.array([200, 0, 0])).max(axis=2) <= 2).mean() > 0.15, "the region keeps its colours"
    assert small[2, 2].min() > 130, "the surroundings are pale"


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 64), st.data())
@settings(deadline=None, max_examples=40)
def test_a_thumbnail_is_always_the_size_asked_for(height: int, width: int, size: Any, data: Any) -> None:
    mask = np.zeros((height, width), bool)
    mask[data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))] = True
    assert thumbnail(np.zeros((height, width, 3), np.uint8), NumberedMask(5, mask), size).shape == (size, size, 3)


def test_what_cannot_be_drawn_is_refused(grey: Any) -> None:
    region = NumberedMask(1, np.ones((20, 30), bool))
    with pytest.raises(InputError, match="The mask is 30 x 20 pixels, but the picture is 300 x 200"):
        overlay(grey, [region])
    with pytest.raises(InputError, match="The mask is 30 x 20 pixels"):
        thumbnail(grey, region)
    with pytest.raises(InputError, match=r"between 0 and 1, but it is 1\.5"):
        overlay(grey, [], alpha=1.5)
    with pytest.raises(InputError, match="at least 1 pixel wide"):
        thumbnail(grey, NumberedMask(1, np.ones((200, 300), bool)), 0)
    with pytest.raises(InputError, match="PIL image or a uint8 array"):
        overlay(grey.astype(float), [])


# --- heat maps -------------------------------------------------------------------------------------------------------


def lightness(colour: str) -> float:
    """CIE L* of an sRGB colour, 0..100."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb_of(colour))]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def test_equal_steps_of_a_heat_map_look_equally_large() -> None:
    steps = np.diff([lightness(colour) for colour in heat_colors(9)])
    assert (steps > 0).all()
    assert steps.max() < 1.6 * steps.min()


def test_a_heat_map_has_the_colours_of_its_values(grey: Any) -> None:
    low, high = heat_colors(2)
    for value, colour in ((0.0, low), (1.0, high)):
        heat = np.full((2, 3), value, np.float32)
        assert (heat_over(grey, heat, strength=1.0) == rgb_of(colour)).all()
        halfway = (np.array(rgb_of(colour)) + 128) / 2
        assert np.abs(heat_over(Image.fromarray(grey), heat, strength=0.5) - halfway).max() <= 1
    coloured = np.dstack([grey[..., 0], grey[..., 0] // 2, grey[..., 0] // 4])
    faded = heat_over(coloured, np.zeros((2, 3)), strength=0.0)
    assert (faded == faded[..., :1]).all(), "the picture turns grey, so that its own colours cannot be taken for heat"
    assert (grey == 128).all()


def test_a_heat_map_lies_over_the_part_of_the_picture_that_it_is_about() -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[:2, 2:] = 1.0
    wide = np.full((40, 120, 3), 255, np.uint8)
    cold = heat_over(wide, np.zeros((4, 4)))
    warm = (heat_over(wide, heat) != cold).any(2)
    assert warm[:15, 75:].all()
    assert not warm[25:].any()
    assert not warm[:, :45].any()


def test_the_outline_of_the_region_lies_on_its_heat_map(grey: Any) -> None:
    region = NumberedMask(1, disc((200, 300), (150, 100), 60))
    bare, outlined = (heat_over(grey, np.full((4, 4), 0.5), each) for each in (None, region))
    changed = (bare != outlined).any(axis=2)
    y, x = np.mgrid[:200, :300]
    off = np.abs(np.hypot(x - 150, y - 100) - 60)
    assert changed[off < 0.5].all()
    assert not changed[off > 8].any()


@pytest.mark.parametrize(
    ("heat", "strength", "sentence"),
    [
        (np.zeros(3), 0.5, "two dimensions"),
        (np.zeros((0, 3)), 0.5, "two dimensions"),
        (np.full((2, 2), 1.5), 0.5, "values from 0 to 1"),
        (np.full((2, 2), -0.1), 0.5, "values from 0 to 1"),
        (np.full((2, 2), np.nan), 0.5, "values from 0 to 1"),
        (np.zeros((2, 2)), 1.5, "between 0 and 1, but it is 1.5"),
    ],
)
def test_what_is_no_heat_map_is_refused(grey: Any, heat: Any, strength: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        heat_over(grey, heat, strength=strength)


@pytest.mark.parametrize("strip", [1, 700, 5000])
def test_strips_change_no_pixel(strip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(5)
    image = generator.integers(0, 256, (230, 310, 3), dtype=np.uint8)
    ellipse = np.hypot(*(np.mgrid[:230, :310] - np.array([110, 150])[:, None, None])) < 90
    ragged = generator.random((230, 310)) < 0.02
    regions = [NumberedMask(1, ellipse), NumberedMask(2, ragged), NumberedMask(3, np.ones((230, 310), bool))]
    whole = overlay(image, regions, selected=1)
    monkeypatch.setattr(overlays, "STRIP_PIXELS", strip)
    assert (overlay(image, regions, selected=1) == whole).all()
