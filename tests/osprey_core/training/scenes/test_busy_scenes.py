"""Busy scenes: the most labels that one picture gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from osprey_core.training.dialogues import EVALUATION_SEEDS, DialogueOptions, DialogueSample, named_regions, samples
from osprey_core.training.recipes import Stage
from osprey_core.training.scenes.drawn import OBJECTS, SHAPES
from osprey_core.training.scenes.scene import SceneOptions, make_scene
from osprey_core.training.sources import BUSY, NEAR, SceneSource

SEEDS = range(1_000_000, 1_000_030)


def stage(pictures: str, objective: str = "dialogue") -> Stage:
    return Stage("test", objective, ("llm",), 1, 1e-3, pictures=pictures)  # type: ignore[arg-type]


def test_busy_scenes_hold_more_than_usual_ones() -> None:
    usual, busy = ([len(make_scene(seed, options).objects) for seed in SEEDS] for options in (None, BUSY))
    assert np.mean(busy) > 1.5 * np.mean(usual)


def test_near_scenes_hold_large_things() -> None:
    def sides(options: SceneOptions | None) -> list[float]:
        boxes = [
            (item.full_box_xyxy, min(scene.size_hw))
            for seed in SEEDS
            for scene in [make_scene(seed, options)]
            for item in scene.objects
        ]
        return [max(box[2] - box[0], box[3] - box[1]) / short for box, short in boxes]

    assert len(sides(NEAR)) >= len(SEEDS)
    assert min(sides(NEAR)) > 0.25  # turned and cut things are smaller than what they were drawn at
    assert np.median(sides(NEAR)) > 1.5 * np.median(sides(None))


def test_impossible_sizes_are_refused() -> None:
    for wrong in ((0.0, 0.5), (0.6, 0.5), (0.5, 1.1)):
        with pytest.raises(ValueError, match="side_shares"):
            SceneOptions(side_shares=wrong)


def test_at_least_as_many_objects_as_at_most_are_refused_otherwise() -> None:
    with pytest.raises(ValueError, match="min_objects"):
        SceneOptions(min_objects=9, max_objects=8)


@pytest.mark.parametrize("seed", SEEDS[:10])
def test_everything_in_the_picture_is_a_region_with_its_name(seed: int) -> None:
    scene = make_scene(seed, BUSY)
    made = named_regions(scene, (seed,))
    assert len(made.masks) == len(made.region_names) >= len([o for o in scene.objects if o.area >= 30])
    assert made.dialogue == []
    parts = {part.name for item in scene.objects for part in item.parts}
    backgrounds = {region.name for region in scene.regions} | {"background"}
    assert set(made.region_names) <= {*OBJECTS, *SHAPES, *parts, *backgrounds}
    for mask in made.masks:
        assert mask.shape == scene.size_hw
        assert mask.any()


def test_parts_are_among_the_regions() -> None:
    made = [named_regions(make_scene(seed, BUSY), (seed,)) for seed in SEEDS]
    names = {name for one in made for name in one.region_names}
    assert {"wheels", "roof", "head"} & names
    assert names & set(OBJECTS)


@pytest.mark.parametrize("seed", SEEDS[:10])
def test_every_turn_brings_a_region(seed: int) -> None:
    options = DialogueOptions(scene=BUSY, max_turns=6, thorough=True)
    for made in samples(seed, 2, options):
        known = made.known_regions
        assert known == [min(place, len(made.masks)) for place in range(1, len(known) + 1)]
        assert len(made.masks) == known[-1]


def test_stages_get_the_pictures_they_name() -> None:
    source = SceneSource(None)
    busy = source.for_stage(stage("busy"))
    usual = source.for_stage(stage("scenes"))
    both = source.for_stage(stage("both"))
    named = source.for_stage(stage("busy", "regions"))
    for seed in SEEDS[:6]:
        (alone,) = named(seed)
        assert len(alone.masks) > 1
        assert not alone.dialogue
        expected = busy if seed % 2 else usual
        assert (both(seed)[0].image == expected(seed)[0].image).all()
        assert [turn.question for turn in both(seed)[0].dialogue] == [t.question for t in expected(seed)[0].dialogue]


def test_varied_pictures_come_in_turns() -> None:
    varied = SceneSource(None).for_stage(stage("varied"))
    for first in SEEDS[:8:4]:
        for seed, options in zip(range(first, first + 4), (None, BUSY, NEAR, None), strict=True):
            assert (
                varied(seed)[0].image == samples(seed, 1, DialogueOptions(scene=options or SceneOptions()))[0].image
            ).all()


def test_kinds_apart_have_every_second_conversation() -> None:
    for pictures in ("scenes", "busy", "varied"):
        source = SceneSource(None).for_stage(replace(stage(pictures), kinds=("category", "color"), apart=("presence",)))
        for seed in SEEDS[:8]:
            sample = source(seed)[0]
            assert isinstance(sample, DialogueSample)
            kinds = set(sample.kinds)
            assert kinds <= ({"presence"} if seed % 2 else {"category", "color"})


@pytest.mark.parametrize(("pictures", "turns"), [("busy", 10), ("busy", 3), ("scenes", 3)])
def test_conversations_are_as_long_as_the_stage_says(pictures: str, turns: int) -> None:
    source = SceneSource(None).for_stage(replace(stage(pictures), turns=turns))
    lengths = [len(made.dialogue) for seed in SEEDS[:12] for made in source(seed)]
    assert max(lengths) == turns


@pytest.mark.parametrize("pictures", ["busy", "scenes", "crowds"])
def test_pictures_have_as_many_conversations_as_the_stage_says_or_else_the_run(pictures: str) -> None:
    source = SceneSource(None, dialogues_per_scene=2)
    assert len(source.for_stage(stage(pictures))(SEEDS[0])) == 2
    assert len(source.for_stage(replace(stage(pictures), dialogues_per_scene=3))(SEEDS[0])) == 3


def test_seeds_kept_for_evaluation_are_refused() -> None:
    with pytest.raises(ValueError, match="kept for evaluation"):
        SceneSource(None).for_stage(stage("busy", "regions"))(EVALUATION_SEEDS[5])
