"""One decoding step of a LLaMA: the logits of the next token of rows that each give one token.

The library's forward pass prepares masks, caches and outputs that a single position does not need; for a small model
that takes longer than a fifth of the step. Here the layers' own modules are called one after another, so that
quantized or adapted linears work too, and the numbers are the same. Models whose passes somebody else steps into
(hooks, layers spread over devices, compiled parts, another kind of layer) keep the library's forward pass. It knows
neither answers nor when they end.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import torch
from torch import nn
from transformers import LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from osprey_core.cache.row_states import RowStates


@torch.inference_mode()
def next_logits(
    llm: LlamaForCausalLM, states: RowStates, tokens: Sequence[int], is_plain: bool = False
) -> torch.Tensor:
    """Logits (B, V) of what follows the last token of each row.

    Args:
        llm: one that has gone through `use_prefix_attention`.
        states: of the rows; keys and values of these tokens are written to it. The caller begins and ends its step.
        tokens: the last one of each row, in the order of `states`.
        is_plain: what `can_step_by_layers` says of the model.
    """
    if is_plain:
        return _by_layers(llm, states, tokens)
    device = llm.model.embed_tokens.weight.device
    result: torch.Tensor = llm(
        input_ids=torch.tensor(tokens, device=device)[:, None],
        position_ids=torch.tensor(states.positions, device=device)[:, None],
        # Each row attends to all its positions; without a mask, transformers would make one.
        attention_mask=torch.ones(len(tokens), 1, 1, 1, dtype=torch.bool, device=device),
        use_cache=False,
        logits_to_keep=1,
        row_states=states,
    ).logits
    return result[:, -1]


def can_step_by_layers(llm: LlamaForCausalLM) -> bool:
    """Whether nothing but the modules' own computations happens in a forward pass, all of it on one device."""
    if any(type(layer) is not LlamaDecoderLayer or layer.self_attn.config.attention_bias for layer in llm.model.layers):
        return False
    around = (llm, llm.model, *chain.from_iterable(_parts(layer) for layer in llm.model.layers))
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


def _by_layers(llm: LlamaForCausalLM, states: RowStates, tokens: Sequence[int]) -> torch.Tensor:
    model, heads = llm.model, llm.config.num_attention_heads
    kv_heads = heads // model.layers[0].self_attn.num_key_value_groups
    ids = torch.tensor(tokens, device=model.embed_tokens.weight.device)
    hidden = model.embed_tokens(ids)  # (B, D)
    positions = torch.tensor(states.positions, device=ids.device)[:, None]
    cos, sin = (angles[:, None] for angles in model.rotary_emb(hidden[:, None], positions))  # (B, 1, 1, d)
    for number, layer in enumerate(model.layers):
        attention, mlp = layer.self_attn, layer.mlp
        normed = layer.input_layernorm(hidden)
        turned = torch.cat([attention.q_proj(normed), attention.k_proj(normed)], dim=-1)
        turned = turned.view(len(ids), heads + kv_heads, 1, attention.head_dim)
        turned = turned * cos + _half_turned(turned) * sin
        values = attention.v_proj(normed).view(len(ids), kv_heads, 1, attention.head_dim)
        queries, keys = turned[:, :heads], turned[:, heads:]
        attended = states.attend(number, queries, keys, values, attention.scaling)  # (B, 1, H, d)
        hidden = hidden + attention.o_proj(attended.reshape(len(ids), -1))
        normed = layer.post_attention_layernorm(hidden)
        hidden = hidden + mlp.down_proj(mlp.act_fn(mlp.gate_proj(normed)) * mlp.up_proj(normed))
    logits: torch.Tensor = llm.lm_head(model.norm(hidden))
    return logits


def _half_turned(vectors: torch.Tensor) -> torch.Tensor:
    """Rotary embedding's partner of each coordinate (..., d): the second half, negative, then the first."""
    first, second = vectors.chunk(2, dim=-1)
    return torch.cat([-second, first], dim=-1)
