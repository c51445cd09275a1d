"""Masks that are found in a part of the picture."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from demo.session.close_looks import CloseLooks, masks_within
from demo.session.session import SegmentPrompt
from osprey_core.segment import ScoredMask

WINDOW = (10, 20, 30, 40)
WHOLE = np.ones((20, 20), bool)
INNER = np.pad(np.ones((4, 6), bool), ((8, 8), (7, 7)))


@pytest.mark.parametrize(
    ("answers", "sizes"),
    [([INNER], [24]), ([INNER, WHOLE], [24]), ([WHOLE, INNER], []), ([WHOLE], []), ([np.zeros_like(WHOLE), INNER], [])],
)
def test_what_goes_on_beyond_the_part_is_not_answered_by_less(answers: list[np.ndarray], sizes: list[int]) -> None:
    opened = SimpleNamespace(segment=lambda *_: [ScoredMask(mask, 0.9) for mask in answers])
    found = masks_within(opened, SegmentPrompt(((20, 30),), (1,), window_xyxy=WINDOW), (100, 100))
    assert [int(mask.sum()) for mask in found] == sizes
    assert all(mask[28:32, 17:23].all() for mask in found)


def test_what_parts_take_in_memory_is_told() -> None:
    looks = CloseLooks()
    looks.get(WINDOW, lambda: SimpleNamespace(kept=np.zeros(1000, np.uint8)))
    assert looks.memory_bytes == 1000
