"""Similarity maps are cosines with the pooled feature, and their colours say what they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import tiny_osprey

from osprey_core import similarity
from osprey_core.errors import InputError
from osprey_core.regions import rgb_of
from osprey_core.similarity import colour_over, level_similarity, similarity_maps, stretched

LEFT = torch.zeros(1, 16, 16, dtype=torch.bool)
LEFT[:, :, :8] = True


def level(left: list[float], right: list[float], size: int = 4) -> torch.Tensor:
    """(1, C, size, size) with one feature in the left half and one in the right."""
    features = torch.empty(1, len(left), size, size)
    features[..., : size // 2] = torch.tensor(left)[None, :, None, None]
    features[..., size // 2 :] = torch.tensor(right)[None, :, None, None]
    return features


@pytest.mark.parametrize(
    ("left", "right", "cosine"),
    [
        ([1.0, 0.0], [5.0, 0.0], 1.0),
        ([1.0, 0.0], [0.0, 3.0], 0.0),
        ([1.0, 0.0], [-2.0, 0.0], -1.0),
        ([1.0, 0.0], [1.0, 1.0], 0.5**0.5),
        ([3.0, 4.0], [4.0, 3.0], 24 / 25),
        ([1.0, 0.0], [0.0, 0.0], 0.0),
    ],
)
def test_a_map_is_the_cosine_with_the_region(left: list[float], right: list[float], cosine: float) -> None:
    heat = level_similarity(level(left, right), LEFT)
    assert heat.dtype == np.float32
    assert heat.shape == (4, 4)
    assert heat[:, :2] == pytest.approx(1.0, abs=1e-6)
    assert heat[:, 2:] == pytest.approx(cosine, abs=1e-6)
    assert np.abs(heat).max() <= 1


def test_a_region_of_two_kinds_is_compared_by_its_mean() -> None:
    whole = torch.ones(1, 16, 16, dtype=torch.bool)
    heat = level_similarity(level([1.0, 0.0], [0.0, 1.0]), whole)
    assert heat == pytest.approx(0.5**0.5, abs=1e-6)


def test_half_precision_is_compared_in_full() -> None:
    heat = level_similarity(level([3.0, 4.0], [4.0, 3.0]).half(), LEFT)
    assert heat[:, 2:] == pytest.approx(24 / 25, abs=1e-3)


def test_a_region_that_no_cell_shows_is_like_nothing() -> None:
    speck = torch.zeros(1, 160, 160, dtype=torch.bool)
    speck[0, 3, 3] = True
    assert not level_similarity(level([1.0, 0.0], [0.0, 1.0]), speck).any()


def test_every_level_of_an_opened_picture_has_its_map() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (48, 80, 3), dtype=np.uint8)
    mask = np.zeros((48, 80), bool)
    mask[10:40, 20:60] = True
    model = tiny_osprey()
    maps = similarity_maps(model.open(picture), mask)
    assert {name: heat.shape for name, heat in maps.items()} == {
        "res2": (16, 16),
        "res3": (8, 8),
        "res4": (4, 4),
        "res5": (2, 2),
    }
    assert all(heat.dtype == np.float32 and heat.min() >= -1 and heat.max() <= 1 for heat in maps.values())
    with pytest.raises(InputError, match="empty"):
        similarity_maps(model.open(picture), mask & False)


def test_stretching_uses_the_whole_range() -> None:
    heat = np.array([[0.5, 0.75], [1.0, 0.5]], np.float32)
    assert stretched(heat).tolist() == [[-1, 0], [1, -1]]
    assert not stretched(np.full((2, 2), 0.7, np.float32)).any()


GREY = np.full((6, 9, 3), 100, np.uint8)


def test_colours_are_exact_at_the_ends_and_absent_in_the_middle() -> None:
    for value, colour in ((1.0, similarity.LIKE), (-1.0, similarity.UNLIKE)):
        heat = np.full((2, 3), value, np.float32)
        assert (colour_over(GREY, heat, strength=1.0) == rgb_of(colour)).all()
        halfway = np.rint((np.array(rgb_of(colour)) + 100) / 2)
        assert (colour_over(Image.fromarray(GREY), heat * 0.5, strength=1.0) == halfway).all()
        assert np.array_equal(colour_over(GREY, heat, strength=0.0), GREY)
    assert np.array_equal(colour_over(GREY, np.zeros((2, 3), np.float32)), GREY)
    assert (GREY == 100).all(), "the picture itself is left alone"


def test_a_map_lies_over_the_part_of_the_picture_that_it_is_about() -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[:2, 2:] = 1.0
    wide = np.full((40, 120, 3), 255, np.uint8)
    changed = (colour_over(wide, heat) != wide).any(2)
    assert changed[:15, 75:].all()
    assert not changed[25:].any()
    assert not changed[:, :45].any()


@pytest.mark.parametrize(
    ("image", "heat", "strength", "sentence"),
    [
        (GREY[..., 0], np.zeros((2, 2)), 0.5, "uint8 array"),
        (GREY.astype(float), np.zeros((2, 2)), 0.5, "uint8 array"),
        (GREY, np.zeros(3), 0.5, "two dimensions"),
        (GREY, np.zeros((0, 3)), 0.5, "two dimensions"),
        (GREY, np.full((2, 2), 1.5), 0.5, "values from -1 to 1"),
        (GREY, np.full((2, 2), np.nan), 0.5, "values from -1 to 1"),
        (GREY, np.zeros((2, 2)), 1.5, "between 0 and 1, but it is 1.5"),
    ],
)
def test_what_cannot_be_coloured_is_refused(
    image: np.ndarray, heat: np.ndarray, strength: float, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        colour_over(image, heat, strength)
