"""Similarity maps are cosines with the pooled feature."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from osprey_core.analysis.feature_similarity import level_similarity, similarity_maps, stretched
from osprey_core.errors import InputError
from tests.tiny import tiny_osprey

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
    assert stretched(heat).tolist() == [[0, 0.5], [1, 0]]
    assert not stretched(np.full((2, 2), 0.7, np.float32)).any()
