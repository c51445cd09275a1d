"""Which part of a picture is looked at a second time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from osprey_core.segment.closer_window import LARGE, LEAST_SIDE, SMALL, Window, closer_window

sides = st.integers(1, 6000)
shares = st.floats(0, 1, allow_nan=False)


@given(height=sides, width=sides, x=shares, y=shares, w=st.floats(0, 0.3), h=st.floats(0, 0.3))
def test_a_window_holds_the_thing_and_lies_in_the_picture(
    height: int, width: int, x: float, y: float, w: float, h: float
) -> None:
    x0, y0 = x * width, y * height
    box = (x0, y0, min(float(width), x0 + w * width), min(float(height), y0 + h * height))
    window = closer_window(box, (height, width))
    is_small = max(box[2] - box[0], box[3] - box[1]) < SMALL * max(height, width)
    if not is_small or max(height, width) < LARGE:
        assert window is None
        return
    assert window is not None
    assert 0 <= window.x0 <= box[0]
    assert box[2] <= window.x1 <= width
    assert 0 <= window.y0 <= box[1]
    assert box[3] <= window.y1 <= height
    assert window.x1 - window.x0 >= min(width, LEAST_SIDE)
    assert window.y1 - window.y0 >= min(height, LEAST_SIDE)


def test_what_is_around_the_thing_is_seen_too() -> None:
    window = closer_window((2000, 1500, 2100, 1560), (3000, 4000))
    assert window is not None
    assert window.x0 <= 1950
    assert window.x1 >= 2150
    assert window.y0 <= 1450
    assert window.y1 >= 1610
    assert window.x1 - window.x0 < 4000 / 8 * 3 * 2**0.5


def test_a_corrected_mask_mostly_finds_the_same_window() -> None:
    windows = {closer_window((2000 + d, 1500, 2110 + d, 1560 + d), (3000, 4000)) for d in range(12)}
    assert len(windows) <= 2
    assert all(isinstance(window, Window) for window in windows)
