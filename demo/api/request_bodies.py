"""Middleware that bounds the body of every request, before anything parses it.

Uploads pass through in pieces. All other bodies are read here completely, which is safe because they are bounded. Knows
nothing of endpoints.
"""

from __future__ import annotations

from typing import Any

import anyio
from anyio import to_thread
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse

from demo.i18n import language
from demo.i18n.catalog import text
from demo.shared.uploads import MAX_MEGABYTES
from osprey_core.i18n import Param

_KIB, _MIB = 2**10, 2**20
_FRAME_BYTES = 64 * _KIB
"""What a body may hold besides the file in it."""

_FILE_BYTES = MAX_MEGABYTES * _MIB
UPLOAD = "upload"
LIMITS: tuple[tuple[str, int], ...] = (
    (UPLOAD, _FILE_BYTES + _FRAME_BYTES),
    ("queue/join", 3 * _MIB // 2),
    ("call/", 3 * _MIB // 2),
    ("mcp/messages", 4 * _MIB - 1),  # the older transport has this limit built in
    ("v1/chat/completions", 2 * _FILE_BYTES * 4 // 3),  # copies of one picture with different alpha channels
    ("chat/completions", 2 * _FILE_BYTES * 4 // 3),
    ("mcp", _FILE_BYTES * 4 // 3 + _FRAME_BYTES),  # the file as base64
)
"""Largest body in bytes by the beginning of the route below `/gradio_api/`; the first that fits counts."""
OTHER_LIMIT = 256 * _KIB

MAX_VALUES = 70_000
"""Most values in the JSON of a call. Gradio walks through them on the event loop, where everybody waits. The longest
brush stroke, of 20,000 points, has 60,000."""

_CALLS = ("queue/join", "call/")
_LARGE_BYTES = 4 * _MIB
_MOST_LARGE = 4
"""Bodies larger than that, which are held in memory, are in work so many at a time; others wait to be read."""
_DRAINED_BYTES = 128 * _MIB
"""What is still received of a refused body, because many clients read the answer only after they have sent all."""


def route_of(scope: Any) -> str:
    """The part of a request's path below `/gradio_api/`, or the whole path elsewhere."""
    path: str = scope["path"]
    return path.partition("/gradio_api/")[2] or path.lstrip("/")


def limit_of(route: str) -> int:
    """Largest body in bytes that this route accepts."""
    return next((limit for beginning, limit in LIMITS if route.startswith(beginning)), OTHER_LIMIT)


async def refuse(scope: Any, receive: Any, send: Any, status: int, key: str, **values: Param) -> None:
    """Answer with the text of this key, in the caller's language, as JSON {"detail": …}."""
    with language.speaking(language.of_request(Request(scope))):
        sentence = text(key, **values)
    await JSONResponse({"detail": sentence}, status)(scope, receive, send)


async def read_body(receive: Any, limit: int | None = None) -> tuple[bytes, list[Any]] | None:
    """The whole body, and the messages that brought it, for `replayed`; None if it has more than `limit` bytes."""
    messages, size = [], 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if limit is not None and size > limit:
            return None
        if message["type"] != "http.request" or not message.get("more_body"):
            return b"".join(message.get("body", b"") for message in messages), messages


def replayed(messages: list[Any], receive: Any) -> Any:
    """A `receive` that returns these messages again, and then what the real one returns."""

    async def replay() -> Any:
        return messages.pop(0) if messages else await receive()

    return replay


class LimitBodies:
    """ASGI middleware: refuse (413) bodies that are larger than `limit_of` their route, or have too many values."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._large = anyio.Semaphore(_MOST_LARGE)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        route = route_of(scope)
        limit = limit_of(route)
        if _declared_bytes(scope) > limit:
            await self._refuse_large(scope, receive, send, route, limit)
        elif route.startswith(UPLOAD):
            await self._app(scope, _counted(receive, limit), send)
        elif limit > _LARGE_BYTES and _declared_bytes(scope, unknown=limit) > _LARGE_BYTES:
            async with self._large:
                await self._pass_body(scope, receive, send, route, limit)
        else:
            await self._pass_body(scope, receive, send, route, limit)

    async def _pass_body(self, scope: Any, receive: Any, send: Any, route: str, limit: int) -> None:
        """Read the whole body, and pass it on if it is within the limits."""
        body = await read_body(receive, limit)
        if body is None:
            await self._refuse_large(scope, receive, send, route, limit)
        elif route.startswith(_CALLS) and await to_thread.run_sync(_has_too_many_values, body[0]):
            await refuse(scope, receive, send, 413, "page.many_values", limit=MAX_VALUES)
        else:
            await self._app(scope, replayed(body[1], receive), send)

    async def _refuse_large(self, scope: Any, receive: Any, send: Any, route: str, limit: int) -> None:
        await _drain(receive)
        if route == "mcp" or (route.startswith((UPLOAD, "mcp/")) and limit > _FILE_BYTES):
            await refuse(scope, receive, send, 413, "page.too_large", limit=MAX_MEGABYTES)
        else:
            await refuse(scope, receive, send, 413, "page.large_request", limit=_readable(limit))


def _declared_bytes(scope: Any, unknown: int = 0) -> int:
    """The Content-Length; `unknown` if there is none."""
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(declared) if declared.isdigit() else unknown


def _readable(size: int) -> str:
    return f"{size / _MIB:.1f} MB" if size >= _MIB else f"{size // _KIB} KB"


def _has_too_many_values(body: bytes) -> bool:
    """Whether JSON may have more than MAX_VALUES values, by the characters that part them."""
    return body.count(b",") + body.count(b"[") + body.count(b"{") > MAX_VALUES


def _counted(receive: Any, limit: int) -> Any:
    """A `receive` for uploads that raises if more than `limit` bytes come, or if the sender leaves in between.

    MultiPartException is the error after which Gradio's parser deletes the files that it has begun to write.
    """
    size, is_complete = 0, False

    async def counted() -> Any:
        nonlocal size, is_complete
        message = await receive()
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            is_complete = not message.get("more_body")
            if size > limit:
                raise MultiPartException(f"The file exceeds the maximum allowed size of {MAX_MEGABYTES} MB.")
        elif not is_complete:
            raise MultiPartException("The upload was cut off.")
        return message

    return counted


async def _drain(receive: Any) -> None:
    """Receive the rest of a body and discard it."""
    size = 0
    while size < _DRAINED_BYTES:
        message = await receive()
        size += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return
