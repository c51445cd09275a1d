"""The training command: files of records and a trained model in, a better model out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from osprey_core import Osprey
from osprey_core.config import OspreyConfig
from osprey_core.training import __main__ as command
from osprey_core.training.__main__ import main
from osprey_core.training.config import LOG_FILE, SAMPLER, TrainingConfig
from osprey_core.training.dialogues import sample
from osprey_core.training.recipes import PUBLISHED_STAGES
from osprey_core.training.records.record_source import RecordSource
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


def test_a_new_model_is_trained_with_a_sampler(
    tmp_path: Path, records: Path, small_steps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    language = replace(tiny_config().language, vocab_size=320)

    @dataclass(frozen=True)
    class Smaller(TrainingConfig):
        model: OspreyConfig = field(default_factory=lambda: replace(tiny_config(context=400), language=language))

    monkeypatch.setattr(command, "TrainingConfig", Smaller)
    arguments = ("--extractor", "sampler", "--records", records, "--recipe", small_steps, "--only", "extractor")
    assert train(tmp_path, *arguments) == 0
    trained = Osprey.from_pretrained(str(tmp_path / "model"), device="cpu")
    assert trained.network.config.extractor.sampler == SAMPLER
    made = sample(0)
    assert isinstance(trained.open(made.image).ask("What is <region1>?", made.masks[:1]), str)


def test_out_of_time_is_told_by_the_exit_code(tmp_path: Path, model: Path, records: Path, small_steps: Path) -> None:
    arguments = ("--start", model, "--records", records, "--recipe", small_steps, "--only", "extractor")
    assert train(tmp_path, *arguments, "--minutes", 0) == 3
    assert (tmp_path / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--lora", "4"), "--lora fine-tunes a trained language model"),
        (("--parts", "llm"), "name a model there"),
        (("--start", "nano", "--extractor", "sampler"), "--extractor is for new models"),
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


def test_region_names_are_known_without_decoding(records: Path) -> None:
    names = {name for seed in range(8) for name in sample(seed).region_names}
    assert RecordSource.read([records]).region_names() == sorted(names)
