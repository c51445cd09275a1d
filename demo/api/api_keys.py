"""Middleware that lets programs in by a key: `Authorization: Bearer KEY`. It knows the keys' sums, never the keys."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse

from demo.api.openai.door import error_response, is_completion_route
from demo.i18n import language
from demo.i18n.catalog import text

_ENDPOINTS = ("/gradio_api/call/", "/gradio_api/mcp")
_OPEN_TO_ALL = ("/health", "/metrics", "/gradio_api/startup-events")
"""Load balancers have no key, the metrics have an option of their own, and Gradio calls the last one itself."""


@dataclass(frozen=True)
class ApiKeys:
    """Which keys are known, and what they are needed for."""

    sums: Collection[str]
    """SHA-256 of each key, in hex."""
    for_page: bool = False
    """Whether the page itself needs one too."""
    for_endpoints: bool = True
    """Whether the named endpoints and MCP need one; the routes of OpenAI's form always do."""

    def accepts(self, authorization: str | None) -> bool:
        """Whether a header holds a known key."""
        kind, _, key = (authorization or "").partition(" ")
        # Sums are compared, so the time that it takes tells nothing of a key.
        return kind.lower() == "bearer" and hashlib.sha256(key.strip().encode()).hexdigest() in self.sums

    def guards(self, path: str) -> bool:
        """Whether a key is needed for this path."""
        if path in _OPEN_TO_ALL:
            return False
        if is_completion_route(path) or self.for_page:
            return True
        return self.for_endpoints and any(route in path for route in _ENDPOINTS)


class RequireApiKey:
    """ASGI middleware: refuse (401) requests without a key where one is needed."""

    def __init__(self, app: Any, keys: ApiKeys) -> None:
        self._app, self._keys = app, keys

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        is_guarded = scope["type"] in ("http", "websocket") and self._keys.guards(scope["path"])
        if not is_guarded or self._keys.accepts(Headers(scope=scope).get("authorization")):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        with language.speaking(language.of_request(Request(scope))):
            sentence = text("page.key_needed")
        if is_completion_route(scope["path"]):
            response = error_response(401, sentence, "invalid_api_key")
        else:
            response = JSONResponse({"detail": sentence}, 401)
        response.headers["WWW-Authenticate"] = "Bearer"
        await response(scope, receive, send)
