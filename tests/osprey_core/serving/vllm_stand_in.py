"""A stand-in for a vLLM server: its form of requests and events, with transformers' own generate behind it."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import torch
from transformers import LlamaForCausalLM

from tests.loopback import serving


@dataclass
class StandIn:
    """Where it is, what it was asked, and how it misbehaves."""

    address: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    is_silent: bool = False
    is_cut: bool = False
    tells_ids: bool = True
    is_listing: threading.Event | None = None
    """If there is one, it is set when the models are asked for, and they are never told, until the client is gone."""
    is_mute: bool = False
    """Sends headers and then nothing, until the client is gone."""
    muted: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    """Set once the headers were sent, and once the client was gone."""


@contextmanager
def vllm_server(llm: LlamaForCausalLM, name: str = "language") -> Iterator[StandIn]:
    """Serve a LLaMA until the end of `with`."""
    state = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._begin(200)
            if state.is_listing is not None:
                state.is_listing.set()
                if not self.rfile.read(1):
                    state.left.set()
                return
            self.wfile.write(json.dumps({"data": [{"id": name}]}).encode())

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append(asked | {"path": self.path, "authorization": self.headers["Authorization"]})
            self._begin(state.status)
            if state.status != 200:
                self.wfile.write(json.dumps({"error": {"message": "no room"}}).encode())
                return
            if state.is_mute:
                state.muted.set()
                if not self.rfile.read(1):
                    state.left.set()
                return
            embeds = torch.load(io.BytesIO(base64.b64decode(asked["prompt_embeds"])), weights_only=True)
            (ends,) = asked["stop_token_ids"]
            ids = llm.generate(
                inputs_embeds=embeds[None],
                attention_mask=torch.ones(1, len(embeds), dtype=torch.long),
                max_new_tokens=asked["max_tokens"],
                do_sample=False,
                eos_token_id=ends,
                pad_token_id=0,
            )[0].tolist()
            if state.is_silent:
                self._event([], "length")
                return
            reason = "stop" if ids[-1] == ends else "length"
            for token in ids[:-1]:
                self._event([token], None)
            if not state.is_cut:
                self._event([ids[-1]], reason)
                self.wfile.write(b"data: [DONE]\n\n")

        def _begin(self, status: int) -> None:
            self.send_response(status)
            self.end_headers()

        def _event(self, ids: list[int], reason: str | None) -> None:
            told = {"token_ids": ids} if state.tells_ids else {"text": "a"}
            event = {"choices": [{"text": "", **told, "finish_reason": reason}]}
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

        def log_message(self, format: str, *values: Any) -> None:
            pass

    with serving(Handler) as state.address:
        yield state
