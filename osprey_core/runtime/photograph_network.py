"""The second network of a model that has one, as a file of differences to the first.

`photographs.safetensors` lies beside `model.safetensors`. For each matrix that differs it holds the low-rank factors
of the difference, NAME.up (rows, rank) and NAME.down (rank, columns), or the whole tensor under its own name; what it
does not name is the first network's, as is the encoder. The gate that tells photographs from drawings is in it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from osprey_core.config import OspreyConfig
from osprey_core.errors import ModelNotFoundError
from osprey_core.model import OspreyNetwork, build_network
from osprey_core.model.photograph_gate import PhotographGate
from osprey_core.model.unfilled import unfilled
from osprey_core.runtime.checkpoint import check_finite, mismatch, read_tensors, write_tensors

PHOTOGRAPHS_FILE = "photographs.safetensors"
GATE = "gate."
UP, DOWN = ".up", ".down"
ENCODER = "vision_tower."


@dataclass
class PhotographNetwork:
    """A network for photographs, and what tells that a picture is one."""

    network: OspreyNetwork
    gate: PhotographGate
    """On the CPU, float32."""

    @torch.inference_mode()
    def sees_photograph(self, levels: Mapping[str, torch.Tensor]) -> bool:
        """Whether a picture is a photograph by what the photo tower sees in it, {"res2": (1, C, h, w), …}."""
        return bool(self.gate({name: level.float().cpu() for name, level in levels.items()})[0] > 0)


def load_photograph_network(folder: Path, config: OspreyConfig, first: OspreyNetwork) -> PhotographNetwork:
    """Build the second network on the device and of the type of the first, whose unchanged tensors it shares.

    Args:
        folder: a checkpoint's, with the file of differences.
        config: the model's, which has `photographs`.
        first: loaded, with its adapter; neither quantized nor spread over devices.

    Raises:
        ModelNotFoundError: the file is not there.
        CheckpointError: it is damaged, or does not fit the model.
    """
    assert config.photographs is not None
    path = folder / PHOTOGRAPHS_FILE
    if not path.is_file():
        raise ModelNotFoundError("checkpoint.photographs_missing", folder=str(folder), file=PHOTOGRAPHS_FILE)
    tensors = dict(read_tensors(path))
    check_finite(folder, tensors)
    with unfilled():
        network = build_network(config.of_photographs)
        gate = PhotographGate(config.photographs.photo)
    network.vision_tower = first.vision_tower
    parameter = next(first.llm.parameters())
    own = first.state_dict(keep_vars=True)
    missing, misshaped = [], []
    for name, wanted in network.state_dict(keep_vars=True).items():
        if name.startswith(ENCODER):
            continue
        value = _value(name, own.get(name), tensors)
        if value is None:
            missing.append(name)
        elif value.shape != wanted.shape:
            misshaped.append(f"{name} is {tuple(value.shape)}, not {tuple(wanted.shape)}")
        else:
            _put(network, name, value.to(parameter.device, parameter.dtype))
    for name, wanted in gate.state_dict().items():
        value = tensors.pop(GATE + name, None)
        if value is None:
            missing.append(GATE + name)
        elif value.shape != wanted.shape:
            misshaped.append(f"{GATE}{name} is {tuple(value.shape)}, not {tuple(wanted.shape)}")
        else:
            _put(gate, name, value.float())
    if missing or misshaped or tensors:
        raise mismatch(folder, missing, list(tensors), misshaped)
    network.llm.model.rotary_emb = LlamaRotaryEmbedding(config=network.llm.config).to(parameter.device)
    return PhotographNetwork(network.eval().requires_grad_(False), gate.eval().requires_grad_(False))


def _value(name: str, own: torch.Tensor | None, tensors: dict[str, torch.Tensor]) -> torch.Tensor | None:
    """A tensor of the second network; its entries are taken out of `tensors`. None if nothing tells it."""
    if name in tensors:
        return tensors.pop(name)
    if own is None or name + UP not in tensors or name + DOWN not in tensors:
        return own
    up, down = tensors.pop(name + UP).float(), tensors.pop(name + DOWN).float()
    fits = up.ndim == down.ndim == 2 and up.shape[1] == down.shape[0]
    if not fits or (up.shape[0], down.shape[1]) != tuple(own.shape):
        return up  # of a shape that is told
    return own.float() + (up @ down).to(own.device)


def _put(module: nn.Module, name: str, tensor: torch.Tensor) -> None:
    owner, _, leaf = name.rpartition(".")
    setattr(module.get_submodule(owner), leaf, nn.Parameter(tensor, requires_grad=False))


def save_photograph_network(
    folder: Path, second: PhotographNetwork, first: OspreyNetwork, rank: int = 0, dtype: torch.dtype | None = None
) -> None:
    """Write the file of differences.

    Args:
        folder: where the first network's files are.
        second, first: the two networks, of the same sizes.
        rank: of the differences' factors where those are smaller than the tensor (the nearest difference of that rank,
            by singular values); 0 writes whole tensors, so that reading gives exactly this network.
        dtype: of the stored tensors; None keeps the network's.

    Raises InputError if the file cannot be written.
    """
    stored: dict[str, torch.Tensor] = {GATE + name: tensor for name, tensor in second.gate.state_dict().items()}
    own = first.state_dict()
    for name, tensor in second.network.state_dict().items():
        if name.startswith(ENCODER):
            continue
        same_shape = name in own and own[name].shape == tensor.shape
        if same_shape and torch.equal(own[name], tensor):
            continue
        if rank and same_shape and tensor.ndim == 2 and rank * sum(tensor.shape) < tensor.numel():
            stored[name + UP], stored[name + DOWN] = low_rank(tensor.float() - own[name].float(), rank)
        else:
            stored[name] = tensor
    write_tensors(folder / PHOTOGRAPHS_FILE, {name: _stored(tensor, dtype) for name, tensor in stored.items()})


def _stored(tensor: torch.Tensor, dtype: torch.dtype | None) -> torch.Tensor:
    return tensor.detach().to("cpu", dtype or tensor.dtype)


def low_rank(matrix: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The factors (m, rank) and (rank, n) of the nearest matrix of that rank to (m, n), Eckart and Young (1936)."""
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    roots = values[:rank].sqrt()
    return left[:, :rank] * roots, roots[:, None] * right[:rank]
