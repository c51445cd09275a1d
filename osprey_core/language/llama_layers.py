"""The layers of a LLaMA in parts, to be called one after another: norms, joined matrices, rotary angles.

The library's forward pass prepares masks, caches and outputs that a single short pass does not need; for a small model
that takes longer than the arithmetic. What is here are the layers' own modules, so that quantized or adapted linears
work too, or, where they are plain linears, their matrices, those with the same input as one. The numbers are the same
but for rounding. Models whose passes somebody else steps into (hooks, layers spread over devices, compiled parts,
another kind of layer) have no parts. It knows neither what is read nor what is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import nn
from transformers import LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaDecoderLayer, LlamaRMSNorm, LlamaRotaryEmbedding

from osprey_core.language.joined_weights import joined
from osprey_core.language.model_snapshot import ModelSnapshot
from osprey_core.language.onednn import OneDnnLinear
from osprey_core.language.weight_products import Weight

_MOST_POSITIONS = 4096
"""Rotary angles of further positions are computed in each step."""

Product = Weight | nn.Module
"""A weight, or a module that computes something like a product with one."""


class Norm:
    """Root mean square norm of (B, D), as `LlamaRMSNorm` computes it, in fewer calls; other modules are called."""

    def __init__(self, module: nn.Module) -> None:
        self._module: nn.Module | None = module
        if type(module) is LlamaRMSNorm:
            self._module, self._weight = None, module.weight
            self._least = module.variance_epsilon
            self._zero = module.weight.new_zeros(())
            self._may_read_numbers = module.weight.device.type == "cpu"
            self._epsilon = module.weight.new_tensor(module.variance_epsilon, dtype=torch.float32)

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        if self._module is not None:
            return self._module(hidden)
        is_full = hidden.dtype == torch.float32
        if is_full and len(hidden) == 1 and self._may_read_numbers:
            # On a CPU a number costs nothing, and saves two calls.
            mean = torch.dot(hidden[0], hidden[0]).item() / hidden.shape[-1]
            return torch.addcmul(self._zero, hidden, self._weight, value=(mean + self._least) ** -0.5)
        full = hidden if is_full else hidden.float()
        length = torch.linalg.vector_norm(full, dim=-1, keepdim=True)
        scaled = full * torch.addcmul(self._epsilon, length, length, value=1 / hidden.shape[-1]).rsqrt_()
        return scaled.mul_(self._weight) if is_full else self._weight * scaled.to(hidden.dtype)

    @property
    def constants(self) -> tuple[torch.Tensor, ...]:
        """What it reads and the model does not hold."""
        return () if self._module is not None else (self._epsilon,)

    def without_numbers(self) -> Norm:
        """The same, without reading a number back from a tensor."""
        plain = copy(self)
        plain._may_read_numbers = False
        return plain


@dataclass(frozen=True, eq=False)
class LayerParts:
    """The parts of a layer in the order in which they are used."""

    input_norm: Norm
    query_key_value: tuple[Product, ...]
    output: Product
    inner_norm: Norm
    gate_up: tuple[Product, ...]
    activation: nn.Module
    down: Product
    scaling: float

    def key_value(self, query_width: int) -> tuple[Product, ...]:
        """The products that give keys and values alone; the joined ones give `query_width` of queries first."""
        joint = self.query_key_value[0]
        if len(self.query_key_value) == 1 and isinstance(joint, Weight):
            return (joint.below(query_width),)
        return self.query_key_value[1:]

    @property
    def is_plain(self) -> bool:
        """Whether all products are with the model's own weights."""
        every = (*self.query_key_value, self.output, *self.gate_up, self.down)
        return all(isinstance(each, Weight) for each in every)

    def after_attention(self, hidden: torch.Tensor) -> torch.Tensor:
        """The layer's result (B, D), from the sum (B, D) of its input and its attention."""
        gate, up = products(self.inner_norm(hidden), self.gate_up).chunk(2, dim=-1)
        return plus_product(hidden, self.activation(gate).mul_(up), self.down)


@dataclass(frozen=True, eq=False)
class ModelParts:
    """A language model between its embeddings and its head."""

    layers: list[LayerParts]
    last_norm: Norm
    angles: RotaryAngles
    heads: int
    head_size: int
    head: Product
    scales: torch.Tensor
    """(H + K, 1): what the queries of each head are scaled by, and 1 for the heads of keys."""

    @property
    def can_be_recorded(self) -> bool:
        """Whether a step reads nothing but weights and what is in `constants`."""
        return self.angles.has_table and isinstance(self.head, Weight) and all(layer.is_plain for layer in self.layers)

    @property
    def constants(self) -> tuple[torch.Tensor, ...]:
        """Tensors that a step reads and the model does not hold."""
        norms = (self.last_norm, *chain.from_iterable((layer.input_norm, layer.inner_norm) for layer in self.layers))
        return (self.scales, *self.angles.constants, *chain.from_iterable(norm.constants for norm in norms))

    def without_numbers(self) -> ModelParts:
        """The same, without reading a number back from a tensor."""
        layers = [
            replace(each, input_norm=each.input_norm.without_numbers(), inner_norm=each.inner_norm.without_numbers())
            for each in self.layers
        ]
        return replace(self, layers=layers, last_norm=self.last_norm.without_numbers())

    def next_logits(
        self, hidden: torch.Tensor, angles: tuple[torch.Tensor, torch.Tensor], attend: AttendNext
    ) -> torch.Tensor:
        """Logits (B, V) of what follows tokens of rows that each give one.

        Args:
            hidden: (B, D), the tokens embedded.
            angles: of their positions, `scaled`.
            attend: the rows' attention; it stores the tokens' keys and values.
        """
        for number, layer in enumerate(self.layers):
            together = products(layer.input_norm(hidden), layer.query_key_value).view(len(hidden), -1, self.head_size)
            turn(together[:, : (together.shape[1] + self.heads) // 2], angles)  # queries and keys
            attended = attend(number, together[:, : self.heads], together[:, self.heads :])
            hidden = layer.after_attention(plus_product(hidden, attended.reshape(len(hidden), -1), layer.output))
        return self.logits(hidden)

    def scaled(self, angles: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Angles (B, 1, d) for the queries and keys (B, H + K, d) of all layers, which scale the queries too."""
        cos, sin = angles
        return cos * self.scales, sin * self.scales

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits (B, V) for the last layer's results (B, D)."""
        return products(self.last_norm(hidden), (self.head,))


AttendNext = Callable[[int, torch.Tensor, torch.Tensor], torch.Tensor]
"""From a layer's number, queries (B, H, d), keys and values (B, 2 K, d) of a position to attention (B, H, d)."""


class LlamaLayers:
    """The parts of a language model as it was when `prepare` was called last.

    Call it again where an adapter, a hook or a device may have come since. Weights that are changed in place are used
    as they are.
    """

    def __init__(self, llm: LlamaForCausalLM) -> None:
        self.llm = llm
        self.parts: ModelParts | None = None
        """None before `prepare`, and for models whose forward pass has to be called as a whole."""
        self._angles: RotaryAngles | None = None
        self._seen: ModelSnapshot | None = None
        """The model when it was last taken apart."""

    def prepare(self, by_layers: bool | None = None) -> None:
        """Look at the model as it is now; that takes a moment only if it has changed.

        by_layers: whether to call the layers one by one; None where the model allows it.
        """
        if by_layers is None and self._seen is not None and self._seen.still_holds():
            return
        self._take_apart(by_layers)
        self._seen = ModelSnapshot(self.llm) if by_layers is None else None

    def _take_apart(self, by_layers: bool | None) -> None:
        llm, self.parts = self.llm, None
        if not (can_step_by_layers(llm) if by_layers is None else by_layers):
            return
        weight = llm.model.embed_tokens.weight
        if self._angles is None or not self._angles.fits(llm.model.rotary_emb, weight):
            self._angles = RotaryAngles(llm.model.rotary_emb, weight)
        first, heads = llm.model.layers[0].self_attn, llm.config.num_attention_heads
        self.parts = ModelParts(
            [_parts_of(layer) for layer in llm.model.layers],
            Norm(llm.model.norm),
            self._angles,
            heads,
            first.head_dim,
            _joined_products(llm.lm_head)[0],
            weight.new_tensor([first.scaling] * heads + [1.0] * (heads // first.num_key_value_groups))[:, None],
        )

    def forget(self) -> None:
        """Let go of the model's tensors; `prepare` has to be called before the next pass."""
        self.parts = self._seen = None


class RotaryAngles:
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
            table = self._computed(torch.tensor(list(positions)))
        elif len(positions) == 1:
            table = self._table[:, positions[0] : positions[0] + 1]
        else:
            table = self._table[:, torch.tensor(list(positions), device=self._table.device)]
        cos, sin = table[:, :, None].unbind()
        return cos, sin

    @property
    def has_table(self) -> bool:
        """Whether the angles of a position do not depend on others."""
        return self._table is not None

    @property
    def constants(self) -> tuple[torch.Tensor, ...]:
        return () if self._table is None else (self._table,)

    def at_places(self, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The same for positions (B,) in a tensor, all of them below `_MOST_POSITIONS`; there has to be a table."""
        assert self._table is not None
        cos, sin = self._table[:, positions][:, :, None].unbind()
        return cos, sin

    def _computed(self, positions: torch.Tensor) -> torch.Tensor:
        """(2, P, d) of positions (P,)."""
        cos, sin = self._rotary(self._like, positions.to(self._like.device)[None])  # (1, P, d)
        half = sin.shape[-1] // 2
        # A coordinate's partner lies half the vector away; that of the first half has a negative sign.
        return torch.cat([cos, torch.cat([-sin[..., :half], sin[..., half:]], dim=-1)])


def turn(vectors: torch.Tensor, angles: tuple[torch.Tensor, torch.Tensor]) -> None:
    """Turn queries and keys (B, N, d) in place, by what `RotaryAngles.at` gives for their positions."""
    cos, sin = angles
    partners = vectors.roll(vectors.shape[-1] // 2, -1)
    vectors.mul_(cos).addcmul_(partners, sin)


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


def _parts_of(layer: LlamaDecoderLayer) -> LayerParts:
    attention, mlp = layer.self_attn, layer.mlp
    return LayerParts(
        Norm(layer.input_layernorm),
        _joined_products(attention.q_proj, attention.k_proj, attention.v_proj),
        _joined_products(attention.o_proj)[0],
        Norm(layer.post_attention_layernorm),
        _joined_products(mlp.gate_proj, mlp.up_proj),
        mlp.act_fn,
        _joined_products(mlp.down_proj)[0],
        attention.scaling,
    )


def _joined_products(*linears: nn.Module) -> tuple[Product, ...]:
    """The modules as few matrices; themselves unless all of them are plain products."""
    if all(_is_plain_product(linear) for linear in linears):
        return tuple(map(Weight, joined(linears)))  # type: ignore[arg-type]
    return linears


def _is_plain_product(linear: nn.Module) -> bool:
    return (
        type(linear) in (nn.Linear, OneDnnLinear)
        and linear.bias is None
        and type(linear.weight) is nn.Parameter
        and type(linear.weight.data) is torch.Tensor
        and not _is_stepped_into(linear)
    )


def products(inputs: torch.Tensor, matrices: Sequence[Product]) -> torch.Tensor:
    """Products of inputs (B, K) with all of them, side by side (B, N)."""
    found = [each.times(inputs) if isinstance(each, Weight) else each(inputs) for each in matrices]
    return found[0] if len(found) == 1 else torch.cat(found, dim=-1)


def plus_product(hidden: torch.Tensor, inputs: torch.Tensor, matrix: Product) -> torch.Tensor:
    return matrix.added(hidden, inputs) if isinstance(matrix, Weight) else hidden + matrix(inputs)
