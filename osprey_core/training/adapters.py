"""Low-rank adapters on a language model (LoRA, Hu et al., 2022), through peft, which is an optional dependency.

With adapters the language model's own weights are not trained, so that fine-tuning the 7B fits one GPU. This module
does not know stages and optimisers.
"""

from __future__ import annotations

import torch
from torch import nn

from osprey_core.errors import InputError
from osprey_core.model import OspreyNetwork, build_network

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Layers of a LLaMA that get adapters: all linear ones but the head."""

_NAME = "default"
_OWN = ".lora_"
_BASE = ".base_layer."


def add(llm: nn.Module, rank: int) -> None:
    """Give a language model adapters, in place. They change nothing until they are trained; they are float32.

    Raises InputError where peft is missing or the rank is not positive.
    """
    if rank < 1:
        raise InputError("adapters.rank_invalid", value=rank)
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise InputError("adapters.peft_missing") from error
    # Twice the rank is the usual strength; no dropout, so that a resumed run ends where an unbroken one does.
    settings = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=list(TARGETS))
    inject_adapter_in_model(settings, llm, adapter_name=_NAME)
    for parameter in parameters(llm):
        parameter.data = parameter.data.float()


def parameters(module: nn.Module) -> list[nn.Parameter]:
    """The adapters' parameters within a module; none where it has no adapters."""
    return [parameter for name, parameter in module.named_parameters() if _OWN in name]


def base_names(llm: nn.Module) -> set[str]:
    """Names in the state of a language model with adapters of everything that is not theirs."""
    return {name for name in llm.state_dict() if _OWN not in name}


def merged(network: OspreyNetwork) -> OspreyNetwork:
    """A network without adapters that computes the same: each is added to the weight it stands beside.

    The given network is left as it is; tensors that no adapter touches are shared. Weights are summed in float32.
    """
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in network.state_dict().items():
        if _OWN in name:
            continue
        if _BASE in name:
            owner, leaf = name.split(_BASE)
            if leaf == "weight":
                layer = network.get_submodule(owner)
                change = layer.get_delta_weight(_NAME)  # type: ignore[operator]  # peft's own layer class
                tensor = (tensor.float() + change.float()).cpu()
            name = f"{owner}.{leaf}"
        tensors[name] = tensor
    with torch.device("meta"):
        whole = build_network(network.config)
    whole.load_state_dict(tensors, assign=True)
    return whole
