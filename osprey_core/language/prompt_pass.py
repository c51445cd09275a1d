"""How a LLaMA reads a prompt: keys and values of a picture's positions, and the logits of what follows a question.

Only what somebody uses is computed: of a beginning that others go on from, the last layer's keys and values and not
its result, which is a seventh less work for a model of six layers; of a question, the last position's logits. The
layers are called one after another where the model allows it, see `llama_layers`; otherwise the library's forward pass
is. It knows neither pictures nor answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from transformers import DynamicCache, LlamaForCausalLM

from osprey_core.cache.prefix_attention import CACHE_ARGUMENT, KeyValues, attend_behind
from osprey_core.cache.prefix_cache import cache_of, key_values_of
from osprey_core.cache.row_states import length_of
from osprey_core.language.generation import DecodedRows, finite_logits
from osprey_core.language.llama_layers import LayerParts, LlamaLayers, ModelParts, plus_product, products, turn
from osprey_core.language.sampling import SamplingSettings

_Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""From a layer's number, scaled queries (1, H, T, d), keys and values (1, K, T, d) to attention (1, H, T, d)."""


class PromptPass:
    """Passes of a language model, which has gone through `use_prefix_attention`, over one prompt at a time.

    layers: the model's parts, where others use them too. Each pass prepares them as the model is then.
    """

    def __init__(self, llm: LlamaForCausalLM, layers: LlamaLayers | None = None) -> None:
        self._llm = llm
        self._layers = LlamaLayers(llm) if layers is None else layers

    @torch.inference_mode()
    def beginning(self, embeds: torch.Tensor) -> KeyValues:
        """Keys and values (1, K, T, d) per layer of the first positions of prompts, embedded as (T, D)."""
        self._layers.prepare()
        parts = self._layers.parts
        if parts is None:
            cache = cache_of(self._llm.config)
            self._llm.model(inputs_embeds=embeds[None], use_cache=True, **{CACHE_ARGUMENT: cache})
            return key_values_of(cache)
        found: list[tuple[torch.Tensor, torch.Tensor]] = []

        def attend(number: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
            # Copies: a part of the layer's product would keep the queries in memory.
            found.append((keys.contiguous(), values.contiguous()))
            return F.scaled_dot_product_attention(
                queries, *found[-1], is_causal=True, scale=1.0, enable_gqa=parts.heads != keys.shape[1]
            )

        angles, last = parts.angles.at(range(len(embeds))), parts.layers[-1]
        hidden = self._through(parts, parts.layers[:-1], embeds, angles, attend)
        together = products(last.input_norm(hidden), last.key_value(parts.heads * parts.head_size))
        _, keys, values = _heads(together, parts, angles, 0)
        return (*found, (keys.contiguous(), values.contiguous()))

    @torch.inference_mode()
    def next_logits(self, embeds: torch.Tensor, prefix: KeyValues | None, cache: DynamicCache) -> torch.Tensor:
        """Logits (V,) of what follows a prompt.

        Args:
            embeds: (T, D), the prompt's positions behind the prefix and the cache.
            prefix: of the positions before; None for none.
            cache: keys and values of the positions between; it grows by those of the prompt.

        Raises CheckpointError if the logits are not finite.
        """
        self._layers.prepare()
        parts = self._layers.parts
        if parts is None:
            rows = DecodedRows(self._llm, [embeds], [SamplingSettings()], prefix, cache)
            return rows.next_logits()[0]
        known, length = cache.get_seq_length(), len(embeds)
        first = known + length_of(prefix)
        places = torch.arange(known + length, device=embeds.device)
        seen = None if length == 1 else places <= places[known:, None]  # (T, known + T)

        def attend(number: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
            all_keys, all_values = cache.update(keys, values, number)
            return _attended(prefix, number, queries, all_keys, all_values, seen)

        angles = parts.angles.at(range(first, first + length))
        hidden = self._through(parts, parts.layers, embeds, angles, attend, only_last=True)
        return finite_logits(parts.logits(hidden))[0]

    @torch.inference_mode()
    def logits_of(
        self,
        ids: Sequence[int],
        positions: Sequence[int],
        seen: torch.Tensor,
        prefix: KeyValues,
        own: KeyValues,
        wanted: torch.Tensor,
    ) -> torch.Tensor:
        """Logits (W, V) of what follows some of the ids that are read behind a prompt, such as several answers' words.

        Args:
            ids, positions: of each of the T ids.
            seen: bool (T, S + T), which of the prompt's S own positions and of the ids each id attends to; all attend
                to the whole prefix.
            prefix, own: the prompt's keys and values, its picture's and its own.
            wanted: int64 (W,), places among the ids.
        """
        self._layers.prepare()
        parts, device = self._layers.parts, own[0][0].device
        tokens = torch.tensor(ids, device=device)
        if parts is None:
            logits: torch.Tensor = self._llm(
                input_ids=tokens[None],
                attention_mask=seen[None, None],
                position_ids=torch.tensor([list(positions)], device=device),
                use_cache=True,
                shared_prefix=prefix,
                **{CACHE_ARGUMENT: cache_of(self._llm.config, own, own[0][0].shape[2])},
            ).logits
            return logits[0, wanted.to(device)]

        def attend(number: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
            own_keys, own_values = own[number]
            all_keys, all_values = torch.cat([own_keys, keys], dim=2), torch.cat([own_values, values], dim=2)
            return _attended(prefix, number, queries, all_keys, all_values, seen)

        embeds = self._llm.model.embed_tokens(tokens)
        hidden = self._through(parts, parts.layers, embeds, parts.angles.at(positions), attend)
        return parts.logits(hidden[wanted.to(device)])

    def _through(
        self,
        parts: ModelParts,
        layers: Sequence[LayerParts],
        hidden: torch.Tensor,
        angles: tuple[torch.Tensor, torch.Tensor],
        attend: _Attend,
        only_last: bool = False,
    ) -> torch.Tensor:
        """The result (T, D) of some layers for (T, D), at positions with these angles.

        only_last: return the last position's result (1, D) alone, and compute no other's after the last attention.
        """
        for number, layer in enumerate(layers):
            together = products(layer.input_norm(hidden), layer.query_key_value)
            queries, keys, values = _heads(together, parts, angles, parts.heads)
            attended = attend(number, queries * layer.scaling, keys, values)[0].transpose(0, 1)  # (T, H, d)
            if only_last and layer is layers[-1]:
                hidden, attended = hidden[-1:], attended[-1:]
            hidden = layer.after_attention(plus_product(hidden, attended.reshape(len(hidden), -1), layer.output))
        return hidden


def _heads(
    together: torch.Tensor, parts: ModelParts, angles: tuple[torch.Tensor, torch.Tensor], heads: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries (1, heads, T, d), keys and values (1, K, T, d) of a layer's products (T, (heads + 2 K) d), turned."""
    vectors = together.view(len(together), -1, parts.head_size)
    turned = (vectors.shape[1] + heads) // 2
    turn(vectors[:, :turned], angles)  # queries and keys
    by_head = vectors.transpose(0, 1)[None]  # (1, N, T, d)
    return by_head[:, :heads], by_head[:, heads:turned], by_head[:, turned:]


def _attended(
    prefix: KeyValues | None,
    number: int,
    queries: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    seen: torch.Tensor | None,
) -> torch.Tensor:
    """Attention (1, H, T, d) over a layer's prefix, if there is one, and own positions (1, K, S, d)."""
    if prefix is not None:
        return attend_behind(prefix[number], queries, keys, values, None if seen is None else seen[None, None])
    return F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=seen, scale=1.0, enable_gqa=queries.shape[1] != keys.shape[1]
    )
