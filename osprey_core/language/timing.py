"""When the first and the last piece of an answer came, and the figures that follow from it."""

from __future__ import annotations


class AnswerTimes:
    """Clock readings of one answer, in seconds of `time.perf_counter`; 0 while there is none."""

    new_tokens: int = 0
    _began_at = _first_at = _last_at = 0.0

    @property
    def seconds_to_first_token(self) -> float:
        """From the start of the iteration to the first token; 0 while there is none."""
        return max(self._first_at - self._began_at, 0.0)

    @property
    def tokens_per_second(self) -> float:
        """Rate after the first token; 0 with fewer than two tokens."""
        elapsed = self._last_at - self._first_at
        return (self.new_tokens - 1) / elapsed if self.new_tokens > 1 and elapsed > 0 else 0.0
