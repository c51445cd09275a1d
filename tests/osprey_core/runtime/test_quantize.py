"""Quantized weights: a stated drift and not more, clear words where they cannot be had."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from osprey_core import InputError, Osprey
from osprey_core.runtime import hub
from osprey_core.runtime.quantize import Drift, Int8Linear, drift, quantize, replacement_for
from tests.tiny import tiny_osprey


@pytest.mark.parametrize("rows", [1, 5, 200])
@pytest.mark.parametrize("bias", [True, False])
def test_an_int8_layer_is_close_to_what_it_replaces(rows: int, bias: bool) -> None:
    """Also where many rows take another way than few."""
    torch.manual_seed(0)
    linear = nn.Linear(96, 64, bias=bias)
    x = torch.randn(2, rows, 96)
    with torch.inference_mode():
        want, got = linear(x), Int8Linear(linear)(x)
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    assert float((got - want).abs().max() / want.abs().max()) < 0.03


def test_an_output_of_zeros_stays_zero() -> None:
    linear = nn.Linear(64, 32, bias=False)
    nn.init.zeros_(linear.weight)
    assert not Int8Linear(linear)(torch.randn(3, 64)).any()


def test_only_the_decoder_is_quantized() -> None:
    network = tiny_osprey().network
    quantize(network.llm, "int8")
    names = [name for name, module in network.named_modules() if isinstance(module, Int8Linear)]
    assert len(names) == 7 * network.config.language.num_hidden_layers
    assert all(name.startswith("llm.model.layers.") for name in names)
    assert isinstance(network.llm.lm_head, nn.Linear)


def test_a_quantized_model_answers_streams_and_describes_alike() -> None:
    model = tiny_osprey()
    quantize(model.network.llm, "int8")
    image = np.random.default_rng(0).integers(0, 255, (48, 80, 3), dtype=np.uint8)
    mask = np.zeros((48, 80), bool)
    mask[5:20, 5:20] = True
    view = model.open(image)
    question = "Please give me a short description of <region1>. Using a short phrase."
    assert view.ask(question, [mask]) == "".join(view.stream(question, [mask])) == model.describe(image, [mask])[0]


def test_a_quantized_model_is_not_saved(tmp_path: Path) -> None:
    model = tiny_osprey()
    quantize(model.network.llm, "int8")
    with pytest.raises(InputError, match="load it without quantize"):
        model.save(tmp_path)
    assert not list(tmp_path.iterdir())


def test_drift_of_a_model_from_itself_is_none() -> None:
    llm = tiny_osprey().network.llm
    assert drift(llm, copy.deepcopy(llm), [torch.randn(1, 12, 32)], 4) == Drift(1.0, 1.0, 0.0)


def test_drift_of_another_model_is_seen() -> None:
    prompts = [torch.randn(1, 12, 32) for _ in range(3)]
    found = drift(tiny_osprey(seed=0).network.llm, tiny_osprey(seed=1).network.llm, prompts, 8)
    assert found.same_tokens < 0.5
    assert found.same_answers == 0.0
    assert found.logit_error > 0.3


@pytest.mark.slow
@pytest.mark.skipif(
    not (hub.EMBEDDED_FOLDER / "model.safetensors").is_file(), reason="the embedded model's weights are not here"
)
def test_int8_changes_few_words_of_the_shipped_model() -> None:
    plain, small = (Osprey.from_pretrained("nano", "cpu", quantize=how) for how in (None, "int8"))
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(300, 2048, (6, 24), generator=generator)
    prompts = [plain.network.llm.get_input_embeddings()(row[None]) for row in ids]
    found = drift(plain.network.llm, small.network.llm, prompts)
    assert found.same_tokens >= 0.85
    assert found.logit_error < 0.1


@pytest.mark.parametrize(
    ("how", "sentence"),
    [("int3", "no quantization 'int3'"), ("8bit", "needs an NVIDIA GPU; use int8"), ("4bit", "needs an NVIDIA GPU")],
)
def test_what_cannot_be_had_is_explained_before_anything_is_loaded(how: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Osprey.from_pretrained("no/such-model", "cpu", quantize=how)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "bitsandbytes", None)
    with pytest.raises(InputError, match="pip install bitsandbytes"):
        replacement_for("4bit", torch.device("cuda"))
