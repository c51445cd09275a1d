"""Outlines: drawing them gives the mask again, as pycocotools and our own rasterizer see it."""

from __future__ import annotations

import numpy as np
import pytest

from osprey_core.regions.outline import _stops, area_of, outlines, outlines_with_holes
from osprey_core.regions.raster import polygon_to_mask


def test_a_block_has_four_corners_clockwise() -> None:
    mask = np.zeros((5, 6), bool)
    mask[1:4, 2:5] = True
    (loop,) = outlines(mask)
    assert loop.tolist() == [[2, 1], [5, 1], [5, 4], [2, 4]]
    assert area_of(loop) == 9


def test_a_hole_goes_the_other_way_and_pieces_that_touch_at_a_corner_are_apart() -> None:
    ring = np.ones((5, 5), bool)
    ring[2, 2] = False
    assert sorted(area_of(loop) for loop in outlines(ring)) == [-1, 25]
    touching = np.array([[True, False], [False, True]])
    assert [area_of(loop) for loop in outlines(touching)] == [1, 1]
    assert outlines(np.zeros((3, 3), bool)) == []


@pytest.mark.parametrize("seed", range(6))
def test_loops_drawn_one_over_the_other_are_the_mask(seed: int) -> None:
    mask = np.random.default_rng(seed).random((23, 31)) < 0.2 + 0.1 * seed
    drawn = np.zeros(mask.shape, bool)
    loops = outlines(mask)
    for loop in loops:
        drawn ^= polygon_to_mask(loop.astype(float), mask.shape)
    assert (drawn == mask).all()
    assert sum(area_of(loop) for loop in loops) == mask.sum()


@pytest.mark.parametrize("seed", range(6))
def test_each_piece_with_its_holes_is_one_loop(seed: int) -> None:
    mask = np.random.default_rng(seed).random((23, 31)) < 0.4 + 0.1 * seed
    drawn = [polygon_to_mask(loop.astype(float), mask.shape) for loop in outlines_with_holes(mask)]
    assert len(drawn) == sum(area_of(loop) > 0 for loop in outlines(mask))
    assert (np.sum([mask * 0, *drawn], axis=0) == mask).all()


def test_a_long_comb_with_holes_behind_its_teeth_is_one_loop() -> None:
    comb = np.ones((2001, 6), bool)
    comb[1::4, 0] = False  # between the teeth
    comb[3::4, 3] = False  # the holes, each with a path from the end of a tooth
    (loop,) = outlines_with_holes(comb)
    assert (polygon_to_mask(loop.astype(float), comb.shape) == comb).all()


def test_an_edge_is_not_compared_with_every_path_of_its_column() -> None:
    compared = 0

    class Row(int):
        def __lt__(self, other: int) -> bool:
            nonlocal compared
            compared += 1
            return int(self) < int(other)

        def __gt__(self, other: int) -> bool:
            nonlocal compared
            compared += 1
            return int(self) > int(other)

    count = 1000
    corners = [corner for y in range(0, 4 * count, 4) for corner in ((0, y), (0, y + 3), (1, y + 3), (1, y + 4))]
    holes: dict[tuple[int, int], list[int]] = {(0, Row(4 * place + 2)): [place] for place in range(count)}
    stops = list(_stops([*corners, (2, 4 * count), (2, 0)], holes))
    assert [there for _, there in stops if there] == [[place] for place in range(count)]
    assert compared < 100 * count
