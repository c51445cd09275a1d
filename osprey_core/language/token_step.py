"""One decoding step of a LLaMA: the logits of the next token of rows that each give one token.

The layers are called one after another where the model allows it, see `llama_layers`; otherwise the library's forward
pass is. It knows neither answers nor when they end.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import LlamaForCausalLM

from osprey_core.cache.row_states import RowStates
from osprey_core.language.llama_layers import LlamaLayers, ModelParts, can_step_by_layers

__all__ = ["TokenStep", "can_step_by_layers"]


class TokenStep:
    """The steps of a language model, which has gone through `use_prefix_attention`.

    layers: the model's parts, where others use them too; then whoever prepares them prepares them for all.
    """

    def __init__(self, llm: LlamaForCausalLM, layers: LlamaLayers | None = None) -> None:
        self._llm = llm
        self._layers = LlamaLayers(llm) if layers is None else layers

    @property
    def is_by_layers(self) -> bool:
        """Whether the library's forward pass is not used."""
        return self._layers.parts is not None

    def prepare(self, by_layers: bool | None = None) -> None:
        """Look at the model as it is now, see `LlamaLayers.prepare`."""
        self._layers.prepare(by_layers)

    def forget(self) -> None:
        """Let go of the model's tensors; `prepare` has to be called before the next step."""
        self._layers.forget()

    @torch.inference_mode()
    def next_logits(self, states: RowStates, tokens: Sequence[int]) -> torch.Tensor:
        """Logits (B, V) of what follows the last token of each row.

        Args:
            states: of the rows; keys and values of these tokens are written to it. The caller begins and ends its step.
            tokens: the last one of each row, in the order of `states`.
        """
        parts = self._layers.parts
        return self._whole_pass(states, tokens) if parts is None else self._by_layers(parts, states, tokens)

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

    def _by_layers(self, parts: ModelParts, states: RowStates, tokens: Sequence[int]) -> torch.Tensor:
        embeddings = self._llm.model.embed_tokens
        hidden = embeddings(torch.tensor(tokens, device=embeddings.weight.device))  # (B, D)
        angles = parts.scaled(parts.angles.at(states.positions))
        return parts.next_logits(hidden, angles, states.attend_next)
