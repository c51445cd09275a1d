"""The thread that owns a language model: each step gives every running answer its next token.

Answers join after their prompt was read and leave between two steps. Each has its own picture's prefix, settings and
end, and reads as it would alone. Whatever else needs the language model is done between the steps, one piece each,
so that long work of one slows the answers of others by half and does not stop them.

It knows neither pictures nor persons; who may have an answer under way is decided by the callers.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Generator, Sequence
from typing import Any

import torch
from transformers import DynamicCache, LlamaForCausalLM

from osprey_core.cache.fixed_rows import FixedRows
from osprey_core.cache.prefix_attention import KeyValues, accepts_prefix
from osprey_core.cache.prefix_cache import cache_of, key_values_of
from osprey_core.cache.row_states import RowStates, length_of
from osprey_core.errors import CheckpointError
from osprey_core.language.generation import chooser
from osprey_core.language.llama_layers import LlamaLayers
from osprey_core.language.prompt_pass import PromptPass
from osprey_core.language.recorded_step import RecordedSteps, Recorder
from osprey_core.language.sampling import SamplingSettings
from osprey_core.language.token_step import TokenStep
from osprey_core.language.turn_order import moment_asked
from osprey_core.language.work_thread import MOST_URGENT, Waiting, WorkThread

MOST_ROWS = 32
"""Answers that are decoded together; further ones wait until one has ended."""

MOST_AHEAD = 16
"""So many tokens an answer may be ahead of its reader; then it pauses."""


_SMALL_BYTES = 2**26
"""Of a language model that one core passes through faster than two; what that was measured with has a third of it."""


class _Row:
    """One answer. The thread alone changes it, except for what is marked; that is guarded by the thread's lock."""

    def __init__(
        self,
        prompt: torch.Tensor,
        settings: SamplingSettings,
        ends: Collection[int],
        should_stop: Callable[[], bool] | None,
        prefix: KeyValues | None,
        cache: DynamicCache,
        lock: threading.RLock,
        note: Callable[[int, torch.Tensor], None] | None,
    ) -> None:
        assert settings.max_new_tokens is not None, "the caller knows the model's default"
        self.prompt: torch.Tensor | None = prompt  # (T, D), until it was read
        self.settings, self.ends, self.should_stop = settings, frozenset(ends), should_stop
        self.prefix, self.cache = prefix, cache
        self.choose = chooser(settings)
        self.note = note
        self.prompt_length = 0
        """Own positions of the prompt; 0 until it was read."""
        self.last, self.count = 0, 0
        """The last token, and how many there were."""

        self.changed = threading.Condition(lock)
        self.tokens: deque[int] = deque()
        """Guarded: tokens that the reader has not taken yet."""
        self.has_ended = False
        """Guarded: whether no further token comes."""
        self.is_inside = False
        """Guarded: whether the thread may be using it."""
        self.is_left = False
        """Guarded: whether the reader has gone."""
        self.error: BaseException | None = None
        """Guarded: why it has ended."""

    def take(self, token: int) -> bool:
        """Note the next token; whether it is the last one."""
        self.last, self.count = token, self.count + 1
        return token in self.ends or self.count >= (self.settings.max_new_tokens or 0)

    @property
    def most_positions(self) -> int:
        """How many positions it may have in the end, its prefix included."""
        return length_of(self.prefix) + self.prompt_length + (self.settings.max_new_tokens or 0)

    @property
    def is_over(self) -> bool:
        """Whether nobody wants further tokens."""
        return self.is_left or (self.should_stop is not None and self.should_stop())

    @property
    def is_ahead(self) -> bool:
        """Whether its reader has to catch up first."""
        return len(self.tokens) >= MOST_AHEAD


class DecodingThread(WorkThread):
    """Decodes answers of one language model, which has gone through `use_prefix_attention`."""

    def __init__(self, llm: LlamaForCausalLM, most_rows: int = MOST_ROWS) -> None:
        super().__init__("decoding", most_cores(llm))
        assert accepts_prefix(llm), "without use_prefix_attention, prefixes and rows are silently ignored"
        self.llm, self._most_rows = llm, most_rows
        self._arrived: Waiting[_Row] = Waiting()
        self._inside: set[_Row] = set()
        """Rows that the thread has taken in and not let go of."""
        self._running: list[_Row] = []
        """In the order of `_states`."""
        self._shared = RowStates()
        self._states: RowStates | FixedRows = self._shared
        self._paused: list[_Row] = []
        """Rows whose readers have to catch up; their keys and values are in their caches."""
        self._layers = layers = LlamaLayers(llm)
        self._token_step = TokenStep(llm, layers)
        self._recorded: RecordedSteps | None = None
        self.prompt_pass = PromptPass(llm, layers)
        """Reads prompts; to be used on this thread alone, see `run`."""
        self.steps = 0
        """Steps since the beginning."""
        self.decoded = 0
        """Tokens that these steps have given to all answers together."""

    def record_steps(self, record: Recorder) -> None:
        """From the next answer on, record the steps of a few rows and replay them, see `recorded_step`."""
        self._recorded = RecordedSteps(self.llm, self._layers, record)

    @property
    def recordings(self) -> int:
        """How many shapes of steps are recorded at present."""
        return 0 if self._recorded is None else len(self._recorded)

    def decode(
        self,
        prompt_embeds: torch.Tensor,
        settings: SamplingSettings,
        ends: Collection[int] = (),
        should_stop: Callable[[], bool] | None = None,
        prefix: KeyValues | None = None,
        cache: DynamicCache | None = None,
        note: Callable[[int, torch.Tensor], None] | None = None,
        asked: float | None = None,
    ) -> Generator[int]:
        """As `generation.decode`: token ids one at a time, at most `settings.max_new_tokens`.

        Args:
            ends: ids after which no further token is computed; they are yielded too.
            prompt_embeds, settings, should_stop, prefix, cache: as for `generation.decode`. Once the generator has
                ended or was closed, the cache holds the keys and values of the prompt and of all tokens that were
                yielded but the last.
            note: called on the thread with each token and the logits (V,) that it was chosen by, before it is yielded;
                for tokens that are computed ahead as well.
            asked: when the question was asked, see `turn_order.moment_asked`; None: when the first token is.

        Raises:
            CheckpointError: the logits are not finite.
        """
        if should_stop is not None and should_stop():
            return
        cache = cache_of(self.llm.config) if cache is None else cache
        row = _Row(prompt_embeds[0], settings, ends, should_stop, prefix, cache, self._lock, note)
        del prompt_embeds, prefix
        with self._lock:
            self._arrived.add(row, moment_asked() if asked is None else asked)
            self._wake()
        read = 0
        try:
            while (token := self._next(row)) is not None:
                read += 1
                yield token
        finally:
            self._leave(row)
            if row.prompt_length:
                # Tokens after the last one that was read were computed ahead.
                length = row.prompt_length + max(read - 1, 0)
                for layer in _layers(cache):
                    layer.keys, layer.values = layer.keys[:, :, :length], layer.values[:, :, :length]

    def _next(self, row: _Row) -> int | None:
        """The row's next token; None after the last one, or if it is to stop."""
        with self._lock:
            while not row.tokens and not row.has_ended:
                row.changed.wait()
            if row.should_stop is not None and row.should_stop():
                return None
            if row.tokens:
                token = row.tokens.popleft()
                if len(row.tokens) == MOST_AHEAD // 2:
                    self._changed.notify_all()  # it may have paused
                return token
            error, row.error = row.error, None
        if error is not None:
            try:
                raise error
            finally:
                del error  # its traceback refers to this frame
        return None

    def _leave(self, row: _Row) -> None:
        """Wait until the thread has taken the row out: nothing of it is then in use."""
        with self._lock:
            row.is_left = True
            if self._arrived.remove(row):
                return
            if row.is_inside and not self._is_closed:
                self._wake()
                while row.is_inside and not self._is_closed:
                    row.changed.wait(1)

    def _is_needed(self) -> bool:
        if super()._is_needed() or self._arrived:
            return True
        if any(row.is_over or not row.is_ahead for row in self._running):
            return True
        return any(row.is_over or len(row.tokens) <= MOST_AHEAD // 2 for row in self._paused)

    def _turn(self) -> None:
        try:
            if not self._let_join():
                super()._turn()
            self._sort_out()
            if self._running:
                self._step()
        except BaseException as error:
            self._end_all(error)

    def _end_all(self, error: BaseException) -> None:
        """After a failure that may have cost any row its keys and values: end all answers, so that others can begin."""
        self._running, self._paused = [], []
        self._shared = self._states = RowStates()
        self._recorded = None
        for row in list(self._inside):
            self._fail(row, error)

    def _is_expected(self) -> bool:
        return bool(self._running or self._paused)  # their readers have to catch up first

    def _before_end(self) -> None:
        self._token_step.forget()  # the model may be moved, and its old memory freed

    def _next_row(self) -> _Row | None:
        """The row whose prompt is to be read next; None if other work goes first, or there is no room for it."""
        with self._lock:
            has_room = len(self._running) + len(self._paused) < self._most_rows
            urgent_goes_first = bool(self._urgent) and self._urgent_in_a_row < MOST_URGENT
            if not has_room or urgent_goes_first or not self._arrived.oldest < self._works.oldest:
                return None
            self._urgent_in_a_row = 0
            row = self._arrived.take()
            row.is_inside = True
            self._inside.add(row)
            return row

    def _let_join(self) -> bool:
        """Read the prompt of the next row, which gives its first token; whether there was one."""
        row = self._next_row()
        if row is None:
            return False
        prompt, row.prompt = row.prompt, None
        assert prompt is not None
        try:
            logits = self.prompt_pass.next_logits(prompt, row.prefix, row.cache)
            row.prompt_length = row.cache.get_seq_length()
            token = row.choose(logits)
            if row.note is not None:
                row.note(token, logits)
            if is_last := row.take(token):
                self._give([(row, token)], {row})
            else:
                self._put_in(row)
        except BaseException as error:
            self._fail(row, error)
            return True
        if not is_last:
            self._give([(row, token)])
        return True

    def _sort_out(self) -> None:
        """Take out the rows that nobody wants more of, and those that are too far ahead; let others go on."""
        for row in [row for row in self._running if row.is_over or row.is_ahead]:
            self._take_out(row)
            self._paused.append(row)
        over = {row for row in self._paused if row.is_over}
        for row in [row for row in self._paused if row in over or len(row.tokens) <= MOST_AHEAD // 2]:
            self._paused.remove(row)
            if row not in over:
                self._put_back(row)
        if over:
            self._give([], over)

    def _take_out(self, row: _Row) -> None:
        """Take the row out of those that are decoded. Its cache then holds its keys and values."""
        place = self._running.index(row)
        own = self._states.own(place, self._states.length(place))
        for layer, (keys, values) in zip(_layers(row.cache), own, strict=True):
            layer.keys, layer.values = keys, values
        self._states.remove(place)
        self._running[place] = self._running[-1]
        self._running.pop()

    def _step(self) -> None:
        """The next token of all rows."""
        try:
            logits = self._logits()
        except Exception as error:
            self._step_apart(error)
            return
        self._states.end_step()
        likeliest = logits.argmax(dim=-1).tolist()
        finite = torch.isfinite(logits.amax(dim=-1)).tolist()
        given, ended = list[tuple[_Row, int]](), set[_Row]()
        for place, row in enumerate(list(self._running)):
            if not finite[place]:
                self._take_out(row)
                self._fail(row, CheckpointError("generation.logits_not_finite"))
                continue
            token = likeliest[place] if row.settings.temperature == 0 else row.choose(logits[place])
            if row.note is not None:
                row.note(token, logits[place])
            given.append((row, token))
            if row.take(token):
                ended.add(row)
        for row in ended:
            self._take_out(row)
        self.steps += 1
        self.decoded += len(given)
        self._give(given, ended)

    def _step_apart(self, error: Exception) -> None:
        """After a failure of all together: each row by itself, so that what one cannot do ends no other."""
        rows = list(self._running)
        for row in rows:
            self._take_out(row)
        if len(rows) == 1:
            self._fail(rows[0], error)
            return
        still_running = []
        for row in rows:
            if not self._put_back(row):
                continue
            self._step()
            if self._running:
                self._take_out(row)
                still_running.append(row)
        for row in still_running:
            self._put_back(row)

    def _put_back(self, row: _Row) -> bool:
        """Put in a row that was taken out; whether there was memory for it. Else its reader gets the reason."""
        try:
            self._put_in(row)
        except Exception as error:
            self._fail(row, error)
            return False
        return True

    def _put_in(self, row: _Row) -> None:
        self._move_to(self._fitting([*self._running, row]))
        self._states.add(row.prefix, key_values_of(row.cache))
        self._running.append(row)

    def _fitting(self, rows: Sequence[_Row]) -> RowStates | FixedRows:
        """The states in which such rows are to be decoded."""
        recorded = self._recorded
        if recorded is not None and recorded.takes(len(rows), max(row.most_positions for row in rows)):
            assert recorded.states is not None
            return recorded.states
        return self._shared

    def _move_to(self, states: RowStates | FixedRows) -> None:
        """Have the running rows in these states. After a failure they are where they were."""
        before = self._states
        if before is states:
            return
        try:
            for place in range(len(before)):
                states.add(before.prefix(place), before.own(place, before.length(place)))
        except BaseException:
            _clear(states)
            raise
        _clear(before)
        self._states = states

    def _logits(self) -> torch.Tensor:
        """(B, V): what follows the running rows' last tokens."""
        tokens = [row.last for row in self._running]
        if isinstance(self._states, FixedRows):
            assert self._recorded is not None
            if (logits := self._recorded.next_logits(tokens)) is not None:
                return logits
            self._move_to(self._shared)
            if self._recorded.has_failed:
                self._recorded = None  # and its memory
        assert isinstance(self._states, RowStates)
        self._states.begin_step()
        return self._token_step.next_logits(self._states, tokens)

    def _give(self, given: Sequence[tuple[_Row, int]], ended: Collection[_Row] = ()) -> None:
        """Hand tokens to their readers. The thread has let go of the rows that have ended."""
        with self._lock:
            for row, token in given:
                row.tokens.append(token)
            for row in ended:
                row.has_ended, row.is_inside = True, False
                self._inside.discard(row)
            for row in {*(row for row, _ in given), *ended}:
                row.changed.notify_all()

    def _fail(self, row: _Row, error: BaseException) -> None:
        """Hand the reason to the reader of a row that the thread has let go of."""
        with self._lock:
            row.error = error
        self._give([], {row})


def _clear(states: RowStates | FixedRows) -> None:
    for place in reversed(range(len(states))):
        states.remove(place)


def most_cores(llm: LlamaForCausalLM) -> int | None:
    """On how many cores a language model computes at most; None for all.

    With a small one, threads wait longer for each other at the end of every product than they compute.
    """
    return 1 if sum(parameter.nbytes for parameter in llm.parameters()) < _SMALL_BYTES else None


def _layers(cache: DynamicCache) -> list[Any]:
    """The layers of a LLaMA's cache, all of one type; the library's annotation allows for more types."""
    return list(cache.layers)
