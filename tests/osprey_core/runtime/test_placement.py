"""A model spread over devices answers as one in one place, also where most of it lies on the disk."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from osprey_core import InputError, Osprey
from osprey_core.analysis.label_likelihood import score_labels
from osprey_core.config import OspreyConfig
from osprey_core.language.prompts import Turn
from osprey_core.model import build_network
from osprey_core.runtime import placement
from osprey_core.runtime.placement import Placement, check_device_map
from tests.tiny import tiny_config, tiny_tokenizer

pytest.importorskip("accelerate")

PICTURE = np.random.default_rng(0).integers(0, 255, (48, 80, 3), dtype=np.uint8)
MASKS = [np.zeros((48, 80), bool) for _ in range(3)]
for number, one in enumerate(MASKS):
    one[5 : 20 + number, 5 : 20 + 9 * number] = True


def config() -> OspreyConfig:
    """Tiny, with layers enough to be spread."""
    values = tiny_config().to_dict()
    values["language"]["num_hidden_layers"] = 4
    return OspreyConfig.from_dict(values)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model")
    Osprey("tiny", build_network(config()).eval().requires_grad_(False), tiny_tokenizer()).save(folder)
    return folder


@pytest.fixture(scope="module")
def plain(folder: Path) -> Osprey:
    return Osprey.from_pretrained(str(folder), "cpu", "float32")


@pytest.fixture(params=["float32", "bfloat16"])
def spread(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Osprey:
    """Memory for the encoder and two of four layers, and no more."""
    dtype = getattr(torch, request.param)
    with torch.device("meta"):
        network = build_network(config())
    sizes = {name: sum(p.numel() for p in part.parameters()) * dtype.itemsize for name, part in network.named_modules()}
    layer = sizes["llm.model.layers.0"]
    # accelerate keeps room for the largest part that is to come and go.
    largest = max(layer, sizes["llm.lm_head"])
    room = sizes[""] - sizes["llm"] + sizes["llm.model.embed_tokens"] + 2 * layer + largest + layer // 2
    monkeypatch.setattr(placement, "free_bytes", lambda main: {"cpu": room})
    return Osprey.from_pretrained(str(folder), "cpu", request.param, device_map="auto")


def test_a_model_partly_on_the_disk_answers_as_one_in_memory(spread: Osprey, folder: Path) -> None:
    assert sum(p.is_meta for p in spread.network.llm.model.layers.parameters()) >= 9
    assert not any(p.is_meta for p in spread.network.vision_tower.parameters())
    whole = Osprey.from_pretrained(str(folder), "cpu", spread.dtype)
    history: list[Turn] = []
    views = [model.open(PICTURE) for model in (spread, whole)]
    for question in ("what is <region1>", "and <region2>", "what is <region1>"):
        ours, theirs = (view.ask(question, MASKS, history, max_new_tokens=8) for view in views)
        assert ours == theirs
        history.append(Turn(question, ours))
    described, wanted = (dict(view.describe(MASKS, batch_size=2, max_new_tokens=5)) for view in views)
    assert described == wanted
    ours_scored, theirs_scored = (score_labels(view, MASKS[0], ["cat", "dog"]).ranked for view in views)
    assert [score.label for score in ours_scored] == [score.label for score in theirs_scored]
    # Prompts are read by the layers' own parts where all are in memory, else by the library: they round differently.
    assert [score.log_likelihood for score in ours_scored] == pytest.approx(
        [score.log_likelihood for score in theirs_scored], rel=2e-5
    )


def test_people_at_once_do_not_take_each_others_weights_away(spread: Osprey) -> None:
    views = [spread.open(PICTURE), spread.open(255 - PICTURE)]
    jobs = [(views[number % 2], MASKS[number % 3], f"{number % 4} what") for number in range(12)]

    def answer(job: tuple) -> str:
        view, mask, question = job
        return view.ask(question, [mask], max_new_tokens=6)

    alone = [answer(job) for job in jobs]
    fresh = [(spread.open(PICTURE if view is views[0] else 255 - PICTURE), *rest) for view, *rest in jobs]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(answer, fresh)) == alone


def test_the_disk_is_cleaned_when_the_model_goes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "free_bytes", lambda main: {"cpu": 0})
    with torch.device("meta"):
        network = build_network(config())
    planned = Placement(network, torch.device("cpu"), torch.float32)
    assert set(planned.parts.values()) - {"disk"} <= {"cpu"}
    assert planned._folder is not None
    path = Path(planned._folder.name)
    assert planned.store("llm.model.layers.0.mlp.up_proj.weight", torch.ones(64, 32)).is_meta
    assert list(path.iterdir())
    del planned
    assert not path.exists()


def test_a_model_that_fits_is_left_as_it_is(folder: Path, plain: Osprey) -> None:
    model = Osprey.from_pretrained(str(folder), "cpu", "float32", device_map="auto")
    assert not any(p.is_meta for p in model.network.parameters())
    assert not hasattr(model.network.llm, "_hf_hook")
    assert model.open(PICTURE).ask("what", MASKS) == plain.open(PICTURE).ask("what", MASKS)


def test_parts_are_laid_on_gpus_first_then_into_memory_then_on_the_disk() -> None:
    """A plan needs no GPU; each device gets what fits, in the order of the layers."""
    with torch.device("meta"):
        network = build_network(config())
    layer = sum(p.numel() for p in network.llm.model.layers[0].parameters()) * 4
    head = network.llm.lm_head.weight.numel() * 4
    around = sum(p.numel() for name, p in network.named_parameters() if not name.startswith("llm.")) * 4
    room: dict[int | str, int] = {
        0: around + 2 * head + layer + layer // 2,
        1: layer + layer // 2,
        "cpu": layer + layer // 2,
    }
    plan = Placement(network, torch.device("cuda", 0), torch.float32, room)
    assert plan.parts["model.embed_tokens"] == plan.parts["model.rotary_emb"] == 0
    layers = [plan.parts[f"model.layers.{number}"] for number in range(4)]
    order = [0, 1, "cpu", "disk"]
    assert [order.index(device) for device in layers] == sorted(order.index(device) for device in layers)
    assert {1, "disk"} <= set(layers)
    assert plan._place_of("mm_projector.0.weight") == torch.device("cuda", 0)


def test_a_spread_model_is_not_saved(spread: Osprey, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="load it without a device map"):
        spread.save(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("device", "settings", "sentence"),
    [
        ("cpu", {"device_map": "balanced"}, "no device map 'balanced'; use none or auto"),
        ("cpu", {"device_map": "auto", "quantize": "int8"}, "not both"),
    ],
)
def test_what_cannot_be_had_is_explained_before_anything_is_loaded(
    device: str, settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        Osprey.from_pretrained("no/such-model", device, **settings)


def test_a_second_gpu_is_no_beginning() -> None:
    with pytest.raises(InputError, match="not at cuda:1; use device auto"):
        check_device_map("auto", torch.device("cuda:1"))


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(InputError, match="pip install accelerate"):
        Osprey.from_pretrained("no/such-model", "cpu", device_map="auto")
    assert check_device_map("none", torch.device("cpu")) is False
