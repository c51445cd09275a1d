"""A LoRA adapter changes the weights by exactly its product, or is refused with the reason."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from osprey_core import Osprey
from osprey_core.errors import CheckpointError, ModelNotFoundError
from tests.tiny import tiny_osprey

peft = pytest.importorskip("peft")

LAYER = "model.layers.0.self_attn.q_proj"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    tiny_osprey().save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter as peft saves it, with numbers other than the zeros that it begins with."""
    config = peft.LoraConfig(r=2, lora_alpha=6, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    adapted = peft.get_peft_model(tiny_osprey().network.llm, config)
    generator = torch.Generator().manual_seed(0)
    for name, parameter in adapted.named_parameters():
        if ".lora_" in name:
            parameter.data = torch.randn(parameter.shape, generator=generator)
    adapted.save_pretrained(str(tmp_path / "adapter"))
    return tmp_path / "adapter"


def test_the_weights_change_by_the_adapter_s_product(saved: Path, adapter: Path) -> None:
    plain = Osprey.from_pretrained(str(saved), device="cpu").network.llm.state_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        model = Osprey.from_pretrained(str(saved), device="cpu", adapter=adapter)
    changed = model.network.llm.state_dict()
    assert changed.keys() == plain.keys()
    tensors = load_file(adapter / "adapter_model.safetensors")
    up, down = (tensors[f"base_model.model.{LAYER}.lora_{part}.weight"] for part in "BA")
    expected = plain[f"{LAYER}.weight"] + 3 * up @ down  # alpha / r = 3
    assert torch.allclose(changed[f"{LAYER}.weight"], expected, atol=1e-5)
    untouched = "model.layers.0.self_attn.k_proj.weight"
    assert torch.equal(changed[untouched], plain[untouched])
    assert not any(parameter.requires_grad for parameter in model.network.parameters())


def test_a_model_with_its_adapter_is_saved_as_one(saved: Path, adapter: Path, tmp_path: Path) -> None:
    model = Osprey.from_pretrained(str(saved), device="cpu", adapter=adapter)
    model.save(tmp_path / "merged")
    again = Osprey.from_pretrained(str(tmp_path / "merged"), device="cpu")
    for name, parameter in again.network.named_parameters():
        assert torch.equal(parameter, model.network.get_parameter(name)), name


def test_what_is_no_fitting_adapter_is_refused(saved: Path, adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no adapter in"):
        Osprey.from_pretrained(str(saved), device="cpu", adapter=tmp_path)
    weights = adapter / "adapter_model.safetensors"
    tensors = load_file(weights)
    wider = {name: torch.cat([tensor, tensor]) if ".lora_B" in name else tensor for name, tensor in tensors.items()}
    elsewhere = {name.replace("q_proj", "gate_proj"): tensor for name, tensor in tensors.items()}
    infinite = {name: tensor / 0 for name, tensor in tensors.items()}
    for odd, sentence in ((wider, "does not fit"), (elsewhere, "gate_proj"), (infinite, "not numbers")):
        save_file(odd, weights)
        with pytest.raises(CheckpointError, match=sentence) as caught:
            Osprey.from_pretrained(str(saved), device="cpu", adapter=adapter)
        assert "\n" not in str(caught.value)
    weights.write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="does not fit"):
        Osprey.from_pretrained(str(saved), device="cpu", adapter=adapter)
    (adapter / "non_lora_trainables.bin").write_bytes(b"")
    with pytest.raises(CheckpointError, match="further weights in non_lora_trainables.bin".replace(".", r"\.")):
        Osprey.from_pretrained(str(saved), device="cpu", adapter=adapter)
