"""A model is taken apart anew after a change of its modules, parameters or hooks, and only then."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from transformers import LlamaForCausalLM

from osprey_core.language.llama_layers import LlamaLayers
from osprey_core.language.model_snapshot import ModelSnapshot
from tests.tiny import tiny_llama


def hook(llm: LlamaForCausalLM) -> None:
    llm.model.layers[1].mlp.register_forward_hook(lambda *_: None)


def other_memory(llm: LlamaForCausalLM) -> None:
    weight = llm.model.layers[0].mlp.down_proj.weight
    weight.data = weight.data.clone()


def other_type(llm: LlamaForCausalLM) -> None:
    llm.bfloat16()


def other_parameter(llm: LlamaForCausalLM) -> None:
    llm.lm_head.weight = nn.Parameter(llm.lm_head.weight.data, requires_grad=False)


def other_module(llm: LlamaForCausalLM) -> None:
    llm.model.layers[0].self_attn.q_proj = nn.Sequential(llm.model.layers[0].self_attn.q_proj)


def fewer_layers(llm: LlamaForCausalLM) -> None:
    llm.model.layers = llm.model.layers[:1]


def other_forward(llm: LlamaForCausalLM) -> None:
    llm.model.norm.forward = lambda hidden: hidden


def trained(llm: LlamaForCausalLM) -> None:
    llm.requires_grad_(True)


CHANGES = [hook, other_memory, other_type, other_parameter, other_module, fewer_layers, other_forward, trained]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_seen(change: Callable[[LlamaForCausalLM], None]) -> None:
    llm = tiny_llama()
    snapshot, layers = ModelSnapshot(llm), LlamaLayers(llm)
    assert snapshot.still_holds()
    layers.prepare()
    before = layers.parts
    assert before is not None
    layers.prepare()
    assert layers.parts is before
    change(llm)
    assert not snapshot.still_holds()
    layers.prepare()
    assert layers.parts is not before


def test_values_changed_in_place_are_no_change() -> None:
    llm = tiny_llama()
    snapshot = ModelSnapshot(llm)
    with torch.no_grad():
        for parameter in llm.parameters():
            parameter.mul_(2)
    assert snapshot.still_holds()


def test_what_was_taken_apart_is_let_go() -> None:
    llm = tiny_llama()
    layers = LlamaLayers(llm)
    layers.prepare()
    layers.forget()
    assert layers.parts is None
    layers.prepare()
    assert layers.parts is not None
