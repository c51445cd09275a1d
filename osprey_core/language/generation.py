"""Decoding: from an embedded prompt to token ids, and from ids to text that can be shown.

Callers pass the conditions that end an answer.
"""

from __future__ import annotations

import codecs
import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from transformers import DynamicCache, LlamaForCausalLM

from osprey_core.cache.prefix_attention import CACHE_ARGUMENT, KeyValues, accepts_prefix
from osprey_core.errors import CheckpointError
from osprey_core.language.sampling import SamplingSettings
from osprey_core.language.timing import AnswerTimes
from osprey_core.language.token_likelihood import SpelledToken, TokenLikelihood, spelled
from osprey_core.language.tokens import TextTokenizer

FinishReason = Literal["eos", "length", "stopped", "stop_string"]


def decode(
    llm: LlamaForCausalLM,
    prompt_embeds: torch.Tensor,
    settings: SamplingSettings,
    should_stop: Callable[[], bool] | None = None,
    prefix: KeyValues | None = None,
    cache: DynamicCache | None = None,
) -> Generator[int]:
    """Generate token ids, one per step, at most `settings.max_new_tokens`.

    Args:
        llm: the language model; it is not changed.
        settings: `max_new_tokens` must be set.
        prompt_embeds: (1, T, D); the positions after the prefix and the cache, if there are any.
        should_stop: called before every step; True ends the loop.
        prefix: as for `DecodedRows`.
        cache: keys and values of the positions between the prefix and `prompt_embeds`; it grows by the prompt and all
            tokens but the last.

    Yields:
        ids, end-of-sequence included: the caller decides what ends an answer.
    """
    assert settings.max_new_tokens is not None, "the caller knows the model's default"
    rows = DecodedRows(llm, [prompt_embeds[0]], [settings], prefix, cache)
    for _ in range(settings.max_new_tokens):
        if should_stop is not None and should_stop():
            return
        yield rows.step()[0]


class DecodedRows:
    """Decodes several answers together, one token each per step, over one shared prefix that is not copied.

    Args:
        llm: the language model; with a prefix, `use_prefix_attention` must have been called on it.
        prompts: per row (T, D), of any lengths.
        settings: per row; the caller enforces their `max_new_tokens`.
        prefix: keys and values of the positions before all prompts.
        cache: for a single row, keys and values of the positions between the prefix and the prompt. It grows.
    """

    def __init__(
        self,
        llm: LlamaForCausalLM,
        prompts: Sequence[torch.Tensor],
        settings: Sequence[SamplingSettings],
        prefix: KeyValues | None = None,
        cache: DynamicCache | None = None,
    ) -> None:
        assert prefix is None or accepts_prefix(llm), "without use_prefix_attention a prefix is silently ignored"
        self._llm = llm
        self._prefix = prefix
        self._cache = DynamicCache(config=llm.config) if cache is None else cache
        self._choosers = [chooser(each) for each in settings]
        self._rows = list(range(len(prompts)))
        self._ended: set[int] = set()
        device = prompts[0].device
        known = self._cache.get_seq_length()
        longest = max(prompt.shape[0] for prompt in prompts)
        # Padded on the left, so that every row ends at the last position.
        self._inputs = torch.stack([F.pad(p, (0, 0, longest - p.shape[0], 0)) for p in prompts])  # (B, T, D)
        self._padded = any(prompt.shape[0] < longest for prompt in prompts)
        pads = torch.tensor([longest - prompt.shape[0] for prompt in prompts], device=device)
        self._real = torch.arange(known + longest, device=device) >= pads[:, None]  # (B, known + T), False for padding
        first = known + (prefix[0][0].shape[2] if prefix else 0)
        self._positions = (torch.arange(first, first + longest, device=device) - pads[:, None]).clamp(min=0)  # (B, T)

    @property
    def running(self) -> list[int]:
        """Rows that have not ended, in order."""
        return [row for row in self._rows if row not in self._ended]

    def end(self, row: int) -> None:
        """End a row; the next step does not compute it."""
        self._ended.add(row)

    @torch.inference_mode()
    def step(self) -> dict[int, int]:
        """The next token of every running row."""
        self._drop_ended()
        logits = self.next_logits()
        tokens = [self._choosers[row](row_logits) for row, row_logits in zip(self._rows, logits, strict=True)]
        self._inputs = torch.tensor(tokens, device=logits.device)[:, None]
        self._positions = self._positions[:, -1:] + 1
        self._real = F.pad(self._real, (0, 1), value=True)
        return dict(zip(self._rows, tokens, strict=True))

    @torch.inference_mode()
    def next_logits(self) -> torch.Tensor:
        """Logits (B, V) of every row's next token. Extends the cache by the inputs, so call it once, or use `step`.

        Raises CheckpointError if the logits are not finite.
        """
        inputs = {"input_ids" if self._inputs.ndim == 2 else "inputs_embeds": self._inputs}
        logits: torch.Tensor = self._llm(
            **inputs,
            **{CACHE_ARGUMENT: self._cache},
            use_cache=True,
            logits_to_keep=1,
            position_ids=self._positions,
            attention_mask=self._mask(self._inputs.shape[1]),
            **({} if self._prefix is None else {"shared_prefix": self._prefix}),
        ).logits
        return finite_logits(logits[:, -1])

    def _drop_ended(self) -> None:
        if not self._ended.intersection(self._rows):
            return
        running = [place for place, row in enumerate(self._rows) if row not in self._ended]
        places = torch.tensor(running)  # on the CPU, because layers and their keys may be on different devices
        self._rows = [self._rows[place] for place in running]
        self._cache.batch_select_indices(places)
        self._inputs, self._positions, self._real = self._inputs[places], self._positions[places], self._real[places]

    def _mask(self, length: int) -> torch.Tensor | None:
        """bool (B, 1, Q, S): the own keys that the last `length` positions attend to; None where no mask is needed."""
        if not self._padded and (length == 1 or self._prefix is None):
            return None
        place = torch.arange(self._real.shape[1], device=self._real.device)
        queries = place[-length:, None]
        # Padding attends to itself, so that its softmax is defined; no other position attends to it.
        seen = ((place <= queries) & self._real[:, None]) | (place == queries)
        return seen[:, None]


def chooser(settings: SamplingSettings) -> Callable[[torch.Tensor], int]:
    """A function that chooses a token by its logits (V,): the likeliest, or drawn from a generator of its own."""
    if settings.temperature == 0.0:
        return lambda logits: int(logits.argmax())
    # Drawn on the CPU, in fp32, so that a seed means the same on every device.
    generator = torch.Generator()
    if settings.seed is None:
        generator.seed()
    else:
        generator.manual_seed(settings.seed)

    def sample(logits: torch.Tensor) -> int:
        probabilities = torch.softmax(logits.float().cpu() / settings.temperature, dim=-1)
        ordered, ids = probabilities.sort(descending=True)
        # Nucleus: a token stays while the mass before it is below top_p, so the best one always does.
        ordered[(ordered.cumsum(-1) - ordered) >= settings.top_p] = 0.0
        return int(ids[torch.multinomial(ordered, 1, generator=generator)])

    return sample


class AnswerText:
    """Converts ids to text pieces; holds back incomplete characters, possible stop strings and trailing white space.

    The joined pieces have neither leading nor trailing white space.
    """

    def __init__(self, tokenizer: TextTokenizer, stop_strings: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._stop_strings = tuple(stop_strings)
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""
        self._started = False
        self.hit_stop_string = False

    def feed(self, token: int) -> str:
        """The text that is final after this token; may be empty."""
        return self._advance(self._utf8.decode(self._tokenizer.piece_bytes(token)), final=False)

    def finish(self) -> str:
        """The text that was held back, at the end of the answer."""
        return self._advance(self._utf8.decode(b"", final=True), final=True)

    def _advance(self, text: str, final: bool) -> str:
        if self.hit_stop_string:
            return ""
        held = self._held + text
        if not self._started:
            held = held.lstrip()
        ends = [place for stop in self._stop_strings if (place := held.find(stop)) >= 0]
        if ends:
            self.hit_stop_string = True
            self._held = ""
            return held[: min(ends)].rstrip()
        safe = len(held) if final else len(held) - self._suffix_to_hold(held)
        safe = len(held[:safe].rstrip())
        self._held = "" if final else held[safe:]
        self._started = self._started or safe > 0
        return held[:safe]

    def _suffix_to_hold(self, text: str) -> int:
        """Length of the longest end of `text` that some stop string begins with."""
        longest = max((len(stop) - 1 for stop in self._stop_strings), default=0)
        for length in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stop_strings):
                return length
        return 0


def finite_logits(logits: torch.Tensor) -> torch.Tensor:
    """The logits (B, V) themselves. Raises CheckpointError if any of them is NaN, or a row's largest is infinite."""
    # The maximum is NaN or infinite if any value is; argmax would then return `<unk>`.
    if not torch.isfinite(logits.amax(dim=-1)).all():
        raise CheckpointError("generation.logits_not_finite")
    return logits


class AnswerStream(AnswerTimes):
    """An answer that is being generated: iterate it for text pieces, call `stop()` from any thread.

    `finish_reason`, `new_tokens` and the timings are final once the iteration has ended. `settings` reproduce the
    answer: they include the seed, also if it was drawn.
    """

    def __init__(
        self,
        tokens: Callable[[Callable[[], bool]], Generator[int]],
        tokenizer: TextTokenizer,
        stop_strings: Sequence[str],
        prompt_tokens: int,
        trimmed_turns: int = 0,
        settings: SamplingSettings | None = None,
        likelihoods: Sequence[TokenLikelihood] = (),
        tells_picture: bool = False,
    ) -> None:
        self._stop = threading.Event()
        self._text = AnswerText(tokenizer, stop_strings)
        self._eos_id = tokenizer.eos_id
        self._spell = tokenizer.piece_bytes
        self._tokens = tokens
        self._pieces = self._run()
        self.prompt_tokens = prompt_tokens
        self.trimmed_turns = trimmed_turns
        self.settings = settings
        self._likelihoods = likelihoods  # the decoder adds to them, and may be ahead
        self._spelled: list[SpelledToken] = []
        self._spelled_count = 0  # of the likelihoods, with the end
        self.finish_reason: FinishReason | None = None
        self.tells_picture = tells_picture
        """Whether the answer is about the whole picture whatever regions there are: the names of its segments."""

    def __iter__(self) -> Iterator[str]:
        return self._pieces

    def stop(self) -> None:
        """End the answer at the next token. The text so far stays."""
        self._stop.set()

    @property
    def likelihoods(self) -> list[SpelledToken]:
        """How likely each token so far was, without the one that ends the answer; empty unless it was asked for."""
        new = self._likelihoods[self._spelled_count : self.new_tokens]
        self._spelled_count += len(new)
        self._spelled += [spelled(each, self._spell) for each in new if each.token != self._eos_id]
        return list(self._spelled)

    def _run(self) -> Iterator[str]:
        self._began_at = time.perf_counter()
        reason: FinishReason = "length"
        tokens, self._tokens = self._tokens(self._stop.is_set), _no_tokens
        # Closed however the answer ends, to free the decoder's tensors even if the stream object is kept.
        with contextlib.closing(tokens):
            for token in tokens:
                self._last_at = time.perf_counter()
                self._first_at = self._first_at or self._last_at
                self.new_tokens += 1
                if token == self._eos_id:
                    reason = "eos"
                    break
                if piece := self._text.feed(token):
                    yield piece
                if self._text.hit_stop_string:
                    reason = "stop_string"
                    break
            else:
                if self._stop.is_set():
                    reason = "stopped"
        if piece := self._text.finish():
            yield piece
        self.finish_reason = reason


def _no_tokens(should_stop: Callable[[], bool]) -> Generator[int]:
    """Replaces the token source of a stream that has started, so that the source's captured tensors can be freed."""
    yield from ()
