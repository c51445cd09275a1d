"""Every HTTP request has an id, which its answer tells; with a log, one line of JSON each.

The lines hold neither addresses of persons nor what they ask: method, path without its query, status, milliseconds.
"""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from typing import Any

from starlette.datastructures import Headers

from demo.shared.metrics import REQUESTS

log = logging.getLogger("osprey.access")

HEADER = "x-request-id"
_SOUND_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class AccessLog:
    """ASGI middleware: gives each request the id that it brings, or a new one, and writes its line when it has ended.

    The id is in `scope["state"]["request_id"]` for what runs inside.
    """

    def __init__(self, app: Any, is_logged: bool) -> None:
        self._app, self._is_logged = app, is_logged

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = id_of(Headers(scope=scope).get(HEADER))
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.monotonic(), 500

        async def send_with_id(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (HEADER.encode(), request_id.encode())]
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            REQUESTS.labels(method, str(status)).inc()
            if self._is_logged:
                milliseconds = round((time.monotonic() - began) * 1000, 1)
                line = {"id": request_id, "method": method, "path": scope["path"], "status": status, "ms": milliseconds}
                log.info("%s", json.dumps(line))


def id_of(brought: str | None) -> str:
    """The id that a request brings, if it is short and plain; otherwise a new one."""
    return brought if brought is not None and _SOUND_ID.fullmatch(brought) else uuid.uuid4().hex
