"""No call without a session of its own: the check of what a call names as its session, before Gradio sees it.

Gradio keeps what belongs to a caller under the `session_hash` that the caller sends. Browsers and gradio_client draw it
at random. A name that is empty or short is one that strangers may choose too, and they would meet there.
"""

from __future__ import annotations

import json
from typing import Any

from anyio import to_thread
from starlette.responses import JSONResponse

from demo.i18n.catalog import text

SHORTEST_SESSION_HASH = 6
"""Characters. Gradio's page draws about eleven of 36 letters and digits, gradio_client 36."""

USE_THE_QUEUE = (
    "Direct calls are closed; use a Gradio client, or POST to /gradio_api/call/NAME and GET its result there."
)

_QUEUED = ("/gradio_api/queue/join", "/gradio_api/call/")
_DIRECT = ("/gradio_api/run/", "/gradio_api/api/")
"""Gradio's routes past the queue."""


def is_own(session_hash: Any) -> bool:
    """Whether this can name the session of one caller alone."""
    return isinstance(session_hash, str) and len(session_hash.strip()) >= SHORTEST_SESSION_HASH


class RequireOwnSession:
    """ASGI middleware: refuses (400) a call whose session_hash others may send as well, and (404) calls past the queue.

    A call without a session_hash is let through: Gradio refuses it in the queue and gives it one of its own under
    `/call/`; the endpoints refuse what is left (see `caller_identity`).
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
        messages = []
        while True:
            message = await receive()
            messages.append(message)
            if message["type"] != "http.request" or not message.get("more_body"):
                break
        body = b"".join(message.get("body", b"") for message in messages)
        # A long stroke is some hundred kilobytes of JSON: read beside the event loop, which serves everybody.
        if await to_thread.run_sync(_names_a_shared_session, body):
            await JSONResponse({"detail": text("page.session_missing")}, 400)(scope, receive, send)
            return

        async def replay() -> Any:
            return messages.pop(0) if messages else await receive()

        await self._app(scope, replay, send)


def _names_a_shared_session(body: bytes) -> bool:
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        return False  # Gradio says what is wrong with it
    given = sent.get("session_hash") if isinstance(sent, dict) else None
    return given is not None and not is_own(given)
