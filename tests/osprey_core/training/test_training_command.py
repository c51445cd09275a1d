"""The training command: files of records and a trained model in, a better model out; recipes and curves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from osprey_core import Osprey
from osprey_core.config import OspreyConfig
from osprey_core.errors import InputError
from osprey_core.evaluation import balanced
from osprey_core.training import curves
from osprey_core.training.__main__ import main
from osprey_core.training.config import LOG_FILE
from osprey_core.training.dialogues import EVALUATION_SEEDS, sample
from osprey_core.training.recipes import NANO_STAGES, PUBLISHED_STAGES, RECIPES, PlannedStage, Stage, read_recipe
from osprey_core.training.records.record_source import RecordSource
from osprey_core.training.sources import SceneSource
from osprey_core.training.store import store_samples
from tests.osprey_core.runtime.test_checkpoint import published_names
from tests.tiny import tiny_config, tiny_osprey


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny_osprey(context=400).save(folder)
    return folder


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_samples(map(sample, range(8)), tmp_path_factory.mktemp("data"))


def train(out: Path, *arguments: Any) -> int:
    return main(["--out", str(out), "--device", "cpu", "--workers", "0", *map(str, arguments)])


@pytest.fixture(scope="module")
def small_steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published stages, shortened."""
    stages = [
        {"name": s.name, "trains": s.trains, "learning_rate": 0.01, "batch_size": 2, "steps": 2, "accumulate": 2}
        for s in PUBLISHED_STAGES
    ]
    path = tmp_path_factory.mktemp("recipe") / "recipe.json"
    path.write_text(json.dumps({"stages": stages}))
    return path


def test_the_published_stages_run_on_records_with_adapters(
    tmp_path: Path, model: Path, records: Path, small_steps: Path
) -> None:
    arguments = ("--start", model, "--records", records, "--recipe", small_steps, "--lora", 2, "--checkpointing")
    assert train(tmp_path, *arguments, "--score-every", 2, "--held-out", 2) == 0
    entries = [json.loads(line) for line in (tmp_path / LOG_FILE).read_text().splitlines()]
    assert list(dict.fromkeys(entry["stage"] for entry in entries)) == ["connector", "extractor", "end-to-end"]
    assert sum("held_out" in entry for entry in entries) == 3
    assert (tmp_path / "best" / "model.safetensors").is_file()
    trained = Osprey.from_pretrained(str(tmp_path / "model"), device="cpu")
    made = sample(0)
    assert isinstance(trained.open(made.image).ask("What is <region1>?", made.masks[:1]), str)
    before, after = tiny_osprey(context=400).network, trained.network
    moved = {
        name.split(".")[0]
        for (name, old), new in zip(before.named_parameters(), after.parameters(), strict=True)
        if (old - new).abs().max() > 5e-3  # beyond what rounding to half precision does
    }
    assert moved == {"mm_projector", "mask_extractor", "llm"}


def test_a_run_starts_from_the_published_layout(
    tmp_path: Path, records: Path, small_steps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(context=400)
    monkeypatch.setattr(OspreyConfig, "from_published", classmethod(lambda cls, values: config))
    osprey = tiny_osprey(context=400)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "osprey"}))
    ours = {name: p.detach() for name, p in osprey.network.named_parameters()}
    torch.save(published_names(ours), tmp_path / "pytorch_model.bin")
    osprey.prompts.tokenizer.save(tmp_path / "tokenizer.json")
    arguments = ("--start", tmp_path, "--records", records, "--recipe", small_steps, "--only", "extractor")
    assert train(tmp_path / "run", *arguments) == 0
    trained = Osprey.from_pretrained(str(tmp_path / "run" / "model"), device="cpu").network
    assert torch.allclose(trained.llm.lm_head.weight, ours["llm.lm_head.weight"], atol=1e-3)
    moved = trained.mask_extractor.feat_linear.weight - ours["mask_extractor.feat_linear.weight"]
    assert moved.abs().max() > 5e-3


def test_out_of_time_is_told_by_the_exit_code(tmp_path: Path, model: Path, records: Path, small_steps: Path) -> None:
    arguments = ("--start", model, "--records", records, "--recipe", small_steps, "--only", "extractor")
    assert train(tmp_path, *arguments, "--minutes", 0) == 3
    assert (tmp_path / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--lora", "4"), "--lora fine-tunes a trained language model"),
        (("--parts", "llm"), "name a model there"),
        (("--records", "a.json", "--atlas", "b.npz"), "two kinds of data"),
        (("--held-out", "0"), "--held-out must be at least 1"),
        (("--scale", "0"), "--scale must be above 0"),
        (("--records", "nowhere.json"), "There is no file nowhere.json"),
        (("--recipe", "cake"), "There is no recipe 'cake'"),
        (("--only", "dessert"), "no stage dessert"),
        (("--recipe", "published"), "goes by epochs"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, arguments: tuple[str, ...], message: str
) -> None:
    assert train(tmp_path, *arguments) == 2
    assert message in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_record_met_in_training_is_named(
    tmp_path: Path, model: Path, records: Path, caplog: pytest.LogCaptureFixture, workers: int
) -> None:
    content = json.loads(records.read_text())
    content[5]["file_name"] = "gone.png"
    (records.parent / "bad.json").write_text(json.dumps(content))
    arguments = ("--start", model, "--records", records.parent / "bad.json", "--only", "extractor")
    assert train(tmp_path, *arguments, "--workers", workers) == 2
    (message,) = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert message.startswith(f"{records.parent / 'bad.json'}, record 5: there is no picture gone.png")
    assert "\n" not in message


def test_a_new_model_learns_from_records_alone(tmp_path: Path, records: Path, caplog: pytest.LogCaptureFixture) -> None:
    recipe = tmp_path / "recipe.json"
    stage = {"name": "all", "trains": ["llm"], "learning_rate": 1e-3, "batch_size": 2, "steps": 1}
    recipe.write_text(json.dumps({"stages": [stage]}))
    # So few texts do not hold the embedded model's whole vocabulary.
    assert train(tmp_path / "run", "--records", records, "--recipe", recipe) == 2
    assert "pieces" in caplog.text


# -- recipes --


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


# -- curves --


def write_log(folder: Path, *entries: dict[str, Any]) -> Path:
    (folder / LOG_FILE).write_text("\n".join(map(json.dumps, entries)) + '\n{"stage": "b", "st')
    return folder


def entry(stage: str, step: int, loss: float, **more: float) -> dict[str, Any]:
    return {"stage": stage, "step": step, "loss": loss, "token_accuracy": 0.5, "row_accuracy": 0.1, **more}


def test_curves_put_stages_in_a_row_and_take_what_was_logged_last(tmp_path: Path) -> None:
    log = [entry("a", 20, 3.0), entry("a", 40, 2.0), entry("a", 20, 2.5), entry("a", 40, 1.5), entry("b", 20, 1.0)]
    read = curves.read_curves(write_log(tmp_path, *log, {"stage": "b", "step": 20, "held_out": 0.6}))
    assert read.stages == [("a", 0), ("b", 40)]
    assert read.points["loss"] == [(20, 2.5), (40, 1.5), (60, 1.0)]
    assert read.points["held_out"] == [(60, 0.6)]
    assert read.steps == 60


def test_curves_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    log = [entry("a", 20 * k, 3.0 / k) for k in range(1, 30)] + [entry("b", 20, 0.1), entry("b", 40, 0.1)]
    write_log(tmp_path, *log, {"stage": "b", "step": 40, "held_out": 0.6})
    assert curves.main([str(tmp_path), "--out", str(tmp_path / "plots" / "curves.png")]) == 0
    picture = np.asarray(Image.open(tmp_path / "plots" / "curves.png").convert("RGB"))
    assert picture.shape == (704, 1100, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50
    assert curves.main([str(tmp_path), "--out", str(tmp_path / "curves.docx")]) == 2


def test_a_folder_without_a_log_has_no_curves(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no log"):
        curves.read_curves(tmp_path)
    (tmp_path / LOG_FILE).write_text("")
    with pytest.raises(InputError, match="no figures yet"):
        curves.read_curves(tmp_path)


def test_smoothing_is_the_mean_of_the_neighbours() -> None:
    assert curves.smooth([1.0, 2.0, 6.0, 3.0], 3) == [1.5, 3.0, pytest.approx(11 / 3), 4.5]
    assert curves.smooth([], 3) == []


def test_scenes_held_out_are_seen_by_neither_training_nor_evaluation() -> None:
    source = SceneSource(None)
    held_out = source.held_out(("color", "position"))
    found = [made for seed in range(4) for made in held_out(seed)]
    assert {kind for made in found for kind in made.kinds} <= {"color", "position"}
    asked = {made.scene.seed for picture in balanced(None, 3) for _, made, _ in picture.asked}
    assert all(made.scene.seed % 7_368_787_000_003 in EVALUATION_SEEDS for made in found)
    assert not asked & {made.scene.seed for made in found}


def test_region_names_are_known_without_decoding(records: Path) -> None:
    names = {name for seed in range(8) for name in sample(seed).region_names}
    assert RecordSource.read([records]).region_names() == sorted(names)
