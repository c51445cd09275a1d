"""Middleware that checks the `session_hash` of a call before Gradio sees it.

Gradio stores a caller's state under the `session_hash` that the caller sends. Browsers and gradio_client draw it at
random. Two callers that send the same empty or short value would share one state.
"""

from __future__ import annotations

import json
from typing import Any

from anyio import to_thread
from starlette.responses import JSONResponse

from demo.api.request_bodies import read_body, refuse, replayed

SHORTEST_SESSION_HASH = 6
"""Characters. Gradio's page draws about eleven of 36 letters and digits, gradio_client 36."""

USE_THE_QUEUE = (
    "Direct calls are closed; use a Gradio client, or POST to /gradio_api/call/NAME and GET its result there."
)

_QUEUED = ("/gradio_api/queue/join", "/gradio_api/call/")
_DIRECT = ("/gradio_api/run/", "/gradio_api/api/")
"""Gradio's routes that bypass the queue."""


def is_own(session_hash: Any) -> bool:
    """Whether this value is long enough to identify a single caller."""
    return isinstance(session_hash, str) and len(session_hash.strip()) >= SHORTEST_SESSION_HASH


class RequireOwnSession:
    """ASGI middleware: refuse (400) calls whose session_hash is too short, and (404) calls that bypass the queue.

    A call without a session_hash passes: Gradio refuses it at `/queue/join` and generates one under `/call/`; the
    endpoints refuse the remaining cases (see `caller_identity`).
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
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
        if await to_thread.run_sync(_names_a_shared_session, body):
            await refuse(scope, receive, send, 400, "page.session_missing")
            return
        await self._app(scope, replayed(messages, receive), send)


def _names_a_shared_session(body: bytes) -> bool:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return False  # Gradio reports the malformed body
    session_hash = sent.get("session_hash") if isinstance(sent, dict) else None
    return session_hash is not None and not is_own(session_hash)
