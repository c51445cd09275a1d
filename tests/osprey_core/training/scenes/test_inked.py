"""Sprites drawn over in ink: another drawing of the same thing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from osprey_core.training.art import Atlas, Sprite, atlas_of
from osprey_core.training.scenes.inked import COLORS, ink, inked_atlas
from osprey_core.training.sources import SceneSource

SEEDS = range(8)


def disc(side: int = 100) -> np.ndarray:
    """A disc with a gradient, premultiplied."""
    ys, xs = np.mgrid[:side, :side]
    inside = (xs - side / 2) ** 2 + (ys - side / 2) ** 2 < (side / 2 - 1) ** 2
    rgba = np.dstack([xs * 255 // side, ys * 255 // side, np.full_like(xs, 90), np.full_like(xs, 255)])
    return (rgba * inside[..., None]).astype(np.uint8)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_outline_is_black_and_what_was_drawn_stays_covered(seed: int) -> None:
    before, after = disc(), ink(np.random.default_rng(seed), disc())
    rim = (after.shape[0] - before.shape[0]) // 2
    assert rim >= 2
    solid = np.pad(before[..., 3] > 110, rim)
    covered = after[..., 3] > 110
    assert (covered[solid]).mean() > 0.99
    assert covered.sum() > solid.sum()
    edge = covered & ~cv2.erode(covered.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    assert np.median(after[edge][:, :3]) < 40


@pytest.mark.parametrize("seed", SEEDS)
def test_a_gradient_becomes_few_flat_colours(seed: int) -> None:
    after = ink(np.random.default_rng(seed), disc())
    opaque = after[after[..., 3] == 255][:, :3]
    colors, counts = np.unique(opaque, axis=0, return_counts=True)
    assert counts[np.argsort(counts)[-COLORS[1] - 1 :]].sum() > 0.6 * len(opaque)  # the rest is where lines blend in
    assert len(np.unique(disc().reshape(-1, 4), axis=0)) > 10 * COLORS[1]
    assert len(colors) < len(opaque)


def test_colours_stay_premultiplied() -> None:
    after = ink(np.random.default_rng(0), disc())
    assert (after[..., :3] <= after[..., 3:]).all()


def test_an_atlas_gets_one_more_drawing_of_the_named_styles() -> None:
    atlas = atlas_of([Sprite("ball", "flat", disc()), Sprite("ball", "shaded", disc()), Sprite("sun", "flat", disc())])
    more = inked_atlas(atlas, ["flat"])
    assert more.names == ["ball", "sun"]
    assert [sprite.style for sprite in more.sprites["ball"]] == ["flat", "inked", "shaded"]
    assert len(atlas) == 3
    again = inked_atlas(atlas, ["flat"])
    for name in more.names:
        for one, other in zip(more.sprites[name], again.sprites[name], strict=True):
            np.testing.assert_array_equal(one.rgba, other.rgba)
    ball, sun = (more.sprites[name][1].rgba for name in ("ball", "sun"))
    assert ball.shape != sun.shape or (ball != sun).any()  # every drawing has its own pen


def test_nothing_drawn_stays_nothing() -> None:
    assert not ink(np.random.default_rng(0), np.zeros((20, 20, 4), np.uint8)).any()


def test_a_source_draws_over_only_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    atlas = atlas_of([Sprite("ball", "flat", disc())])
    monkeypatch.setattr("osprey_core.training.sources.load_atlas", lambda path: atlas)
    plain, inked = (SceneSource(tmp_path / "atlas", inked=styles).load() for styles in ((), ("flat",)))
    assert isinstance(plain, Atlas)
    assert isinstance(inked, Atlas)
    assert plain.styles == ["flat"]
    assert inked.styles == ["flat", "inked"]
