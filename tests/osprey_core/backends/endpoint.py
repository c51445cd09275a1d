"""A stand-in for an OpenAI-compatible endpoint on loopback, which tells what it was sent."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import numpy as np
from PIL import Image

from tests.loopback import serving


@dataclass
class StandIn:
    """What was asked, and how it answers."""

    address: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=lambda: ["a ", "red ", "car"])
    pause: float = 0.0
    status: int = 200
    error: Any = None
    raw: str | None = None
    troubles: list[int | None] = field(default_factory=list)
    """Statuses of the first answers, taken away one by one; 0 cuts the connection in the middle of the answer, None
    lets it pass."""
    retry_after: str | None = None
    """What the refusals of `troubles` tell as Retry-After."""
    reply: Callable[[dict[str, Any]], str] | None = None
    """The whole answer to a request, in the place of `words`."""
    begun: threading.Event = field(default_factory=threading.Event)
    """Set by the first piece of the first answer."""
    closed: threading.Event = field(default_factory=threading.Event)

    def pictures(self, place: int = -1) -> list[np.ndarray]:
        """The pictures of a request, RGB or RGBA."""
        urls = [p["image_url"]["url"] for p in self.asked[place]["messages"][0]["content"] if p["type"] == "image_url"]
        return [np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1])))) for url in urls]

    def texts(self, place: int = -1) -> list[str]:
        """Role and text of each message of a request."""
        told = []
        for message in self.asked[place]["messages"]:
            content = message["content"]
            text = content if isinstance(content, str) else content[-1]["text"]
            told.append(f"{message['role']}: {text}")
        return told


@contextmanager
def stand_in(**given: Any) -> Iterator[StandIn]:
    """Serve until the end of `with`."""
    state = StandIn(**given)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.asked.append(json.loads(body))
            state.headers.append({**dict(self.headers.items()), "path": self.path})
            trouble = state.troubles.pop(0) if state.troubles else None
            if trouble:
                self.send_response(trouble)
                if state.retry_after is not None:
                    self.send_header("Retry-After", state.retry_after)
                self.end_headers()
                self.wfile.write(json.dumps({"error": "busy"}).encode())
                return
            self.send_response(state.status)
            self.end_headers()
            if state.status != 200:
                self.wfile.write(json.dumps({"error": state.error}).encode())
                return
            if state.raw is not None:
                self.wfile.write(state.raw.encode())
                return
            try:
                if trouble == 0:
                    self._send({"choices": [{"delta": {"content": "half an"}}]})
                    return
                for word in state.words if state.reply is None else [state.reply(json.loads(body))]:
                    self._send({"choices": [{"delta": {"content": word}}]})
                    time.sleep(state.pause)
                self._send({"choices": [{"delta": {}, "finish_reason": "stop"}]})
                self._send({"choices": [], "usage": {"completion_tokens": 7, "prompt_tokens": 99}})
                self.wfile.write(b"data: [DONE]\n\n")
            except OSError:
                state.closed.set()

        def _send(self, event: dict[str, Any]) -> None:
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()
            state.begun.set()

        def log_message(self, *arguments: Any) -> None:
            pass

    with serving(Handler) as address:
        state.address = f"{address}/v1"
        yield state
