"""Middleware that checks the `session_hash` of a call before Gradio sees it.

Gradio stores a caller's state under the `session_hash` that the caller sends. Browsers and gradio_client draw it at
random. Two callers that send the same empty or short value would share one state.
"""

from __future__ import annotations

import json
from typing import Any

from anyio import to_thread
from starlette.responses import JSONResponse

from demo.api.request_bodies import read_body, refuse, replayed, route_of

SHORTEST_SESSION_HASH = 6
"""Characters. Gradio's page draws about eleven of 36 letters and digits, gradio_client 36."""

USE_THE_QUEUE = (
    "Direct calls are closed; use a Gradio client, or POST to /gradio_api/call/NAME and GET its result there."
)

_QUEUED = ("/gradio_api/queue/join", "/gradio_api/call/")
_DIRECT = ("/gradio_api/run/", "/gradio_api/api/")
"""Gradio's routes that bypass the queue."""
_UNUSED = ("process_recording", "vibe-", "undo-vibe-", "deep_link", "run-history")
"""Gradio's routes below `/gradio_api/` that write files or start programs, and that this page does not use."""


def is_own(session_hash: Any) -> bool:
    """Whether this value is long enough to identify a single caller."""
    return isinstance(session_hash, str) and len(session_hash.strip()) >= SHORTEST_SESSION_HASH


class RequireOwnSession:
    """ASGI middleware: refuse (400) malformed calls and those whose session_hash is too short, and (404) calls that
    bypass the queue.

    A call without a session_hash passes: Gradio refuses it at `/queue/join` and generates one under `/call/`; the
    endpoints refuse the remaining cases (see `caller_identity`).
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and route_of(scope).startswith(_UNUSED):
            await JSONResponse({"detail": "Not found."}, 404)(scope, receive, send)
            return
        is_call = scope["type"] == "http" and scope["method"] == "POST"
        if is_call and any(route in scope["path"] for route in _DIRECT):
            await JSONResponse({"detail": USE_THE_QUEUE}, 404)(scope, receive, send)
            return
        if not is_call or not any(route in scope["path"] for route in _QUEUED):
            await self._app(scope, receive, send)
            return
        read = await read_body(receive)
        assert read is not None  # no limit was given: `request_bodies` has checked the size
        body, messages = read
        # A long stroke is some hundred kilobytes of JSON: parse it in a thread, not on the shared event loop.
        key = await to_thread.run_sync(_refusal, body)
        if key is not None:
            await refuse(scope, receive, send, 400, key)
            return
        await self._app(scope, replayed(messages, receive), send)


def _refusal(body: bytes) -> str | None:
    """The key of the sentence with which a call is refused; None if it is well formed and may have its own session."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return "page.bad_inputs"
    if not isinstance(sent, dict) or not isinstance(sent.get("data", []), list):
        return "page.bad_inputs"
    session_hash = sent.get("session_hash")
    return None if session_hash is None or is_own(session_hash) else "page.session_missing"
