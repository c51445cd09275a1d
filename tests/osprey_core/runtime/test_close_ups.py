"""Close-ups: what is cut out, and what is averaged over it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from osprey_core.model.towers import build_photo_tower
from osprey_core.runtime.close_ups import KEPT_SIDE, at_size, close_up, kept_picture, pooled_close_ups, pooled_levels
from osprey_core.runtime.photo_levels import PhotoEncoder


def mask_of(height: int, width: int, box_xyxy: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    x0, y0, x1, y1 = box_xyxy
    mask[y0:y1, x0:x1] = True
    return mask


def test_a_cut_out_is_a_square_around_the_region_with_its_margin() -> None:
    """100 x 60 pixels with a margin of a half: 150 x 150 around the middle, of which the region covers 100 x 60."""
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[170:230, 150:250] = 255
    found = close_up(picture, mask_of(400, 400, (150, 170, 250, 230)), 150, 0.5)
    assert found.pixels.shape == (150, 150, 3)
    assert np.array_equal(found.pixels[..., 0], found.cover)
    rows, columns = np.flatnonzero(found.cover.any(1)), np.flatnonzero(found.cover.any(0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (45, 104, 25, 124)


@given(
    st.integers(4, 90),
    st.integers(4, 90),
    st.integers(0, 80),
    st.integers(0, 80),
    st.floats(0, 2),
    st.sampled_from((32, 64)),
)
def test_whatever_the_place_all_of_the_region_is_in_its_close_up(
    height: int, width: int, x: int, y: int, margin: float, side: int
) -> None:
    x, y = min(x, width - 2), min(y, height - 2)
    mask = mask_of(height, width, (x, y, x + 2, y + 2))
    found = close_up(np.zeros((height, width, 3), np.uint8), mask, side, margin)
    assert found.pixels.shape == (side, side, 3)
    assert found.cover.any()


def test_an_empty_region_is_the_whole_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    found = close_up(picture, np.zeros((64, 64), bool), 64, 0.3)
    assert np.array_equal(found.pixels, picture)
    assert not found.cover.any()


def test_averages_are_weighed_by_how_much_of_a_cell_is_covered() -> None:
    """A level that says its column: cells of column 1 whole and of column 2 half covered average to 4 / 3."""
    level = torch.arange(4.0).expand(1, 1, 4, 4)
    cover = torch.zeros(1, 16, 16)
    cover[:, :, 4:10] = 1
    pooled = pooled_levels({"res2": level}, cover)
    assert float(pooled["close_up_res2"]) == pytest.approx((1 + 0.5 * 2) / 1.5, rel=1e-5)


def test_many_at_once_are_as_each_alone() -> None:
    torch.manual_seed(0)
    encoder = PhotoEncoder(build_photo_tower(), torch.device("cpu"))
    picture = np.random.default_rng(1).integers(0, 255, (80, 80, 3), np.uint8)
    near = [close_up(picture, mask_of(80, 80, (k, k, k + 20, k + 30)), 32, 0.2) for k in range(18)]
    together = pooled_close_ups(encoder, near)
    assert len(together["close_up_head"]) == 18
    for place in (0, 17):
        alone = pooled_close_ups(encoder, [near[place]])
        assert torch.allclose(alone["close_up_head"][0], together["close_up_head"][place], rtol=1e-4, atol=1e-5)


def test_large_pictures_are_kept_smaller_and_small_things_do_not_vanish() -> None:
    picture = np.zeros((1000, 4000, 3), np.uint8)
    kept = kept_picture(picture)
    assert kept.shape == (320, KEPT_SIDE, 3)
    mask = np.zeros((1000, 4000), bool)
    mask[501, 2003] = True
    assert at_size(mask, (320, KEPT_SIDE)).sum() == 1
    assert at_size(np.ones((10, 10), bool), (10, 10)).all()
