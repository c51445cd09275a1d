"""An answer that arrives as pieces of text, not as tokens of our own: `AnswerPieces` for other models."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from osprey_core.language.sampling import SamplingSettings
from osprey_core.language.timing import AnswerTimes


class TextStream(AnswerTimes):
    """Iterate it for text, call `stop()` from any thread. `finish_reason` and the measures are final at the end.

    Args:
        pieces: gives the pieces when the iteration begins; it gets this stream, whose `new_tokens`, `prompt_tokens` and
            `finish_reason` it may set, and ends soon after `stopped` is set.
        on_stop: called once by `stop()`, such as to close a connection.
    """

    def __init__(self, pieces: Callable[[TextStream], Iterator[str]], settings: SamplingSettings | None = None) -> None:
        self._pieces = pieces
        self._piece_count = 0
        self.stopped = threading.Event()
        self.on_stop: Callable[[], None] | None = None
        self.prompt_tokens = 0
        self.trimmed_turns = 0
        self.finish_reason: str | None = None
        self.is_whole = True
        """False where the pieces ended without a word that the answer ends there."""
        self.settings = settings

    def __iter__(self) -> Iterator[str]:
        self._began_at = time.perf_counter()
        for piece in self._pieces(self):
            if self.stopped.is_set():
                break
            self._last_at = time.perf_counter()
            self._first_at = self._first_at or self._last_at
            self._piece_count += 1
            yield piece
        self.new_tokens = self.new_tokens or self._piece_count
        self.finish_reason = "stopped" if self.stopped.is_set() else self.finish_reason or "eos"

    def stop(self) -> None:
        """End the answer soon. The text so far stays."""
        self.stopped.set()
        if self.on_stop is not None:
            self.on_stop()
