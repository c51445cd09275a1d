"""Files of a model that are damaged or hostile: one sentence before anything large is made, or a model that works."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from osprey_core import Osprey
from osprey_core.errors import CheckpointError, OspreyError
from osprey_core.runtime import checkpoint
from tests.tiny import tiny_config, tiny_osprey

PUBLISHED = {
    "model_type": "osprey",
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "vocab_size": 300,
    "rope_parameters": {"rope_theta": 10000.0},
}

ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1, 2, 3, 7, 31, 10**6, 10**9, 10**30, -(10**20)]),
    st.sampled_from([0.0, -1.5, 0.5, 1e300, float("inf"), float("-inf"), float("nan")]),
    st.sampled_from(["", "x", "convnext", "convnext_large.nope", "../../etc/passwd", "convnext\0", "é" * 500, "1"]),
    st.sampled_from([[], [1], [40, 80, 160, "320"], [1] * 1000, {}, {"a": {"b": []}}, [[[]]]]),
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "model"
    tiny_osprey().save(folder)
    return folder


@st.composite
def mutated(draw: st.DrawFn, original: dict[str, Any]) -> dict[str, Any]:
    """A config with one to three of its entries, at any depth, replaced, removed or added."""
    values = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 3))):
        inner = values
        while True:
            key = draw(st.sampled_from(sorted(inner) or ["format"]))
            if isinstance(inner.get(key), dict) and inner[key] and draw(st.booleans()):
                inner = inner[key]
                continue
            break
        match draw(st.sampled_from(["replace", "replace", "replace", "remove", "add"])):
            case "replace":
                inner[key] = copy.deepcopy(draw(ODD_VALUES))  # the odd values are shared, and changed by a later round
            case "remove":
                inner.pop(key, None)
            case "add":
                inner[draw(st.sampled_from(["unknown", "num_hidden_layers", "image_size", ""]))] = copy.deepcopy(
                    draw(ODD_VALUES)
                )
    return values


def opened(folder: Path) -> None:
    """Load the folder: an OspreyError or success, nothing else gets out of here."""
    try:
        Osprey.from_pretrained(str(folder), device="cpu")
    except OspreyError as error:
        sentence = str(error)
        assert sentence.endswith(".")
        assert len(sentence) < 1200


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["own", "published"])
def test_mutated_configs_are_refused_or_load(saved: Path, tmp_path: Path, layout: str) -> None:
    original = tiny_config().to_dict() if layout == "own" else PUBLISHED
    folder = tmp_path / layout
    shutil.copytree(saved, folder)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutated(original))
    def check(values: dict[str, Any]) -> None:
        (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
        opened(folder)

    check()


@pytest.mark.parametrize(
    ("part", "entry", "value", "told"),
    [
        ("language", "num_hidden_layers", 10**6, "num_hidden_layers is 1000000, more than any model known"),
        ("language", "hidden_size", True, "whole number"),
        ("language", "rms_norm_eps", "small", "rms_norm_eps must be a finite number"),
        ("language", "rope_theta", 0, "rope_theta must be a finite number"),
        ("vision", "level_dims", [40, 80, 160, "320"], "level_dims must be a whole number"),
        ("vision", "level_dims", 4, "four widths"),
        ("prompt", "system", ["Hi."], "system must be text"),
        ("prompt", "answer_end", {}, "answer_end must be"),
    ],
)
def test_wrong_kinds_and_absurd_sizes_are_named(part: str, entry: str, value: Any, told: str) -> None:
    values = tiny_config().to_dict()
    values[part][entry] = value
    with pytest.raises(CheckpointError, match=told):
        type(tiny_config()).from_dict(values)


@pytest.mark.parametrize(
    "weight_map",
    [
        {"a": "../../etc/passwd"},
        {"a": "/etc/passwd"},
        {"a": "..\\..\\secret.bin"},
        {"a": "sub/pytorch_model.bin"},
        {"a": ".."},
        {"a": "x\0y"},
        {"a": 7},
        ["pytorch_model-00001-of-00002.bin"],
    ],
)
def test_an_index_names_files_of_its_own_folder_only(tmp_path: Path, weight_map: Any) -> None:
    (tmp_path / "config.json").write_text(json.dumps(PUBLISHED), encoding="utf-8")
    (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weight_map}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="weight_map must map names to file names in this folder"):
        checkpoint.inspect_folder(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_refused(saved: Path, tmp_path: Path, value: float) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["llm.lm_head.weight"].view(-1)[17] = value
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"not numbers \(llm\.lm_head\.weight\)"):
        Osprey.from_pretrained(str(folder), device="cpu")


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"model": ' * 50_000,
        b'{"model": {"vocab": {"<s>": 1, "</s>": 2, "<unk>": 0, "<0xZZ>": 3}, "merges": []}}',
        b'{"model": {"vocab": [], "merges": []}}',
        b'{"model": {"vocab": {"<s>": -1, "</s>": 2}, "merges": []}}',
        b'{"model": {"vocab": {"<s>": 1}, "merges": [["a", "b", "c"]]}}',
        b"\xff\xfe",
        b"",
    ],
)
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_damaged_json_is_one_sentence(saved: Path, tmp_path: Path, name: str, content: bytes) -> None:
    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    (folder / name).write_bytes(content)
    with pytest.raises(CheckpointError):
        Osprey.from_pretrained(str(folder), device="cpu")


@pytest.mark.parametrize("temperature", [0.0, 0.9])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_become_no_numbers_while_decoding_are_no_answer(temperature: float, value: float) -> None:
    model = tiny_osprey()
    with torch.no_grad():
        model.network.llm.model.norm.weight[3] = value
    view = model.open(np.zeros((64, 64, 3), dtype=np.uint8))
    with pytest.raises(CheckpointError, match="not numbers"):
        view.ask("what is <region1>", regions=[np.ones((64, 64), dtype=bool)], temperature=temperature, seed=1)
