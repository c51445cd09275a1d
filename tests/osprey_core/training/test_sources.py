"""Where samples come from: what is held out stays apart from training and evaluation."""

from __future__ import annotations

from typing import Any

from osprey_core.evaluation import balanced
from osprey_core.training.dialogues import EVALUATION_SEEDS
from osprey_core.training.sources import SceneSource


def test_scenes_held_out_are_seen_by_neither_training_nor_evaluation() -> None:
    source = SceneSource(None)
    held_out = source.held_out(("color", "position"))
    found: list[Any] = [made for seed in range(4) for made in held_out(seed)]
    assert {kind for made in found for kind in made.kinds} <= {"color", "position"}
    asked = {made.scene.seed for picture in balanced(None, 3) for _, made, _ in picture.asked}
    assert all(made.scene.seed % 7_368_787_000_003 in EVALUATION_SEEDS for made in found)
    assert not asked & {made.scene.seed for made in found}
