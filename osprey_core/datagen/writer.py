"""A writer model behind an OpenAI-compatible endpoint, whose replies are kept by the content of what was asked.

The same request is sent once: in a later run, for another kind or after a kill, its reply is taken from the file.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any

from osprey_core.backends.completions import Completion, Retries, complete
from osprey_core.backends.openai_model import OpenAIModel
from osprey_core.evaluation.papers.answer_log import AnswerLog
from osprey_core.language.sampling import SamplingSettings

_FORMAT = {"replies": 1}


class Writer:
    """Asks an endpoint, from several threads if wanted. One program at a time may use a file of replies.

    Args:
        replies: the file, one reply a line; it is made where there is none.

    Raises InputError where the file cannot be used.
    """

    def __init__(
        self, model: OpenAIModel, settings: SamplingSettings, replies: Path, retries: Retries | None = None
    ) -> None:
        self._model, self._settings, self._retries = model, settings, retries
        self._log = AnswerLog(replies, _FORMAT)
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[Completion]] = {}
        self.sent: list[Completion] = []
        """What was asked of the endpoint and answered, in the order of the answers."""

    def kept(self, messages: Sequence[dict[str, str]]) -> str | None:
        """The reply to these messages where it is kept already."""
        entry = self._log.entries.get(self._key(_sendable(messages)))
        return None if entry is None else str(entry["text"])

    def reply(self, messages: Sequence[dict[str, str]]) -> str:
        """The reply to these messages; two threads that ask the same share one request.

        Raises InputError where the endpoint refuses, or fails after all retries.
        """
        messages = _sendable(messages)
        key = self._key(messages)
        with self._lock:
            if key in self._log.entries:
                return str(self._log.entries[key]["text"])
            other, own = self._under_way.get(key), Future[Completion]()
            if other is None:
                self._under_way[key] = own
        if other is not None:
            return other.result().text
        try:
            completion = complete(self._model, messages, self._settings, self._retries, with_usage=True)
            completion = completion._replace(text=_encodable(completion.text))
            with self._lock:
                self.sent.append(completion)
                self._log.add(key, completion._asdict())
        except BaseException as error:
            own.set_exception(error)  # also where the reply cannot be kept: other threads wait for it
            raise
        else:
            own.set_result(completion)
            return completion.text
        finally:
            with self._lock:
                del self._under_way[key]

    def _key(self, messages: Sequence[dict[str, str]]) -> str:
        """A sum of all that the reply depends on."""
        endpoint = self._model.endpoint
        asked: dict[str, Any] = {"url": endpoint.url, "model": endpoint.model, "messages": list(messages)}
        content = json.dumps({**asked, **asdict(self._settings)}, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(content.encode()).hexdigest()


def _sendable(messages: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    return [{name: _encodable(text) for name, text in message.items()} for message in messages]


def _encodable(text: str) -> str:
    """The text as UTF-8 can hold it, and so as it is read again from the file."""
    return text.encode("utf-8", "replace").decode()
