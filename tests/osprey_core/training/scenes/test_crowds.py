"""Crowded pictures: every mask shows what its name says, and nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

from osprey_core.training.art import Atlas, Sprite, atlas_of
from osprey_core.training.dialogues.crowd_talks import crowd_talks
from osprey_core.training.scenes.crowds import make_crowd


def flat_sprite(name: str, rgb: tuple[int, int, int]) -> Sprite:
    return Sprite(name, "flat", np.full((40, 40, 4), (*rgb, 255), dtype=np.uint8))


@pytest.fixture
def atlas() -> Atlas:
    return atlas_of([flat_sprite("ruby", (250, 5, 5)), flat_sprite("emerald", (5, 250, 5))])


@pytest.mark.parametrize("seed", range(12))
def test_masks_cover_the_thing_they_name(atlas: Atlas, seed: int) -> None:
    crowd = make_crowd(seed, atlas, 96)
    assert crowd.image.shape == (96, 96, 3)
    assert len(crowd.masks) == len(crowd.region_names) >= 4
    colours = {"ruby": (250, 5, 5), "emerald": (5, 250, 5)}
    for mask, name in zip(crowd.masks, crowd.region_names, strict=True):
        assert mask.sum() >= 20
        if name in colours:
            off = np.abs(crowd.image[mask].astype(int) - colours[name]).max(axis=1)
            assert np.median(off) < 8, name


@pytest.mark.parametrize("seed", range(6))
def test_no_pixel_belongs_to_two_things(atlas: Atlas, seed: int) -> None:
    assert np.sum(make_crowd(seed, atlas, 96).masks, axis=0).max() == 1


def test_the_same_seed_gives_the_same_picture(atlas: Atlas) -> None:
    one, two, other = make_crowd(3, atlas, 64), make_crowd(3, atlas, 64), make_crowd(4, atlas, 64)
    assert np.array_equal(one.image, two.image)
    assert one.region_names == two.region_names
    assert not np.array_equal(one.image, other.image)


@pytest.mark.parametrize("seed", range(20))
def test_every_turn_asks_about_its_region_and_is_true(atlas: Atlas, seed: int) -> None:
    colour_of = {"ruby": "red", "emerald": "green"}
    for one in crowd_talks(seed, atlas, 96, count=2, turns=3):
        assert len(one.masks) == len(one.region_names) == len(one.dialogue) == 3
        for place, (name, turn) in enumerate(zip(one.region_names, one.dialogue, strict=True)):
            assert turn.regions == (place,)
            assert turn.known_regions == place + 1
            assert "{" not in turn.question
            assert (f"<region{place + 1}>" in turn.question) or place == 0
            if name in colour_of:
                other = "emerald" if name == "ruby" else "ruby"
                if turn.kind == "category":
                    assert turn.answer == name
                elif turn.kind == "color":
                    assert turn.answer == f"It is {colour_of[name]}."
                elif turn.kind == "is_category":
                    assert turn.answer.startswith("Yes" if name in turn.question else "No")
                    assert name in turn.answer
                assert other not in turn.answer


def test_more_talks_than_things_come_back_to_them(atlas: Atlas) -> None:
    talks = crowd_talks(1, atlas, 96, count=9, turns=4)
    assert len(talks) == 9
    assert all(talk.dialogue for talk in talks)
