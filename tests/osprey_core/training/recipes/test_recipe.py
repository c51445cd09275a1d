"""Recipes: named ones hold what they always held, files in TOML and JSON are read, broken ones refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from osprey_core.errors import InputError
from osprey_core.training.config import NANO_ART
from osprey_core.training.dialogues import KIND_WEIGHTS, KindWeight
from osprey_core.training.dialogues.kinds import weighted
from osprey_core.training.recipes import NANO_STAGES, PUBLISHED_STAGES, RECIPES, PlannedStage, Stage, read_recipe


def digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def repeated(kinds: Iterable[str | KindWeight]) -> list[str]:
    """Kinds as they were listed before they had weights: each as often as it weighs."""
    return [choice.kind for choice in weighted(kinds) for _ in range(int(choice.weight))]


def test_the_stages_of_nano_are_those_that_it_was_trained_in() -> None:
    """Digests recorded when stages and taught things were lists in Python."""
    assert (len(NANO_STAGES), sum(stage.steps for stage in NANO_STAGES)) == (29, 31_050)
    values = [
        [
            repeated(value) if field.name in ("kinds", "apart") else list(value) if isinstance(value, tuple) else value
            for field in fields(stage)
            for value in [getattr(stage, field.name)]
        ]
        for stage in NANO_STAGES
    ]
    assert digest(values) == "a40cf4f88bd6941f"
    assert len(NANO_ART.things) == 412
    assert digest([NANO_ART.styles, NANO_ART.inked, NANO_ART.things]) == "de558c4bd1b1acdd"
    assert {kind for stage in NANO_STAGES for kind in repeated(stage.kinds)} <= set(KIND_WEIGHTS)


def test_the_published_recipe_trains_what_the_paper_trains() -> None:
    stages = RECIPES["published"].for_samples(1000)
    assert [stage.trains for stage in stages] == [
        ("mm_projector",), ("mask_extractor",), ("mm_projector", "mask_extractor", "llm"),
    ]  # fmt: skip
    assert [stage.steps for stage in stages] == [8, 500, 500]
    assert stages[1].warmup_steps == 15
    assert RECIPES["nano"].for_samples(None) == NANO_STAGES


def test_recipes_are_read_from_json(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    by_steps = {
        "name": "a",
        "objective": "text",
        "trains": ["llm"],
        "steps": 5,
        "learning_rate": 0.1,
        "kinds": ["what"],
    }
    by_epochs = {"name": "b", "trains": ["mm_projector"], "epochs": 0.5, "batch_size": 4, "learning_rate": 0.1}
    path.write_text(json.dumps({"stages": [by_steps, by_epochs], "weight_decay": 0.1, "betas": [0.8, 0.9]}))
    recipe = read_recipe(str(path))
    assert recipe.stages[0] == Stage("a", "text", ("llm",), 5, 0.1, kinds=("what",))
    assert recipe.stages[1] == PlannedStage("b", ("mm_projector",), 0.1, 4, 0.5)
    assert (recipe.weight_decay, recipe.betas) == (0.1, (0.8, 0.9))
    assert [stage.steps for stage in recipe.only(["b"]).for_samples(80)] == [10]


STAGE = {"name": "a", "trains": ["llm"], "steps": 5, "learning_rate": 0.1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "a list of stages"),
        ({"stages": []}, "a list of stages"),
        ({"stages": [5]}, "stage 1 is not an object"),
        ({"stages": [STAGE, STAGE]}, "same name"),
        ({"stages": [STAGE], "cheese": 1}, "unknown entries: cheese"),
        ({"stages": [{**STAGE, "cheese": 1}]}, "stage a has unknown entries: cheese"),
        ({"stages": [{k: v for k, v in STAGE.items() if k != "learning_rate"}]}, "stage a lacks learning_rate"),
        ({"stages": [{**STAGE, "trains": ["head"]}]}, "trains must list some of"),
        ({"stages": [{**STAGE, "trains": "llm"}]}, "trains must list some of"),
        ({"stages": [{**STAGE, "objective": "fun"}]}, "the objective must be one of"),
        ({"stages": [{**STAGE, "pictures": "paintings"}]}, "pictures must be one of scenes, crowds"),
        ({"stages": [{**STAGE, "kinds": ["what", "gossip"]}]}, "unknown kinds of question: gossip; choose from around"),
        ({"stages": [{**STAGE, "apart": {"gossip": 2}}]}, "unknown kinds of question: gossip"),
        ({"stages": [{**STAGE, "steps": 0}]}, "at least 1"),
        ({"stages": [{**STAGE, "steps": "many"}]}, "wrong type"),
    ],
)
def test_broken_recipes_are_refused(tmp_path: Path, content: Any, message: str) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read_recipe(str(tmp_path / "recipe.json"))


def test_epochs_must_be_positive() -> None:
    with pytest.raises(InputError, match="epochs must be above 0"):
        replace(PUBLISHED_STAGES[0], epochs=0)


def test_a_toml_recipe_may_name_templates_and_mixtures(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("""
betas = [0.8, 0.9]
[mixtures.few]
category = 1
what = 2
[mixtures.more]
like = "few"
more = { color = 3 }
[templates.talk]
trains = ["llm"]
learning_rate = 0.1
image_tokens = false
[[stages]]
like = "talk"
name = "a"
steps = 5
kinds.like = "more"
kinds.more = { category = 4 }
[[stages]]
like = "talk"
name = "b"
steps = 6
learning_rate = 0.2
apart = { presence = 3 }
""")
    recipe = read_recipe(str(path))
    kinds = KindWeight("category"), KindWeight("what", 2), KindWeight("color", 3), KindWeight("category", 4)
    assert recipe.stages == (
        Stage("a", "dialogue", ("llm",), 5, 0.1, kinds=kinds, image_tokens=False),
        Stage("b", "dialogue", ("llm",), 6, 0.2, apart=(KindWeight("presence", 3),), image_tokens=False),
    )
    assert recipe.betas == (0.8, 0.9)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('like = "nobody"', "is like 'nobody'"),
        ('kinds = { like = "nobody" }', "is like 'nobody'"),
        ('kinds = { like = "me" }\n[mixtures.me]\nlike = "me"', "is like 'me'"),
        ("= 5", "TOML"),
    ],
)
def test_unknown_templates_and_broken_toml_are_refused(tmp_path: Path, entry: str, message: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(f'[[stages]]\nname = "a"\ntrains = ["llm"]\nsteps = 5\nlearning_rate = 0.1\n{entry}\n')
    with pytest.raises(InputError, match=message):
        read_recipe(str(path))
