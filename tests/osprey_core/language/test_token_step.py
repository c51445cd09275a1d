"""A step by the layers' own modules gives the logits of transformers' whole forward pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import LlamaForCausalLM

from osprey_core.cache.prefix_attention import KeyValues
from osprey_core.cache.row_states import RowStates
from osprey_core.language.joined_weights import joined
from osprey_core.language.token_step import TokenStep, can_step_by_layers
from osprey_core.runtime.quantize import quantize
from tests.tiny import tiny_llama


def stepping(llm: LlamaForCausalLM, by_layers: bool = True) -> TokenStep:
    step = TokenStep(llm)
    step.prepare(by_layers)
    assert step.is_by_layers is by_layers
    return step


@torch.inference_mode()
def whole_pass(llm: LlamaForCausalLM, ids: torch.Tensor) -> tuple[torch.Tensor, KeyValues]:
    result = llm(input_ids=ids, use_cache=True)
    return result.logits[:, -1], tuple((layer.keys, layer.values) for layer in result.past_key_values.layers)


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"num_key_value_heads": 4},
        {"num_key_value_heads": 1, "head_dim": 16},
        {"tie_word_embeddings": True},
        {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0}},
    ],
)
def test_rows_step_as_in_one_pass_over_everything(sizes: dict[str, Any]) -> None:
    llm = tiny_llama(2, **sizes)
    assert can_step_by_layers(llm)
    texts = [
        torch.randint(0, 64, (1, length), generator=torch.Generator().manual_seed(length)) for length in (9, 4, 14)
    ]
    states = RowStates()
    for place, text in enumerate(texts):
        _, known = whole_pass(llm, text[:, :-2])
        split = 3 if place else 0  # the first row has no prefix
        prefix = tuple((keys[:, :, :split], values[:, :, :split]) for keys, values in known) if split else None
        states.add(prefix, tuple((keys[:, :, split:], values[:, :, split:]) for keys, values in known))
    step = stepping(llm)
    for back in (2, 1):
        states.begin_step()
        logits = step.next_logits(states, [int(text[0, -back]) for text in texts])
        states.end_step()
        for row, text in zip(logits, texts, strict=True):
            expected, _ = whole_pass(llm, text[:, : text.shape[1] - back + 1])
            torch.testing.assert_close(row, expected[0], atol=1e-5, rtol=1e-5)


def test_quantized_linears_are_called_themselves() -> None:
    llm = tiny_llama(2)
    quantize(llm, "int8")
    assert can_step_by_layers(llm)
    logits = []
    for by_layers in (True, False):
        states = RowStates()
        _, known = whole_pass(llm, torch.tensor([[5, 6, 7, 8]]))
        states.add(None, known)
        states.begin_step()
        logits.append(stepping(llm, by_layers).next_logits(states, [9]))
    torch.testing.assert_close(*logits)


def next_after(llm: LlamaForCausalLM, step: TokenStep, ids: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of a step after all but the last id, and of a whole pass over all of them."""
    states = RowStates()
    _, known = whole_pass(llm, torch.tensor([ids[:-1]]))
    states.add(None, known)
    states.begin_step()
    return step.next_logits(states, ids[-1:])[0], whole_pass(llm, torch.tensor([ids]))[0][0]


def memory_bytes(llm: LlamaForCausalLM) -> int:
    storages = {each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in llm.parameters()}
    return sum(storages.values())


def test_joined_weights_stay_the_models_own_in_the_same_memory(tmp_path: Path) -> None:
    llm, untouched = tiny_llama(2), tiny_llama(2)
    before, names = memory_bytes(llm), list(llm.state_dict())
    parameters = dict(llm.named_parameters())
    step = stepping(llm)
    assert memory_bytes(llm) == before
    attention = llm.model.layers[0].self_attn
    assert len({each.weight.untyped_storage().data_ptr() for each in (attention.q_proj, attention.v_proj)}) == 1
    assert list(llm.state_dict()) == names
    for name, expected in untouched.named_parameters():
        assert llm.get_parameter(name) is parameters[name]
        assert torch.equal(parameters[name], expected)
        assert not parameters[name].is_inference()
    place = attention.q_proj.weight.data_ptr()
    step.prepare()
    assert attention.q_proj.weight.data_ptr() == place, "they are joined once"
    save_file(llm.state_dict(), tmp_path / "saved.safetensors")
    saved = load_file(tmp_path / "saved.safetensors")
    assert all(torch.equal(saved[name], expected) for name, expected in untouched.state_dict().items())


def test_weights_that_change_after_they_were_joined_are_used_as_they_are() -> None:
    llm = tiny_llama(2)
    step, ids = stepping(llm), [5, 6, 7, 8, 9]
    with torch.no_grad():
        llm.model.layers[0].self_attn.k_proj.weight.mul_(3)
        llm.model.layers[1].mlp.up_proj.weight.add_(0.1)
    torch.testing.assert_close(*next_after(llm, step, ids), atol=1e-5, rtol=1e-5)
    llm.double()  # as another device does, it gives every parameter other memory
    llm.float()
    with torch.no_grad():
        llm.model.layers[0].self_attn.q_proj.weight.mul_(2)
    step.prepare()
    torch.testing.assert_close(*next_after(llm, step, ids), atol=1e-5, rtol=1e-5)
    quantize(llm, "int8")
    step.prepare()
    torch.testing.assert_close(*next_after(llm, step, ids), atol=0.1, rtol=0.1)


def test_a_step_in_bfloat16_gives_the_whole_pass_logits() -> None:
    llm = tiny_llama(2).bfloat16()
    torch.testing.assert_close(*next_after(llm, stepping(llm), [5, 6, 7, 8, 9]), atol=0.1, rtol=0.1)


def test_weights_that_others_hold_or_train_are_not_moved() -> None:
    table = torch.randn(12, 4)
    linears = [nn.Linear(4, 4, bias=False).requires_grad_(False) for _ in range(3)]
    linears[1].weight.data = table[4:8]
    places = [linear.weight.data_ptr() for linear in linears]
    matrices = joined(linears)
    assert [matrix.data_ptr() for matrix in matrices] == places
    assert all(torch.equal(matrix, linear.weight) for matrix, linear in zip(matrices, linears, strict=True))
    trained = [nn.Linear(4, 4, bias=False) for _ in range(2)]
    assert len(joined(trained)) == 2
    assert len(joined([linears[0], linears[2]])) == 1


def hooked(llm: LlamaForCausalLM) -> None:
    llm.model.layers[1].mlp.register_forward_hook(lambda *_: None)


def compiled(llm: LlamaForCausalLM) -> None:
    llm.model.layers[0].mlp.compile(backend="eager")


def spread(llm: LlamaForCausalLM) -> None:
    llm.model.layers[1].to("meta")


def other_layer(llm: LlamaForCausalLM) -> None:
    llm.model.layers[0] = nn.Identity()


@pytest.mark.parametrize("change", [hooked, compiled, spread, other_layer])
def test_models_that_are_stepped_into_keep_the_whole_pass(change: Callable[[LlamaForCausalLM], None]) -> None:
    llm = tiny_llama(2)
    change(llm)
    assert not can_step_by_layers(llm)
