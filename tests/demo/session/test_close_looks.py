"""Masks that are found in a part of the picture."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from demo.session.close_looks import masks_within
from demo.session.picture_cache import bytes_of
from demo.session.session import SegmentPrompt
from osprey_core.segment import ScoredMask
from osprey_core.segment.parts import KeptParts, Window

WINDOW = Window(10, 20, 30, 40)
WHOLE = np.ones((20, 20), bool)
INNER = np.pad(np.ones((4, 6), bool), ((8, 8), (7, 7)))


@pytest.mark.parametrize(
    ("answers", "sizes"),
    [([INNER], [24]), ([INNER, WHOLE], [24]), ([WHOLE, INNER], []), ([WHOLE], []), ([np.zeros_like(WHOLE), INNER], [])],
)
def test_what_goes_on_beyond_the_part_is_not_answered_by_less(answers: list[np.ndarray], sizes: list[int]) -> None:
    opened: Any = SimpleNamespace(segment=lambda *_: [ScoredMask(mask, 0.9) for mask in answers])
    found = masks_within(opened, SegmentPrompt(((20, 30),), (1,), window_xyxy=WINDOW), (100, 100))
    assert [int(mask.sum()) for mask in found] == sizes
    assert all(mask[28:32, 17:23].all() for mask in found)


def test_what_parts_take_in_memory_is_told() -> None:
    parts = KeptParts[SimpleNamespace](most=2)
    for place in range(3):
        parts.get(WINDOW._replace(x0=place), lambda: SimpleNamespace(kept=np.zeros(1000, np.uint8)))
    assert bytes_of(parts) == 2000


def test_the_parts_used_last_stay_opened() -> None:
    parts = KeptParts[int](most=2)
    opened: list[int] = []

    def get(place: int) -> int:
        def open_part() -> int:
            opened.append(place)
            return place

        return parts.get(WINDOW._replace(x0=place), open_part)

    assert [get(place) for place in (0, 1, 0, 2, 0, 1)] == [0, 1, 0, 2, 0, 1]
    assert opened == [0, 1, 2, 1]
