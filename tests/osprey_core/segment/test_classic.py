"""The segmenter without weights: clicks and boxes find drawn things on any background, and what is marked is obeyed."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from osprey_core.errors import InputError
from osprey_core.regions.masks import Mask, area, box_xyxy, intersection_over_union
from osprey_core.regions.morphology import largest_component
from osprey_core.segment import SEGMENTERS, OpenedPicture, load_segmenter

SIZE_HW = (480, 640)
EMOJI_FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
BACKGROUNDS = ("white", "flat", "gradient", "stripes", "noise", "sky and grass")


def background(kind: str) -> Image.Image:
    height, width = SIZE_HW
    y, x = np.mgrid[:height, :width].astype(np.float64)
    one, other = np.array([150.0, 190, 230]), np.array([225.0, 205, 150])
    colours = {
        "white": np.full((height, width, 3), 255.0),
        "flat": np.broadcast_to(one, (height, width, 3)),
        "gradient": one + (other - one) * ((x / width + y / height) / 2)[..., None],
        "stripes": np.where(((x + 0.4 * y) // 40 % 2)[..., None] > 0, one, other),
        "noise": one + np.random.default_rng(5).normal(0, 18, (height, width, 3)),
        "sky and grass": np.where((y < 290)[..., None], one, np.array([110.0, 175, 90])),
    }[kind]
    return Image.fromarray(colours.clip(0, 255).astype(np.uint8))


class Scene:
    """A picture that is drawn four times too large, with the exact mask of every thing in it."""

    def __init__(self, kind: str) -> None:
        self.image = background(kind)
        self.masks: dict[str, Mask] = {}

    def add(self, name: str, shapes: list[tuple[str, tuple, str]]) -> None:
        large = SIZE_HW[1] * 4, SIZE_HW[0] * 4
        layer, cover = Image.new("RGBA", large), Image.new("L", large)
        for kind, coordinates, colour in shapes:
            scaled = [4 * c for c in coordinates]
            getattr(ImageDraw.Draw(layer), kind)(scaled, fill=colour)
            getattr(ImageDraw.Draw(cover), kind)(scaled, fill=255)
        size = SIZE_HW[::-1]
        layer = layer.resize(size, Image.Resampling.BOX)
        cover = cover.resize(size, Image.Resampling.BOX)
        self.image = Image.composite(layer.convert("RGB"), self.image, cover)
        self.masks[name] = np.asarray(cover) > 127


@cache
def scene(kind: str) -> tuple[np.ndarray, dict[str, Mask]]:
    drawn = Scene(kind)
    drawn.add(
        "face",
        [
            ("ellipse", (60, 50, 220, 210), "#f7c62c"),
            ("ellipse", (100, 95, 125, 130), "#5a3a1a"),
            ("ellipse", (155, 95, 180, 130), "#5a3a1a"),
            ("ellipse", (110, 150, 170, 185), "#a03020"),
        ],
    )
    drawn.add(
        "house",
        [
            ("rectangle", (340, 180, 520, 330), "#d8a070"),
            ("polygon", (320, 180, 430, 90, 540, 180), "#b03a30"),
            ("rectangle", (410, 255, 450, 330), "#6a4426"),
            ("rectangle", (360, 205, 395, 240), "#4a78c0"),
            ("rectangle", (465, 205, 500, 240), "#4a78c0"),
        ],
    )
    drawn.add("plum", [("ellipse", (90, 330, 190, 420), "#6a2a80")])
    tips = [(300 + 70 * np.sin(a), 410 - 60 * np.cos(a)) for a in np.arange(5) * 2 * np.pi / 5]
    dents = [(300 + 34 * np.sin(a), 410 - 29 * np.cos(a)) for a in (np.arange(5) + 0.5) * 2 * np.pi / 5]
    corners = [float(c) for pair in zip(tips, dents, strict=True) for point in pair for c in point]
    drawn.add("star", [("polygon", tuple(corners), "#e03070")])
    return np.asarray(drawn.image), drawn.masks


@cache
def opened(kind: str) -> OpenedPicture:
    return load_segmenter("classic").open(scene(kind)[0])


def random_points(mask: Mask, count: int) -> list[tuple[int, int]]:
    rows, columns = np.nonzero(mask)
    chosen = np.random.default_rng(1).integers(len(rows), size=count)
    return [(int(columns[i]), int(rows[i])) for i in chosen]


@pytest.mark.parametrize("kind", BACKGROUNDS)
@pytest.mark.parametrize("name", ["face", "house", "plum", "star"])
def test_one_click_anywhere_on_a_thing_finds_the_whole_thing(kind: Any, name: str) -> None:
    expected = scene(kind)[1][name]
    for point in random_points(expected, 6):
        best = opened(kind).segment([point], [1])[0]
        assert intersection_over_union(best.mask, expected) >= 0.9, point
        assert best.mask[point[1], point[0]]
        assert 0.5 < best.score <= 1


@pytest.mark.parametrize("kind", BACKGROUNDS)
@pytest.mark.parametrize("name", ["face", "house", "plum", "star"])
def test_a_loose_box_finds_the_thing_in_it(kind: Any, name: str) -> None:
    expected = scene(kind)[1][name]
    x0, y0, x1, y1 = box_xyxy(expected)
    for box in ((x0 - 1, y0 - 1, x1 + 1, y1 + 1), (x0 - 12, y0 - 9, x1 + 7, y1 + 5), (x1 + 9, y1 + 9, x0 - 9, y0 - 9)):
        assert intersection_over_union(opened(kind).segment(box_xyxy=box)[0].mask, expected) >= 0.9


@pytest.mark.skipif(not EMOJI_FONT.exists(), reason="needs the Noto colour emoji font")
@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_emoji_are_found_whole(kind: Any) -> None:
    font = ImageFont.truetype(EMOJI_FONT, 109)
    image, masks = background(kind).convert("RGBA"), []
    for index, letter in enumerate("🐱🦊🍎🚗🐸🎁"):
        sticker = Image.new("RGBA", (150, 140))
        ImageDraw.Draw(sticker).text((5, 5), letter, font=font, embedded_color=True)
        corner = 30 + index % 3 * 200, 60 + index // 3 * 200
        image.alpha_composite(sticker, corner)
        mask = np.zeros(SIZE_HW, bool)
        mask[corner[1] : corner[1] + 140, corner[0] : corner[0] + 150] = np.asarray(sticker)[..., 3] > 127
        masks.append(mask)
    picture = load_segmenter("classic").open(np.asarray(image.convert("RGB")))
    overlaps = []
    for mask in masks:
        x0, y0, x1, y1 = box_xyxy(mask)
        overlaps += [intersection_over_union(picture.segment([p], [1])[0].mask, mask) for p in random_points(mask, 4)]
        overlaps.append(
            intersection_over_union(picture.segment(box_xyxy=(x0 - 5, y0 - 5, x1 + 5, y1 + 5))[0].mask, mask)
        )
    assert np.mean(np.array(overlaps) >= 0.9) >= 0.95


def test_a_click_on_a_part_offers_the_part_as_well() -> None:
    masks = scene("flat")[1]
    roof = np.zeros(SIZE_HW, bool)
    roof[:180] = masks["house"][:180]
    candidates = opened("flat").segment([(430, 140)], [1])
    assert intersection_over_union(candidates[0].mask, masks["house"]) > 0.9
    assert max(intersection_over_union(c.mask, roof) for c in candidates[1:]) > 0.9
    assert [c.score for c in candidates] == sorted((c.score for c in candidates), reverse=True)


def test_a_click_beside_the_things_finds_the_background_patch() -> None:
    candidates = opened("sky and grass").segment([(560, 440)], [1])
    ground = np.zeros(SIZE_HW, bool)
    ground[290:] = True
    for mask in scene("sky and grass")[1].values():
        ground &= ~mask
    assert max(intersection_over_union(c.mask, ground) for c in candidates) > 0.9


def test_a_box_on_a_photograph_finds_the_dominant_thing() -> None:
    data = pytest.importorskip("skimage.data")
    picture = load_segmenter("classic").open(data.coffee())
    prompt: dict[str, Any] = {"box_xyxy": (165, 5, 420, 260)}
    cup = picture.segment(**prompt)[0].mask
    rows, columns = np.mgrid[:400, :600]
    rim_and_inside = ((columns - 297) / 100) ** 2 + ((rows - 90) / 75) ** 2 < 1
    assert (cup & rim_and_inside).sum() > 0.9 * rim_and_inside.sum()
    assert not cup[:, :160].any()
    assert not cup[:, 425:].any()
    assert np.array_equal(picture.segment(**prompt)[0].mask, cup), "GrabCut draws random numbers: the seed must be set"


def test_touching_things_are_told_apart() -> None:
    drawn = Scene("flat")
    drawn.add("left", [("ellipse", (100, 150, 310, 360), "#d04030")])
    drawn.add("right", [("ellipse", (290, 160, 490, 360), "#30a050")])
    picture = load_segmenter("classic").open(np.asarray(drawn.image))
    for point, name in (((150, 250), "left"), ((450, 250), "right")):
        expected = drawn.masks[name] & (~drawn.masks["right"] if name == "left" else True)
        assert intersection_over_union(picture.segment([point], [1])[0].mask, expected) > 0.9


def test_a_negative_point_removes_the_part_it_hits() -> None:
    masks = scene("gradient")[1]
    without_door = opened("gradient").segment([(370, 300), (430, 290)], [1, 0])[0].mask
    door = np.zeros(SIZE_HW, bool)
    door[257:329, 412:449] = True
    assert (without_door & door).sum() < 0.1 * door.sum()
    assert intersection_over_union(without_door, masks["house"] & ~door) > 0.9


def test_several_positive_points_gather_several_things() -> None:
    masks = scene("flat")[1]
    points = [(140, 200), (140, 380)]
    best = opened("flat").segment(points, [1, 1])[0].mask
    assert intersection_over_union(best, masks["face"] | masks["plum"]) > 0.9


def test_a_point_in_a_box_is_part_of_the_result() -> None:
    masks = scene("flat")[1]
    best = opened("flat").segment([(140, 380)], [1], (40, 30, 240, 440))[0].mask
    assert best[380, 140]
    assert intersection_over_union(best & masks["plum"], masks["plum"]) > 0.9


@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_everything_contains_every_thing_once(kind: Any) -> None:
    found = opened(kind).everything()
    assert [area(f.mask) for f in found] == sorted((area(f.mask) for f in found), reverse=True)
    for expected in scene(kind)[1].values():
        assert max(intersection_over_union(f.mask, expected) for f in found) > 0.9
    for i, one in enumerate(found):
        for other in found[:i]:
            assert intersection_over_union(one.mask, other.mask) < 0.8


def test_masks_are_free_of_specks() -> None:
    for kind in ("noise", "stripes"):
        for mask in scene(kind)[1].values():
            for candidate in opened(kind).segment([random_points(mask, 1)[0]], [1]):
                assert area(largest_component(candidate.mask)) >= 0.99 * area(candidate.mask)


def test_the_same_picture_and_clicks_give_the_same_masks() -> None:
    image = scene("noise")[0]
    prompts = [([(140, 120)], [1]), ([(430, 140), (430, 290)], [1, 0]), ([(300, 430)], [1])]
    first = [[c.mask for c in load_segmenter("classic").open(image).segment(*p)] for p in prompts]
    with ThreadPoolExecutor(4) as pool:
        again = list(pool.map(lambda p: [c.mask for c in opened("noise").segment(*p)], prompts * 3))
    for index, masks in enumerate(again):
        assert all(np.array_equal(a, b) for a, b in zip(masks, first[index % len(prompts)], strict=True))


def test_results_do_not_share_memory() -> None:
    first = opened("flat").segment([(140, 120)], [1])[0].mask
    kept = first.copy()
    first[:] = False
    assert np.array_equal(opened("flat").segment([(140, 120)], [1])[0].mask, kept)


@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 1), (1, 9), (40, 60), (3, 700), (700, 2), (64, 64)]), st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_is_in_the_picture_the_marks_are_obeyed(seed: int, size_hw: tuple[int, int], data: Any) -> None:
    rng = np.random.default_rng(seed)
    height, width = size_hw
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if data.draw(st.booleans()):  # blocks instead of noise
        image = np.repeat(np.repeat(image[::8, ::8], 8, axis=0), 8, axis=1)[:height, :width]
    spot = st.tuples(st.integers(0, width - 1), st.integers(0, height - 1))
    positive = data.draw(st.lists(spot, max_size=3))
    negative = [p for p in data.draw(st.lists(spot, max_size=3)) if p not in positive]
    box = None
    if not positive or data.draw(st.booleans()):
        corners = [*positive, data.draw(spot)]
        box = (
            min(x for x, _ in corners),
            min(y for _, y in corners),
            max(x for x, _ in corners) + 1,
            max(y for _, y in corners) + 1,
        )
    view = load_segmenter("classic").open(np.ascontiguousarray(image))
    results = view.segment([*positive, *negative], [1] * len(positive) + [0] * len(negative), box)
    assert 1 <= len(results) <= 3
    for result in results:
        assert result.mask.shape == size_hw
        assert result.mask.dtype == np.bool_
        assert 0 <= result.score <= 1
        assert all(result.mask[y, x] for x, y in positive)
        assert not any(result.mask[y, x] for x, y in negative)
        if box and not positive:
            outside = result.mask.copy()
            outside[box[1] : box[3], box[0] : box[2]] = False
            assert not outside.any()
    assert all(item.mask.shape == size_hw for item in view.everything())


@pytest.mark.parametrize("size_hw", [(3, 5000), (5000, 3), (1, 3000), (1500, 2000)])
def test_long_and_large_pictures_are_segmented_at_full_size(size_hw: tuple[int, int]) -> None:
    image = np.full((*size_hw, 3), 200, np.uint8)
    part = tuple(slice(side // 3, max(side // 3 + 1, side // 2)) for side in size_hw)
    image[part] = (20, 60, 160)
    expected = np.zeros(size_hw, bool)
    expected[part] = True
    point = (size_hw[1] * 5 // 12, size_hw[0] // 3 if size_hw[0] < 9 else size_hw[0] * 5 // 12)
    best = load_segmenter("classic").open(image).segment([point], [1])[0]
    assert best.mask.shape == size_hw
    if min(size_hw) > 9:
        assert intersection_over_union(best.mask, expected) > 0.95


@pytest.mark.parametrize(
    ("points", "labels", "box", "sentence"),
    [
        ([], [], None, "Nothing is marked; click on the object or draw a box"),
        ([(5, 5)], [0], None, "Nothing is marked"),
        ([(640, 5)], [1], None, r"The point \(640, 5\) lies outside the picture, which is 640 x 480 pixels"),
        ([(5, -1)], [1], None, "lies outside the picture"),
        ([(5, 5), (-3, 2)], [1, 0], None, r"\(-3, 2\) lies outside"),
        ([(5, 5)], [], None, "1 points but 0 labels"),
        ([(5, 5)], [2], None, "label must be 1 .* or 0 .*, not 2"),
        ([(5, 5, 5)], [1], None, "must be a pair"),
        ([(5, float("nan"))], [1], None, "must be a pair"),
        (["ab"], [1], None, "must be a pair"),
        ([(5, 5), (5.5, 5.2)], [1, 0], None, r"The pixel \(5, 5\) is marked both"),
        ([], [], (10, 10, 10, 50), "encloses nothing"),
        ([], [], (700, 10, 800, 50), "encloses nothing"),
        ([], [], (1, 2, 3), "must be four numbers"),
        ([(5, 5)], [1], (10, 10, 50, 50), r"\(5, 5\) is marked as part of the object but lies outside the box"),
    ],
)
def test_marks_that_cannot_be_used_are_refused_with_the_reason(
    points: Any, labels: Any, box: Any, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        opened("flat").segment(points, labels, box)


def test_a_box_dragged_beyond_the_border_is_clipped() -> None:
    inner = opened("flat").segment(box_xyxy=(0, 0, 240, 240))[0].mask
    assert np.array_equal(opened("flat").segment(box_xyxy=(-50, -90, 240, 240))[0].mask, inner)


@pytest.mark.parametrize(
    "image", [None, np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3)), np.zeros((5, 5, 4), np.uint8), [[1]]]
)
def test_only_rgb_pictures_are_opened(image: np.ndarray) -> None:
    with pytest.raises(InputError, match="uint8 array"):
        load_segmenter("classic").open(image)
    with pytest.raises(InputError, match="no pixels"):
        load_segmenter("classic").open(np.zeros((0, 5, 3), np.uint8))


@pytest.mark.parametrize("spec", ["", "magic", "sam", "sam:", "sam:vit_x", "sam:vit_b:", "classic:x", "SAM:vit_b"])
def test_an_unknown_segmenter_is_refused_with_the_choices(spec: Any) -> None:
    with pytest.raises(InputError) as caught:
        load_segmenter(spec)
    assert all(name in str(caught.value) for name in SEGMENTERS)
    assert load_segmenter("classic").name == "classic"
