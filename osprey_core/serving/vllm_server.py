"""A vLLM server as the language engine: each answer is one streamed request with the prompt's embeddings.

The server is started with `--enable-prompt-embeds` on a folder that `python -m osprey_core.serving export` wrote. Its
key, if it needs one, comes from the environment alone.
"""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import torch

from osprey_core.errors import InputError, OspreyError
from osprey_core.language.embedded_question import EmbeddedQuestion
from osprey_core.serving.pumped import pumped
from osprey_core.serving.vllm_engine import the_end, whole_prompt

KEY_VARIABLE = "VLLM_API_KEY"
CONNECT_SECONDS, SILENCE_SECONDS = 10.0, 120.0
"""How long a connection may take, and how long the server may send nothing."""
LEAST_VERSION = "0.32"
"""Of vLLM; older ones may not know `return_token_ids`, and then send text alone."""


class VLLMServer:
    """A `LanguageEngine` at an address. Raises InputError unless it is http:// or https:// with a host."""

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError("serving.engine_unknown", value=repr(url))
        self._url = url.rstrip("/") + ("" if parts.path.rstrip("/").endswith("/v1") else "/v1")
        self._host = parts.netloc.rpartition("@")[2]
        key = environment.get(KEY_VARIABLE, "")
        self._client = httpx.Client(
            timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            limits=httpx.Limits(max_connections=None),
        )
        self._model: str | None = None

    def _name_of_model(self, should_stop: Callable[[], bool] | None) -> str | None:
        """The name of the server's one model, asked for once; None if it was stopped before the server told it."""
        if self._model is None:
            connection = _Connection()
            try:
                with closing(pumped(self._models(connection), should_stop, connection.cut)) as names:
                    self._model = next(names, None)
            except (httpx.HTTPError, httpx.StreamError, ValueError, LookupError, TypeError) as error:
                raise self._unreachable(error) from error
        return self._model

    def _models(self, connection: _Connection) -> Iterator[str]:
        """The name of the server's first model. Raises httpx's errors and OspreyError for a refusal."""
        headers = {"Connection": "close"}  # see `_events`
        with self._client.stream("GET", f"{self._url}/models", headers=headers) as response:
            if response.status_code != 200:
                raise self._refusal(response)
            connection.hold(response)
            response.read()
            yield str(response.json()["data"][0]["id"])

    def decode(
        self,
        question: EmbeddedQuestion,
        beginning: Callable[[], torch.Tensor],
        should_stop: Callable[[], bool] | None = None,
    ) -> Generator[int]:
        """See `LanguageEngine.decode`."""
        packed = io.BytesIO()
        torch.save(whole_prompt(question, beginning), packed)
        model = self._name_of_model(should_stop)
        if model is None:
            return
        settings = question.settings
        body: dict[str, Any] = {
            "model": model,
            "prompt_embeds": base64.b64encode(packed.getvalue()).decode(),
            "stream": True,
            "return_token_ids": True,
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "max_tokens": settings.max_new_tokens,
            "stop_token_ids": sorted(question.ends),
        }
        if settings.seed is not None:
            body["seed"] = settings.seed
        last, reason, count = None, None, 0
        connection = _Connection()
        try:
            with closing(pumped(self._events(body, connection), should_stop, connection.cut)) as events:
                for tokens, ended in events:
                    reason = ended or reason
                    if tokens is None:
                        raise OspreyError("serving.vllm_old", host=self._host, version=LEAST_VERSION)
                    for token in tokens:
                        if should_stop is not None and should_stop():
                            return
                        last, count = token, count + 1
                        yield token
        except (httpx.HTTPError, httpx.StreamError, ValueError, OSError) as error:
            if isinstance(error, OspreyError):
                raise
            raise self._unreachable(error) from error
        if reason is None:
            if should_stop is not None and should_stop():
                return
            raise OspreyError("serving.vllm_unreachable", host=self._host, reason="cut off")
        yield from the_end(reason, last, count, question)

    def close(self) -> None:
        """Close the connections; the server goes on."""
        self._client.close()

    def _events(self, body: dict[str, Any], connection: _Connection) -> Iterator[tuple[list[int] | None, str | None]]:
        """Send a request and read its events, see `_events`. Raises httpx's errors and OspreyError for a refusal."""
        # Never used again, so that cutting it touches this request alone.
        headers = {"Connection": "close"}
        with self._client.stream("POST", f"{self._url}/completions", json=body, headers=headers) as response:
            if response.status_code != 200:
                raise self._refusal(response)
            connection.hold(response)
            yield from _events(response.iter_lines())

    def _refusal(self, response: httpx.Response) -> OspreyError:
        if response.status_code in (401, 403):
            return OspreyError("serving.vllm_key", host=self._host, variable=KEY_VARIABLE)
        reason = ""
        with suppress(ValueError, httpx.HTTPError, LookupError, TypeError):
            response.read()
            reason = str(json.loads(response.text)["error"]["message"])
        told = " ".join(reason.split())[:200] or "-"
        return OspreyError("serving.vllm_refused", host=self._host, status=response.status_code, reason=told)

    def _unreachable(self, error: Exception) -> OspreyError:
        return OspreyError("serving.vllm_unreachable", host=self._host, reason=type(error).__name__)


class _Connection:
    """The connection of one request, which another thread than the one that reads from it may cut."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    def hold(self, response: httpx.Response) -> None:
        """Its headers have come."""
        with self._lock:
            self._socket = response.extensions["network_stream"].get_extra_info("socket")
            self._shut()

    def cut(self) -> None:
        """End the request, at once where its headers have come, else when they come."""
        with self._lock:
            self._is_cut = True
            self._shut()

    def _shut(self) -> None:
        if self._is_cut and self._socket is not None:
            with suppress(OSError):  # closed already
                self._socket.shutdown(socket.SHUT_RDWR)  # unlike close(), wakes a thread that reads from it


def _events(lines: Iterator[str]) -> Iterator[tuple[list[int] | None, str | None]]:
    """Ids, None where the server tells none, and the reason of the end, of each server-sent event.

    Raises ValueError for anything else.
    """
    for line in lines:
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        event = json.loads(data)
        if "error" in event:
            raise httpx.RemoteProtocolError(str(event["error"])[:200])
        for choice in event.get("choices") or ():
            ids = choice.get("token_ids")
            yield None if ids is None else [int(token) for token in ids], choice.get("finish_reason")
