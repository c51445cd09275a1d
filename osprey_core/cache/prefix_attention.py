"""Attention over a prefix that several sequences, or several questions, share.

The keys and values of the prefix are passed to the language model's forward pass beside the cache and are never copied
into it: all rows of a batch read one copy. It is registered with transformers under `NAME`; without a prefix it is
transformers' own SDPA.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface, LlamaForCausalLM, LlamaModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from osprey_core.cache.row_states import KeyValues, RowStates

__all__ = ["CACHE_ARGUMENT", "KeyValues", "accepts_prefix", "prefix_attention", "use_prefix_attention"]

CACHE_ARGUMENT = "cache" if "cache" in inspect.signature(LlamaModel.forward).parameters else "past_key_values"
"""Name of the cache argument of LLaMA's forward pass: transformers renamed it in 5.24."""

NAME = "shared_prefix"

_QUERIES_AT_A_TIME = 512
"""Attention scores are materialized, so long prefills are computed in slices of this size to bound their memory."""


def use_prefix_attention(llm: LlamaForCausalLM) -> None:
    """Make a model accept `shared_prefix=KeyValues` in its forward pass; without it the results stay the same."""
    llm.set_attn_implementation(NAME)


def accepts_prefix(llm: LlamaForCausalLM) -> bool:
    """Whether a model has gone through `use_prefix_attention`."""
    return bool(llm.config._attn_implementation == NAME)


def prefix_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    shared_prefix: KeyValues | None = None,
    row_states: RowStates | None = None,
    **others: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Softmax attention of each row over the prefix and then its own keys, as one sequence.

    Args:
        query: (B, H, Q, d), H a multiple of the key/value heads K.
        key, value: (B, K, S, d), each row's own, after the prefix.
        attention_mask: bool (B, 1, Q, S), True where a query attends to an own key; None for all. All queries attend
            to the whole prefix.
        scaling: of the scores; None for 1/√d.
        shared_prefix: with (1, K, P, d) per layer.
        row_states: of rows with a prefix each; then Q is 1, and key and value are those of the new position alone.

    Returns:
        (B, Q, H, d) as transformers expects it, and None in place of the weights.
    """
    if row_states is not None:
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        return row_states.attend(module.layer_idx, query, key, value, scale), None  # type: ignore[arg-type]
    if shared_prefix is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **others)
    scaled = query * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    attended = attend_behind(shared_prefix[module.layer_idx], scaled, key, value, attention_mask)  # type: ignore[index]
    return attended.transpose(1, 2).contiguous(), None


def attend_behind(
    prefix: tuple[torch.Tensor, torch.Tensor],
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
) -> torch.Tensor:
    """Attention (B, H, Q, d) over a layer's prefix, keys and values (1, K, P, d), and own keys behind it.

    Args:
        query: (B, H, Q, d), scaled.
        key, value, mask: as for `prefix_attention`.
    """
    slices = max(1, _QUERIES_AT_A_TIME // query.shape[0])
    attended = []
    for start in range(0, query.shape[2], slices):
        stop = start + slices
        seen = None if mask is None else mask[:, :, start:stop]
        attended.append(_attend(query[:, :, start:stop], key, value, seen, prefix[0][0], prefix[1][0]))
    return attended[0] if len(attended) == 1 else torch.cat(attended, dim=2)


def _attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    prefix_key: torch.Tensor,
    prefix_value: torch.Tensor,
) -> torch.Tensor:
    """Attention (B, H, Q, d) of a scaled query over own keys (B, K, S, d) and shared prefix keys (K, P, d)."""
    batch, heads, length, size = query.shape
    kv_heads = key.shape[1]
    rows = query.reshape(batch, kv_heads, -1, size)  # (B, K, H/K * Q, d)
    count = rows.shape[2]
    # The queries of all rows are stacked, so that the prefix is read once for all of them.
    together = rows.transpose(0, 1).reshape(kv_heads, -1, size)  # (K, B * H/K * Q, d)
    common = (together @ prefix_key.mT).view(kv_heads, batch, count, -1).transpose(0, 1)  # (B, K, H/K * Q, P)
    own = rows @ key.mT  # (B, K, H/K * Q, S)
    if mask is not None:
        groups = own.view(batch, kv_heads, -1, length, own.shape[-1])
        own = groups.masked_fill(~mask[:, :, None], float("-inf")).view_as(own)
    weights = torch.cat([common, own], dim=-1).softmax(dim=-1, dtype=torch.float32).to(query.dtype)
    on_common, on_own = weights.split([common.shape[-1], own.shape[-1]], dim=-1)
    from_common = on_common.transpose(0, 1).reshape(kv_heads, batch * count, -1) @ prefix_value
    from_own = on_own @ value
    result = from_common.view(kv_heads, batch, count, size).transpose(0, 1) + from_own
    return result.reshape(batch, heads, length, size)


AttentionInterface.register(NAME, prefix_attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
