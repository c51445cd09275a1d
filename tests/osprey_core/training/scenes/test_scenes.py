"""Made pictures: what is said to be where is there."""

from __future__ import annotations

import numpy as np
import pytest

from osprey_core.training.art import Atlas, Sprite, atlas_of
from osprey_core.training.scenes.backgrounds import BACKGROUND_NAMES
from osprey_core.training.scenes.colors import COLOR_NAMES, color_index, color_shares, possible_colors
from osprey_core.training.scenes.hand_masks import MASK_STYLES, hand_mask
from osprey_core.training.scenes.scene import SceneOptions, make_scene

SEEDS = range(60)


def fake_atlas() -> Atlas:
    """Three names, each one flat colour."""
    colors = {"dog": (140, 85, 50), "apple": (221, 46, 68), "car": (40, 90, 190)}
    sprites = []
    for name, color in colors.items():
        for style, (height, width) in {"tall": (90, 50), "wide": (40, 90)}.items():
            sprites.append(Sprite(name, style, np.full((height, width, 4), (*color, 255), np.uint8)))
    return atlas_of(sprites)


def test_the_same_seed_gives_the_same_scene() -> None:
    one, two, other = make_scene(3), make_scene(3), make_scene(4)
    assert (one.image == two.image).all()
    assert [o.name for o in one.objects] == [o.name for o in two.objects]
    assert all((a.mask == b.mask).all() for a, b in zip(one.objects, two.objects, strict=True))
    assert one.image.shape != other.image.shape or (one.image != other.image).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_masks_are_disjoint_visible_and_inside_their_boxes(seed: int) -> None:
    scene = make_scene(seed, None, fake_atlas())
    height, width = scene.size_hw
    taken = np.zeros((height, width), int)
    for item in scene.objects:
        assert item.mask.shape == (height, width)
        assert item.mask.dtype == bool
        taken += item.mask
        x0, y0, x1, y1 = item.full_box_xyxy
        outside = item.mask.copy()
        outside[y0:y1, x0:x1] = False
        assert not outside.any()
        assert 0.4 <= item.visible_share <= 1.0
        for part in item.parts:
            assert part.mask.any()
            assert not (part.mask & ~item.mask).any()
    for region in scene.regions:
        taken += region.mask
        assert region.name in BACKGROUND_NAMES or region.name.endswith(" background")
    assert taken.max() <= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_colours_are_those_of_the_finished_pixels(seed: int) -> None:
    scene = make_scene(seed)
    for item in scene.objects:
        assert sum(item.color_shares.values()) == pytest.approx(1.0)
        assert item.color_shares == color_shares(scene.image, item.mask)


def test_flat_sprites_are_found_again_under_their_masks() -> None:
    options = SceneOptions(drawn_weight=0.0, shape_weight=0.0, effects=False)
    wanted = {"dog": "brown", "apple": "red", "car": "blue"}
    for seed in SEEDS:
        for item in make_scene(seed, options, fake_atlas()).objects:
            assert item.color_shares[wanted[item.name]] > 0.8  # smoothed edges mix with the background


def test_hidden_objects_know_what_hides_them() -> None:
    hidden = 0
    for seed in range(120):
        scene = make_scene(seed)
        for index, item in enumerate(scene.objects):
            assert all(other > index for other in item.occluded_by)
            hidden += bool(item.occluded_by)
            if item.occluded_by:
                assert item.visible_share < 1
    assert hidden > 5


def test_scenes_vary() -> None:
    scenes = [make_scene(seed) for seed in range(120)]
    assert len({len(scene.objects) for scene in scenes}) >= 6
    assert len({scene.background for scene in scenes}) >= 6
    assert len({o.name for scene in scenes for o in scene.objects}) >= 30
    ratios = {round(scene.size_hw[1] / scene.size_hw[0], 1) for scene in scenes}
    assert {0.8, 1.0, 1.3, 1.5, 1.8} <= ratios


def test_large_pictures_come_from_the_same_generator() -> None:
    scene = make_scene(8, SceneOptions(short_side_px=(768, 768), art_px=512))
    assert min(scene.size_hw) == 768
    assert scene.objects


@pytest.mark.parametrize(("pixel", "name"), [
    ((221, 46, 68), "red"), ((244, 144, 12), "orange"), ((255, 204, 77), "yellow"), ((92, 145, 59), "green"),
    ((59, 136, 195), "blue"), ((146, 102, 204), "purple"), ((244, 171, 186), "pink"), ((193, 105, 79), "brown"),
    ((41, 47, 51), "black"), ((245, 248, 250), "white"), ((136, 140, 145), "gray"), ((255, 225, 190), "beige"),
])  # fmt: skip
def test_colour_names_are_the_everyday_ones(pixel: tuple[int, int, int], name: str) -> None:
    assert COLOR_NAMES[int(color_index(np.array([[pixel]], np.uint8))[0, 0])] == name


@pytest.mark.parametrize(("pixel", "names"), [
    ((220, 10, 10), {"red"}), ((10, 160, 20), {"green"}), ((20, 20, 20), {"black"}),
    ((255, 180, 20), {"orange", "yellow"}), ((214, 150, 90), {"brown", "orange"}), ((50, 52, 54), {"black", "gray"}),
])  # fmt: skip
def test_pixels_near_a_border_may_be_called_either_colour(pixel: tuple[int, int, int], names: set[str]) -> None:
    image = np.full((4, 5, 3), pixel, np.uint8)
    possible = possible_colors(image, np.ones((4, 5), bool))
    assert set(possible) == names
    assert set(possible.values()) == {1.0}


@pytest.mark.parametrize("seed", SEEDS[:10])
def test_what_a_pixel_is_called_is_among_what_it_may_be_called(seed: int) -> None:
    scene = make_scene(seed)
    for item in scene.objects:
        possible = possible_colors(scene.image, item.mask)
        assert all(possible[name] >= share - 1e-9 for name, share in item.color_shares.items())
        assert list(possible.values()) == sorted(possible.values(), reverse=True)
    assert possible_colors(scene.image, np.zeros(scene.size_hw, bool)) == {}


@pytest.mark.parametrize("style", MASK_STYLES)
def test_hand_made_masks_stay_about_the_same_thing(style: str) -> None:
    rng = np.random.default_rng(0)
    for seed in range(12):
        scene = make_scene(seed)
        for item in scene.objects:
            rough = hand_mask(rng, item.mask, style)
            assert rough.dtype == bool
            assert rough.shape == item.mask.shape
            assert rough.any()
            share = (rough & item.mask).sum() / rough.sum()
            assert share > (0.12 if style in ("box", "ellipse") else 0.3)


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ValueError, match="short_side_px"):
        SceneOptions(short_side_px=(300, 200))
    with pytest.raises(ValueError, match="max_objects"):
        SceneOptions(max_objects=0)
    with pytest.raises(ValueError, match="empty"):
        hand_mask(np.random.default_rng(0), np.zeros((4, 4), bool))
