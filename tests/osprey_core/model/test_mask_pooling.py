"""A grid's cells are the same from the few sampled pixels as from the whole mask."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from osprey_core.model.mask_pooling import GridSampling, cover_grid


@pytest.mark.parametrize("picture_hw", [(720, 1280), (90, 130), (33, 512), (17, 5), (300, 420), (16, 16), (1, 1)])
@pytest.mark.parametrize("size_hw", [(16, 16), (28, 28), (4, 4), (1, 1), (7, 3)])
def test_cells_from_samples_are_those_of_the_whole_mask(picture_hw: tuple[int, int], size_hw: tuple[int, int]) -> None:
    rng = np.random.default_rng([*picture_hw, *size_hw])
    sampling = GridSampling(picture_hw, size_hw)
    masks = [rng.random(picture_hw) < share for share in (0.001, 0.05, 0.5)]
    for _ in range(8):
        mask = np.zeros(picture_hw, bool)
        y, x = int(rng.integers(picture_hw[0])), int(rng.integers(picture_hw[1]))
        mask[y : y + 1 + picture_hw[0] // 4, x : x + 1 + picture_hw[1] // 5] = True
        masks.append(mask)
    stack = np.stack(masks)
    samples = torch.from_numpy(np.stack([sampling.sample(mask) for mask in masks]))
    assert torch.equal(sampling.cover(samples), cover_grid(torch.from_numpy(stack), size_hw))
