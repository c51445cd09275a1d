"""Captions on a picture: never over each other, never outside, always at their region."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from osprey_core.draw.caption_layout import Box, CaptionLayout, place

WIDE, HIGH = 400.0, 300.0


def boxes(wide: float = WIDE, high: float = HIGH) -> st.SearchStrategy[Box]:
    def span(limit: float) -> st.SearchStrategy[tuple[float, float]]:
        ends = st.tuples(*[st.floats(0, limit, width=32)] * 2)
        spans = ends.map(lambda pair: (min(pair), max(pair)))
        return spans.filter(lambda pair: pair[1] - pair[0] >= 1)

    return st.tuples(span(wide), span(high)).map(lambda spans: (spans[0][0], spans[1][0], spans[0][1], spans[1][1]))


@st.composite
def captions(draw: st.DrawFn) -> CaptionLayout:
    box = draw(boxes())
    across, down = draw(st.tuples(st.floats(0, 1), st.floats(0, 1)))
    anchor = (box[0] + across * (box[2] - box[0]), box[1] + down * (box[3] - box[1]))
    return CaptionLayout(box, anchor, draw(st.floats(5, 500)), draw(st.floats(5, 40)), draw(st.floats(0, 80)))


def apart(one: Box, other: Box) -> float:
    """Distance of two rectangles along the axis on which they are farther apart; below 0 if they overlap."""
    return max(one[0] - other[2], other[0] - one[2], one[1] - other[3], other[1] - one[3])


@settings(max_examples=150, deadline=None)
@given(st.lists(captions(), max_size=12), st.lists(boxes(), max_size=4))
def test_no_caption_overlaps_leaves_the_picture_or_its_region(
    given_captions: list[CaptionLayout], taken: list[Box]
) -> None:
    spots = place(given_captions, (WIDE, HIGH), taken)
    assert len(spots) == len(given_captions)
    placed = [(caption, spot) for caption, spot in zip(given_captions, spots, strict=True) if spot is not None]
    for caption, spot in placed:
        assert spot[0] >= 0
        assert spot[1] >= 0
        assert spot[2] <= WIDE
        assert spot[3] <= HIGH
        assert abs(spot[3] - spot[1] - caption.height) < 1e-6
        assert min(caption.least_width, caption.width) - 1e-6 <= spot[2] - spot[0] <= caption.width + 1e-6
        assert apart(spot, caption.box_xyxy) <= caption.height / 4 + 1e-6
        assert all(apart(spot, other) >= 0 for other in taken)
    for (_, one), (_, other) in itertools.combinations(placed, 2):
        assert apart(one, other) >= 0


@settings(max_examples=60, deadline=None)
@given(captions())
def test_a_caption_alone_finds_its_place_unless_it_cannot_fit(caption: CaptionLayout) -> None:
    (spot,) = place([caption], (WIDE, HIGH))
    assert (spot is None) == (min(caption.least_width, caption.width) > WIDE or caption.height > HIGH)


def test_a_caption_stands_inside_its_region_beside_the_number() -> None:
    region = (50.0, 50.0, 350.0, 250.0)
    number = (190.0, 140.0, 210.0, 160.0)
    (spot,) = place([CaptionLayout(region, (200, 150), 100, 20, 40)], (WIDE, HIGH), [number])
    assert spot is not None
    assert spot[2] - spot[0] == 100
    assert spot[0] >= 50
    assert spot[1] >= 160
    assert spot[3] <= 250


def test_a_region_too_small_for_its_caption_has_it_beside() -> None:
    region = (180.0, 140.0, 200.0, 160.0)
    (spot,) = place([CaptionLayout(region, (190, 150), 100, 20, 40)], (WIDE, HIGH), [region])
    assert spot is not None
    assert apart(spot, region) >= 0


def test_a_caption_beside_its_region_does_not_lie_on_another_thing() -> None:
    small = CaptionLayout((180.0, 140.0, 200.0, 160.0), (190, 150), 100, 20, 40)
    (alone,) = place([small], (WIDE, HIGH), [small.box_xyxy])
    others = [(100.0, 100.0, 300.0, 138.0), (100.0, 162.0, 300.0, 200.0)]
    beside = [CaptionLayout(box, (box[0] + 5, box[1] + 5), 300, 20, 300) for box in others]  # too wide to stand inside
    spot, *_ = place([small, *beside], (WIDE, HIGH), [small.box_xyxy])
    assert alone is not None
    assert spot is not None
    assert any(apart(alone, other) < 0 for other in others)
    assert all(apart(spot, other) >= 0 for other in others)


def test_where_there_is_little_room_a_caption_is_cut_and_then_left_out() -> None:
    caption = CaptionLayout((0.0, 0.0, 100.0, 60.0), (50, 30), 90, 20, 36)
    widths = []
    for taken in ([], [(45.0, 0.0, 100.0, 60.0)], [(30.0, 0.0, 100.0, 60.0)]):
        (spot,) = place([caption], (100, 60), taken)
        widths.append(spot and spot[2] - spot[0])
    assert widths == [90, 36, None]


def test_a_caption_wider_than_the_picture_is_cut_inside_its_region_rather_than_beside_it() -> None:
    region = (17.0, 60.0, 185.0, 276.0)
    (spot,) = place([CaptionLayout(region, (90, 220), 216, 21, 52)], (190, 276))
    assert spot is not None
    assert spot[0] >= region[0]
    assert spot[1] >= region[1]
    assert spot[2] <= region[2]


def test_many_captions_are_placed() -> None:
    regions = [
        (40.0 * column, 30.0 * row, 40.0 * column + 38, 30.0 * row + 28) for column in range(10) for row in range(10)
    ]
    wanted = [CaptionLayout(box, (box[0] + 19, box[1] + 14), 60, 14, 20) for box in regions]
    spots = place(wanted, (WIDE, HIGH))
    assert sum(spot is not None for spot in spots) > 50
