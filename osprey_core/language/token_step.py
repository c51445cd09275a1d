"""One decoding step of a LLaMA: the logits of the next token of rows that each give one token.

The library's forward pass prepares masks, caches and outputs that a single position does not need; for a small model
that takes longer than the arithmetic. Here the layers' own modules are called one after another, so that quantized or
adapted linears work too, or, where they are plain linears, their matrices are multiplied by, those with the same input
in one product. The numbers are the same but for rounding. Models whose passes somebody else steps into (hooks, layers
spread over devices, compiled parts, another kind of layer) keep the library's forward pass. It knows neither answers
nor when they end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import nn
from transformers import LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRMSNorm, LlamaRotaryEmbedding

from osprey_core.cache.row_states import RowStates
from osprey_core.language.joined_weights import joined

_MOST_POSITIONS = 4096
"""Rotary angles of further positions are computed in each step."""

_Product = torch.Tensor | nn.Module
"""A transposed matrix (K, N), or a module that computes something like a product with one."""


class _Norm:
    """Root mean square norm of (B, D), as `LlamaRMSNorm` computes it, in fewer calls; other modules are called."""

    def __init__(self, module: nn.Module) -> None:
        self._module: nn.Module | None = module
        if type(module) is LlamaRMSNorm:
            self._module, self._weight = None, module.weight
            self._epsilon = module.weight.new_tensor(module.variance_epsilon, dtype=torch.float32)

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        if self._module is not None:
            return self._module(hidden)
        full = hidden.float()
        length = torch.linalg.vector_norm(full, dim=-1, keepdim=True)
        mean_square = torch.addcmul(self._epsilon, length, length, value=1 / hidden.shape[-1])
        return self._weight * (full * mean_square.rsqrt_()).to(hidden.dtype)


@dataclass(frozen=True, eq=False)
class _Layer:
    """The parts of a layer in the order in which they are used."""

    input_norm: _Norm
    query_key_value: tuple[_Product, ...]
    output: _Product
    inner_norm: _Norm
    gate_up: tuple[_Product, ...]
    activation: nn.Module
    down: _Product
    scaling: float


@dataclass(frozen=True, eq=False)
class _Parts:
    layers: list[_Layer]
    last_norm: _Norm


class TokenStep:
    """The steps of a language model, which has gone through `use_prefix_attention`.

    What is prepared is of the model as it was then: call `prepare` again where an adapter, a hook or a device may have
    come since. Weights that are changed in place are used as they are.
    """

    def __init__(self, llm: LlamaForCausalLM) -> None:
        self._llm = llm
        self._parts: _Parts | None = None
        self._turns: _Turns | None = None

    @property
    def is_by_layers(self) -> bool:
        """Whether the library's forward pass is not used."""
        return self._parts is not None

    def prepare(self, by_layers: bool | None = None) -> None:
        """Look at the model as it is now.

        by_layers: whether to call the layers one by one; None where the model allows it.
        """
        llm, self._parts = self._llm, None
        if not (can_step_by_layers(llm) if by_layers is None else by_layers):
            return
        self._parts = _Parts([_parts_of(layer) for layer in llm.model.layers], _Norm(llm.model.norm))
        weight = llm.model.embed_tokens.weight
        if self._turns is None or not self._turns.fits(llm.model.rotary_emb, weight):
            self._turns = _Turns(llm.model.rotary_emb, weight)

    def forget(self) -> None:
        """Let go of the model's tensors; `prepare` has to be called before the next step."""
        self._parts = None

    @torch.inference_mode()
    def next_logits(self, states: RowStates, tokens: Sequence[int]) -> torch.Tensor:
        """Logits (B, V) of what follows the last token of each row.

        Args:
            states: of the rows; keys and values of these tokens are written to it. The caller begins and ends its step.
            tokens: the last one of each row, in the order of `states`.
        """
        return self._whole_pass(states, tokens) if self._parts is None else self._by_layers(states, tokens)

    def _whole_pass(self, states: RowStates, tokens: Sequence[int]) -> torch.Tensor:
        device = self._llm.model.embed_tokens.weight.device
        result: torch.Tensor = self._llm(
            input_ids=torch.tensor(tokens, device=device)[:, None],
            position_ids=torch.tensor(states.positions, device=device)[:, None],
            # Each row attends to all its positions; without a mask, transformers would make one.
            attention_mask=torch.ones(len(tokens), 1, 1, 1, dtype=torch.bool, device=device),
            use_cache=False,
            logits_to_keep=1,
            row_states=states,
        ).logits
        return result[:, -1]

    def _by_layers(self, states: RowStates, tokens: Sequence[int]) -> torch.Tensor:
        assert self._parts is not None
        assert self._turns is not None
        model, rows = self._llm.model, len(tokens)
        hidden = model.embed_tokens(torch.tensor(tokens, device=model.embed_tokens.weight.device))  # (B, D)
        heads, size = self._llm.config.num_attention_heads, model.layers[0].self_attn.head_dim
        cos, sin = self._turns.at(states.positions)  # (B, 1, d)
        for number, layer in enumerate(self._parts.layers):
            together = _products(layer.input_norm(hidden), layer.query_key_value).view(rows, -1, size)
            turning = together[:, : (together.shape[1] + heads) // 2]  # queries and keys
            partners = turning.roll(size // 2, -1)
            turning.mul_(cos).addcmul_(partners, sin)
            attended = states.attend_next(number, together[:, :heads] * layer.scaling, together[:, heads:])
            hidden = _plus_product(hidden, attended.reshape(rows, -1), layer.output)
            gate, up = _products(layer.inner_norm(hidden), layer.gate_up).chunk(2, dim=-1)
            hidden = _plus_product(hidden, layer.activation(gate).mul_(up), layer.down)
        logits: torch.Tensor = self._llm.lm_head(self._parts.last_norm(hidden))
        return logits


class _Turns:
    """The rotary embedding's cosines and sines, computed once for all positions where they do not depend on others."""

    def __init__(self, rotary: LlamaRotaryEmbedding, weight: torch.Tensor) -> None:
        self._rotary, self._like = rotary, weight.new_empty(1)
        self._table: torch.Tensor | None = None  # (2, P, d)
        if rotary.rope_type not in ("dynamic", "longrope"):
            self._table = self._computed(torch.arange(min(rotary.max_seq_len_cached, _MOST_POSITIONS)))

    def fits(self, rotary: LlamaRotaryEmbedding, weight: torch.Tensor) -> bool:
        """Whether this was made for such a module and such weights."""
        return self._rotary is rotary and (self._like.dtype, self._like.device) == (weight.dtype, weight.device)

    def at(self, positions: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and sines (B, 1, d) of positions; sines with the sign of a coordinate's partner."""
        if self._table is None or max(positions) >= self._table.shape[1]:
            table = self._computed(torch.tensor(positions))
        elif len(positions) == 1:
            table = self._table[:, positions[0] : positions[0] + 1]
        else:
            table = self._table[:, torch.tensor(positions, device=self._table.device)]
        cos, sin = table[:, :, None].unbind()
        return cos, sin

    def _computed(self, positions: torch.Tensor) -> torch.Tensor:
        """(2, P, d) of positions (P,)."""
        cos, sin = self._rotary(self._like, positions.to(self._like.device)[None])  # (1, P, d)
        half = sin.shape[-1] // 2
        # A coordinate's partner lies half the vector away; that of the first half has a negative sign.
        return torch.cat([cos, torch.cat([-sin[..., :half], sin[..., half:]], dim=-1)])


def can_step_by_layers(llm: LlamaForCausalLM) -> bool:
    """Whether nothing but the modules' own computations happens in a forward pass, all of it on one device."""
    if any(type(layer) is not LlamaDecoderLayer or layer.self_attn.config.attention_bias for layer in llm.model.layers):
        return False
    around = (llm, llm.model, llm.model.norm, *chain.from_iterable(_parts(layer) for layer in llm.model.layers))
    if any(_is_stepped_into(module) for module in around):
        return False
    device = llm.lm_head.weight.device
    return all(parameter.device == device for parameter in llm.parameters())


def _parts(layer: nn.Module) -> tuple[nn.Module, ...]:
    """Modules whose own `forward` is not called here."""
    return layer, layer.self_attn, layer.mlp, layer.input_layernorm, layer.post_attention_layernorm  # type: ignore[return-value]


def _is_stepped_into(module: nn.Module) -> bool:
    return bool(
        module._forward_hooks
        or module._forward_pre_hooks
        or module._compiled_call_impl is not None
        or hasattr(module, "_hf_hook")
    )


def _parts_of(layer: LlamaDecoderLayer) -> _Layer:
    attention, mlp = layer.self_attn, layer.mlp
    return _Layer(
        _Norm(layer.input_layernorm),
        _joined_products(attention.q_proj, attention.k_proj, attention.v_proj),
        _joined_products(attention.o_proj)[0],
        _Norm(layer.post_attention_layernorm),
        _joined_products(mlp.gate_proj, mlp.up_proj),
        mlp.act_fn,
        _joined_products(mlp.down_proj)[0],
        attention.scaling,
    )


def _joined_products(*linears: nn.Module) -> tuple[_Product, ...]:
    """The modules as few matrices; themselves unless all of them are plain products."""
    if all(_is_plain_product(linear) for linear in linears):
        return joined(linears)  # type: ignore[arg-type]
    return linears


def _is_plain_product(linear: nn.Module) -> bool:
    return (
        type(linear) is nn.Linear
        and linear.bias is None
        and type(linear.weight) is nn.Parameter
        and type(linear.weight.data) is torch.Tensor
        and not _is_stepped_into(linear)
    )


def _products(inputs: torch.Tensor, matrices: Sequence[_Product]) -> torch.Tensor:
    """Products of inputs (B, K) with all of them, side by side (B, N)."""
    found = [inputs @ each if isinstance(each, torch.Tensor) else each(inputs) for each in matrices]
    return found[0] if len(found) == 1 else torch.cat(found, dim=-1)


def _plus_product(hidden: torch.Tensor, inputs: torch.Tensor, matrix: _Product) -> torch.Tensor:
    return torch.addmm(hidden, inputs, matrix) if isinstance(matrix, torch.Tensor) else hidden + matrix(inputs)
