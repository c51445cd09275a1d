"""Sprites, names and drawings: what the pictures are made of."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from osprey_core.errors import InputError
from osprey_core.language.wording import article, plural, with_article
from osprey_core.training import art
from osprey_core.training.scenes.drawn import BASE_COLORS, OBJECTS, SHAPES, draw_object, draw_shape
from osprey_core.training.scenes.names import things

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36">{}</svg>'
DISC = '<circle cx="18" cy="18" r="9" fill="#dd2e44"/>'


def package(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


def iconify(path: Path, icons: dict[str, str], chars: dict[str, str]) -> Path:
    stored = {"icons": {name: {"body": body} for name, body in icons.items()}, "width": 36, "height": 36}
    return package(path, {"icons.json": json.dumps(stored), "chars.json": json.dumps(chars)})


def test_a_rendered_sprite_fills_its_side_and_keeps_its_colour() -> None:
    rgba = art.render_svg(SVG.format(DISC), 64)
    assert rgba is not None
    assert rgba.shape == (64, 64, 4)
    assert tuple(rgba[32, 32]) == (0xDD, 0x2E, 0x44, 255)
    assert (rgba[..., :3] <= rgba[..., 3:]).all()  # premultiplied


def test_an_svg_that_draws_nothing_gives_no_sprite() -> None:
    assert art.render_svg(SVG.format(""), 64) is None


def test_packages_are_read_whatever_their_spelling_of_code_points(tmp_path: Path) -> None:
    flat = package(tmp_path / "flat.tgz", {"1f436.svg": SVG.format(DISC), "2602-fe0f.svg": SVG.format(DISC)})
    find = art.svg_folder_source(flat, "package/{}.svg")
    assert find("1F436") is not None
    assert find("2602") is not None
    assert find("1F431") is None
    full = iconify(tmp_path / "full.tgz", {"dog-face": DISC}, {"1f436": "dog-face"})
    assert art.iconify_source(full)("1F436") is not None
    bare = iconify(tmp_path / "bare.tgz", {"dogface": DISC}, {})
    assert art.iconify_source(bare)("1F436") is None
    assert art.iconify_source(bare, art.iconify_names(full))("1F436") is not None


def test_an_atlas_is_the_same_after_saving(tmp_path: Path) -> None:
    flat = package(tmp_path / "flat.tgz", {"1f436.svg": SVG.format(DISC)})
    atlas = art.build_atlas({"flat": art.svg_folder_source(flat, "package/{}.svg")}, 48, ["dog face", "cat face"])
    assert atlas.names == ["dog face"]
    assert art.save_atlas(atlas, tmp_path / "atlas.npz") > 0
    loaded = art.load_atlas(tmp_path / "atlas.npz")
    assert loaded.names == ["dog face"]
    assert loaded.styles == ["flat"]
    before, after = atlas.sprites["dog face"][0].rgba, loaded.sprites["dog face"][0].rgba
    assert before.shape == after.shape
    assert np.abs(before.astype(int) - after).mean() < 4


def test_the_command_builds_both_atlases(tmp_path: Path) -> None:
    flat = package(tmp_path / "flat.tgz", {"1f436.svg": SVG.format(DISC)})
    icons = iconify(tmp_path / "iconify-json-some-style-1.0.0.tgz", {"cat-face": DISC}, {"1f431": "cat-face"})
    held = package(tmp_path / "held.tgz", {"color/svg/1F436.svg": SVG.format(DISC)})
    arguments = ["--twemoji", flat, "--iconify", icons, "--openmoji", held, "--out", tmp_path / "out", "--side", "32"]
    art.main([str(argument) for argument in arguments])
    train = art.load_atlas(tmp_path / "out" / "atlas-train.npz")
    assert train.styles == ["some-style", "twemoji"]
    assert art.load_atlas(tmp_path / "out" / "atlas-heldout.npz").styles == ["openmoji"]


def test_a_missing_or_broken_atlas_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="build it with"):
        art.load_atlas(tmp_path / "none.npz")
    (tmp_path / "broken.npz").write_bytes(b"no")
    with pytest.raises(InputError, match="build it again"):
        art.load_atlas(tmp_path / "broken.npz")
    with pytest.raises(InputError, match="cannot be read as an npm package"):
        art.svg_folder_source(tmp_path / "none.tgz", "package/{}.svg")


def test_premultiplying_and_back_keeps_opaque_pixels() -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (8, 8, 4), dtype=np.uint8)
    rgba[..., 3] = np.where(rgba[..., 3] > 100, 255, 0)
    back = art.unpremultiply(art.premultiply(rgba))
    assert (back[rgba[..., 3] == 255] == rgba[rgba[..., 3] == 255]).all()


def test_the_vocabulary_is_large_and_its_words_are_plain() -> None:
    vocabulary = things()
    assert len(vocabulary) >= 420
    for thing in vocabulary.values():
        assert thing.code_points
        for word in thing.words:
            assert word == word.lower().strip()
            assert word


@pytest.mark.parametrize(
    ("noun", "counted", "many"),
    [
        ("dog", "a dog", "dogs"),
        ("apple", "an apple", "apples"),
        ("unicorn", "a unicorn", "unicorns"),
        ("hourglass", "an hourglass", "hourglasses"),
        ("pair of socks", "a pair of socks", "pairs of socks"),
        ("house with garden", "a house with garden", "houses with garden"),
        ("mouse face", "a mouse face", "mouse faces"),
        ("cherry", "a cherry", "cherries"),
        ("wolf", "a wolf", "wolves"),
        ("bus", "a bus", "buses"),
        ("snowman", "a snowman", "snowmen"),
        ("bow and arrow", "a bow and arrow", "bow and arrows"),
        ("bunch of grapes", "a bunch of grapes", "bunches of grapes"),
    ],
)
def test_counted_and_plural_forms(noun: str, counted: str, many: str) -> None:
    assert with_article(noun) == counted
    assert plural(noun) == many
    assert article(noun) == counted.split()[0]


@pytest.mark.parametrize("kind", OBJECTS)
def test_every_drawn_object_has_parts_inside_it(kind: str) -> None:
    drawn = draw_object(np.random.default_rng(1), 128, kind)
    assert drawn.name == kind
    assert len(drawn.part_names) >= 2
    assert max(drawn.rgba.shape[:2]) > 100
    inside = drawn.parts > 0
    assert inside.any()
    assert (drawn.rgba[..., 3][inside] > 0).mean() > 0.98
    assert drawn.parts.max() <= len(drawn.part_names)


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("texture", ["plain", "striped"])
def test_every_shape_is_drawn_in_its_colour(kind: str, texture: str) -> None:
    drawn = draw_shape(np.random.default_rng(2), 64, kind, "blue", texture)
    solid = drawn.rgba[drawn.rgba[..., 3] == 255][:, :3].astype(int)
    base = np.array(BASE_COLORS["blue"])
    near = np.abs(solid[:, None] - base[None]).sum(-1).min(1) < 40
    assert near.mean() > (0.5 if texture == "plain" else 0.35)


def test_a_drawing_depends_on_its_seed_only() -> None:
    one, two = (draw_object(np.random.default_rng(5)) for _ in range(2))
    assert one.name == two.name
    assert (one.rgba == two.rgba).all()
