"""Decoding steps that are recorded once for each shape and replayed: on a GPU, one launch instead of hundreds.

A small batch leaves a GPU waiting for Python between its kernels. A recording, such as a CUDA graph, repeats the same
kernels on the same memory; so the rows lie in memory that stays (`cache.fixed_rows`), and nothing that differs between
steps may be a number in Python. How to record is given by the caller, see `runtime.cuda_graphs`. Only for models whose
layers are plain products, and only for a few rows at a time: each has a copy of its picture's prefix.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from transformers import LlamaForCausalLM

from osprey_core.cache.fixed_rows import FixedRows, StepWindow
from osprey_core.language.llama_layers import LlamaLayers, ModelParts

log = logging.getLogger(__name__)

Recorder = Callable[[Callable[[], torch.Tensor], torch.device], Callable[[], torch.Tensor]]
"""From a step, which reads and writes memory of a device that stays, to what repeats it and gives what it writes."""

MOST_RECORDED_ROWS = 4
"""More rows than that keep a GPU busy for longer than Python takes, and share what is common to them."""

MOST_POSITIONS = 4096

POSITIONS_AT_A_TIME = 512
"""A recording reads so many positions of every row, or a multiple, however many are filled."""

_SHARE_OF_FREE_MEMORY = 0.25
"""That keys and values of all rows may take at most."""


@dataclass(frozen=True, eq=False)
class _Recording:
    replay: Callable[[], torch.Tensor]
    read: tuple[torch.Tensor, ...]
    """Tensors that it reads and that nobody else may hold."""


class RecordedSteps:
    """The steps of a language model, one recording for each number of rows and positions.

    layers: the model's parts, prepared by whoever shares them.
    rows: at most so many; fewer where memory is short.
    """

    def __init__(
        self, llm: LlamaForCausalLM, layers: LlamaLayers, record: Recorder, rows: int = MOST_RECORDED_ROWS
    ) -> None:
        self._llm, self._layers, self._record, self._most_rows = llm, layers, record, rows
        self._positions = min(llm.config.max_position_embeddings, MOST_POSITIONS)
        self.states: FixedRows | None = None
        """None until they are first used."""
        self._recordings: dict[tuple[int, int], _Recording] = {}
        self._parts: Callable[[], ModelParts | None] = lambda: None
        """The parts that were looked at last, while somebody holds them."""
        self._weights: tuple[int, ...] = ()
        """Where the weights lay when the recordings were made."""
        self.has_failed = False
        """Whether nothing more is recorded."""

    def __len__(self) -> int:
        return len(self._recordings)

    def takes(self, rows: int, positions: int) -> bool:
        """Whether so many rows, each of at most so many positions in the end, can be decoded."""
        parts = self._layers.parts
        if self.has_failed or positions > self._positions or parts is None or not parts.can_be_recorded:
            return False
        like = self._llm.model.embed_tokens.weight
        states = self.states
        if states is None or (states.stored.device, states.stored.dtype) != (like.device, like.dtype):
            if states is not None and len(states):
                return False  # until these rows have moved out
            self.states = None
            self._recordings.clear()
            try:
                states = self.states = self._made(parts)
            except Exception as error:
                self._fail(error)
                return False
        return rows <= len(states.tokens)

    @torch.inference_mode()
    def next_logits(self, tokens: Sequence[int]) -> torch.Tensor | None:
        """Logits (B, V) of what follows the last token of each row of `states`; None if it cannot be recorded.

        After None the rows have to move out of `states`. The caller ends the step of `states`.
        """
        states, parts = self.states, self._layers.parts
        assert states is not None, "takes() has been asked"
        if parts is None or not parts.can_be_recorded:
            return None
        if self._parts() is not parts:  # the model was taken apart anew, which it is where it has changed
            self._parts = weakref.ref(parts)
            weights = tuple(parameter.data_ptr() for parameter in self._llm.parameters())
            if weights != self._weights:
                self._recordings.clear()
                self._weights = weights
        states.set_step(tokens)
        count = 1 << (len(tokens) - 1).bit_length()
        longest = max(states.positions) + 1
        length = min(-(-longest // POSITIONS_AT_A_TIME) * POSITIONS_AT_A_TIME, self._positions)
        shape = min(count, len(states.tokens)), length
        try:
            if shape not in self._recordings:
                self._recordings[shape] = self._recorded(parts, StepWindow(states, *shape))
            return self._recordings[shape].replay()[: len(tokens)].clone()
        except Exception as error:
            self._fail(error)
            return None

    def _fail(self, error: Exception) -> None:
        log.warning("Decoding steps cannot be recorded here (%s); they are computed as without.", error)
        self.has_failed = True
        self._recordings.clear()

    def _recorded(self, parts: ModelParts, window: StepWindow) -> _Recording:
        embeddings, plain = self._llm.model.embed_tokens, parts.without_numbers()

        def step() -> torch.Tensor:
            seen = window.seen()
            angles = plain.scaled(plain.angles.at_places(window.positions))
            return plain.next_logits(
                embeddings(window.tokens),
                angles,
                lambda layer, queries, own: window.attend_next(layer, queries, own, seen),
            )

        return _Recording(self._record(step, window.tokens.device), (*window.constants, *plain.constants))

    def _made(self, parts: ModelParts) -> FixedRows:
        like, rows = self._llm.model.embed_tokens.weight, self._most_rows
        layers, kv_heads = len(parts.layers), len(parts.scales) - parts.heads
        if like.device.type == "cuda":
            row_bytes = layers * 2 * kv_heads * parts.head_size * self._positions * like.element_size()
            free, _ = torch.cuda.mem_get_info(like.device)
            rows = min(rows, int(free * _SHARE_OF_FREE_MEMORY) // row_bytes)
        return FixedRows(layers, kv_heads, parts.head_size, rows, self._positions, like)
