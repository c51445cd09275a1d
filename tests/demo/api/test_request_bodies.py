"""Bodies that are too large, in the ways in which they come; a small ASGI app stands for Gradio."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.formparsers import MultiPartException

from demo.api.request_bodies import LIMITS, MAX_VALUES, OTHER_LIMIT, LimitBodies, limit_of
from demo.session.marks import MAX_STROKE_POINTS
from tests.demo.api.threads import in_own_thread


class Server:
    """Collects what reaches the app behind the middleware."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.error: Exception | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        try:
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
        except MultiPartException as error:
            self.error = error
            return
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


def send(path: str, pieces: list[bytes], declared: int | None = None, cut: bool = False) -> tuple[Server, int, Any]:
    """POST a body in pieces; gives the server, the status (0 for none) and the JSON of the reply."""
    server = Server()
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": piece, "more_body": cut or place < len(pieces) - 1}
        for place, piece in enumerate(pieces)
    ]
    replies: list[dict[str, Any]] = []

    async def receive() -> Any:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def reply(message: Any) -> None:
        replies.append(message)

    headers = [] if declared is None else [(b"content-length", str(declared).encode())]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
    in_own_thread(lambda: asyncio.run(LimitBodies(server)(scope, receive, reply)))
    body = b"".join(message.get("body", b"") for message in replies)
    return server, replies[0]["status"] if replies else 0, json.loads(body or b"null")


CALL = "/gradio_api/call/segment_brush"


@pytest.mark.parametrize("path", [CALL, "/gradio_api/queue/join", "/gradio_api/cancel", "/prefix/gradio_api/call/ask"])
@pytest.mark.parametrize("is_declared", [True, False])
def test_a_large_body_is_a_sentence_and_never_reaches_the_app(path: str, is_declared: bool) -> None:
    limit = limit_of(path.partition("/gradio_api/")[2])
    pieces = [b'"', b"x" * limit, b'"']
    server, status, reply = send(path, pieces, limit + 2 if is_declared else None)
    assert (server.bodies, status) == ([], 413)
    assert reply["detail"].startswith("The request is larger than ")
    assert reply["detail"].endswith(".")


def test_a_body_within_the_limit_arrives_as_it_was() -> None:
    server, status, _ = send(CALL, [b'{"data"', b': ["x"]}'])
    assert (server.bodies, status) == ([b'{"data": ["x"]}'], 200)


def test_the_longest_stroke_has_few_enough_values() -> None:
    stroke = [[x + 0.5, x / 3] for x in range(MAX_STROKE_POINTS)]
    body = json.dumps({"data": [stroke, 8, "new", False, ""]}).encode()
    assert send(CALL, [body])[1] == 200
    many = json.dumps({"data": [[0] * (MAX_VALUES + 1)]}).encode()
    assert len(many) < limit_of("call/ask")
    server, status, reply = send(CALL, [many])
    assert (server.bodies, status) == ([], 413)
    assert "values" in reply["detail"]


def test_an_upload_that_grows_too_large_or_is_cut_off_ends_gradios_parser() -> None:
    limit = limit_of("upload")
    for options in ({"pieces": [b"x" * 2**20] * (limit // 2**20 + 2)}, {"pieces": [b"half"], "cut": True}):
        server, status, _ = send("/gradio_api/upload", **options)
        assert (server.bodies, status) == ([], 0)
        assert server.error is not None
    _, status, reply = send("/gradio_api/upload", [b""], declared=limit + 1)
    assert status == 413
    assert "40 MB" in reply["detail"]


def test_every_route_has_a_limit() -> None:
    assert limit_of("no/such/route") == OTHER_LIMIT
    assert all(limit_of(beginning) == limit for beginning, limit in LIMITS)
