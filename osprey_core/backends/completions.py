"""Whole answers to plain messages from an OpenAI-compatible endpoint, asked again where it stumbles.

It uses the client of `openai_model`: address and model by "openai:URL#MODEL", the key from the environment alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from osprey_core.backends.openai_model import OpenAIModel, RefusedError
from osprey_core.errors import InputError
from osprey_core.language.sampling import SamplingSettings

log = logging.getLogger(__name__)

_PASSING = frozenset({408, 409, 425, 429})
"""Statuses of requests that may be granted later, besides those of a server in trouble."""


class Completion(NamedTuple):
    """An answer, and the tokens that the endpoint counted; 0 where it does not tell."""

    text: str
    prompt_tokens: int
    new_tokens: int


@dataclass(frozen=True)
class Retries:
    """How often to ask again, and how long to wait before: twice as long each time, or as the endpoint tells."""

    count: int = 5
    first_wait: float = 1.0
    longest_wait: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    longest_told_wait: float = 600.0

    def wait(self, attempt: int, told: float | None = None) -> None:
        """Wait after the attempt of that number, from 0, and not less than the endpoint told, in seconds."""
        own = min(self.longest_wait, self.first_wait * 2**attempt)
        self.sleep(max(own, min(self.longest_told_wait, told or 0.0)))


def complete(
    model: OpenAIModel,
    messages: Sequence[dict[str, Any]],
    settings: SamplingSettings,
    retries: Retries | None = None,
    with_usage: bool = False,
) -> Completion:
    """The whole answer to messages {"role", "content"}; `with_usage` asks for the counts of its tokens.

    A busy or failing server, a silence and a connection that is cut are tried again; a refusal is not.

    Raises InputError for a refusal, or what the last attempt failed with.
    """
    retries = retries or Retries()
    for attempt in range(retries.count + 1):
        try:
            stream = model.answer(list(messages), settings, with_usage)
            text = "".join(stream)
            if not stream.is_whole:
                raise InputError("openai_model.cut_off", model=model.name)
            return Completion(text, stream.prompt_tokens, stream.new_tokens)
        except InputError as error:
            if attempt == retries.count or not _may_pass(error):
                raise
            log.info("%s (attempt %d of %d)", error, attempt + 1, retries.count + 1)
            told = error.retry_after if isinstance(error, RefusedError) else None
        retries.wait(attempt, told)
    raise AssertionError("the loop returns or raises")


def _may_pass(error: InputError) -> bool:
    if error.code == "openai_model.refused":
        status = error.params.get("status")
        return isinstance(status, int) and (status in _PASSING or status >= 500)
    return error.code in ("openai_model.too_slow", "openai_model.no_answer", "openai_model.cut_off")
