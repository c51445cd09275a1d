"""What segmenters share: checked prompts in front, distinct answers that obey the points behind; and the merge tree."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osprey_core.errors import InputError
from osprey_core.regions.masks import Mask
from osprey_core.segment.merge_tree import BACKGROUND, OBJECT, analyse
from osprey_core.segment.protocol import CheckedPrompt, PromptedPicture, ScoredMask, first_distinct


def row(*pixels: int) -> Mask:
    mask = np.zeros((1, 8), bool)
    mask[0, list(pixels)] = True
    return mask


def test_distinct_candidates_are_taken_in_order_and_no_more_than_needed() -> None:
    asked: list[int] = []

    def candidates() -> Iterator[ScoredMask]:
        for place, mask in enumerate((row(), row(0, 1), row(0, 1, 2), row(5), row(0), row(7))):
            asked.append(place)
            yield ScoredMask(mask, place / 10)

    assert [found.score for found in first_distinct(candidates(), 0.5, 3)] == [0.1, 0.3, 0.4]
    assert asked == [0, 1, 2, 3, 4]
    assert first_distinct([ScoredMask(row(), 1.0)], 0.5, 3) == []


class Picture(PromptedPicture):
    """Answers everything with its left half."""

    def _find(self, prompt: CheckedPrompt) -> list[ScoredMask]:
        self.prompt = prompt
        mask = np.zeros(self._size_hw, bool)
        mask[:, : self._size_hw[1] // 2] = True
        return [ScoredMask(mask, 0.5)]


def test_prompts_are_checked_before_and_obeyed_after() -> None:
    picture = Picture((10, 20))
    (found,) = picture.segment([(2, 2), (15, 5), (4, 7)], [1, 1, 0], (30, 0, 0, 10))
    assert picture.prompt == CheckedPrompt(((2, 2), (15, 5)), ((4, 7),), (0, 0, 20, 10))
    assert found.mask[2, 2]
    assert found.mask[5, 15]
    assert not found.mask[7, 4]
    with pytest.raises(InputError, match="Nothing is marked"):
        picture.segment()


@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 1), (1, 7), (24, 31), (40, 9)]), st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_every_node_is_the_union_of_two_and_the_last_is_everything(
    seed: int, size_hw: tuple[int, int], cell: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (*size_hw, 3), dtype=np.uint8)
    image = np.repeat(np.repeat(image[::cell, ::cell], cell, 0), cell, 1)[: size_hw[0], : size_hw[1]]
    tree = analyse(np.ascontiguousarray(image))
    leaves = len(tree.leaf_at)
    assert len(tree.size) == 2 * leaves - 1
    assert tree.mask(2 * leaves - 2).all()
    assert tree.parent[-1] == -1
    for node in range(leaves, 2 * leaves - 1):
        one, other = tree.children[node]
        assert np.array_equal(tree.mask(node), tree.mask(one) | tree.mask(other))
        assert not (tree.mask(one) & tree.mask(other)).any()
        assert tree.size[node] == tree.mask(node).sum()
        assert tree.parent[one] == tree.parent[other] == node
    for y, x in ((0, 0), (size_hw[0] - 1, size_hw[1] - 1)):
        leaf = tree.leaf(x, y)
        assert all(tree.mask(node)[y, x] and tree.contains(node, leaf) for node in tree.chain(leaf))


def test_background_is_what_the_border_consists_of() -> None:
    image = np.full((60, 80, 3), (200, 220, 240), np.uint8)
    image[20:40, 30:50] = (180, 30, 30)
    tree = analyse(image)
    assert tree.has_background
    assert not tree.is_photo
    assert tree.kind[tree.leaf(40, 30)] == OBJECT
    assert tree.kind[tree.leaf(2, 2)] == BACKGROUND
    assert not tree.backdrop[30, 40]
    assert tree.backdrop[2, 2]
    image[:] = 0
    assert tree.image[2, 2, 0] == 200, "the tree keeps its own picture"
