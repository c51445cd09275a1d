"""Who calls an endpoint, and which seat is theirs: a program with a connection of its own, or one of many over MCP.

All that come over MCP share one connection, Gradio's own to itself; so there the session must be named in every call,
or strangers would meet in it.
"""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from demo.i18n import words
from demo.session.workspace import Seat
from demo.session.workspaces import Seats
from osprey_core.errors import InputError


class Callers:
    """Finds the seat of a call. `app` is the Blocks in which the endpoints are."""

    def __init__(self, app: gr.Blocks, seats: Seats) -> None:
        self._app, self._seats = app, seats

    def seat(self, session: str | None, request: gr.Request) -> Seat:
        """The seat of this session; without one, that of the connection. Raises InputError if there is none."""
        if session:
            seat = self._seats.find(session)
            if seat is None:
                raise InputError(words.SESSION_GONE)
            return seat
        if self.is_shared(request):
            raise InputError(words.SESSION_MISSING)
        return self._seats.of_client(str(request.session_hash))

    def seat_to_open(self, session: str | None, request: gr.Request) -> Seat:
        """As `seat`, but a new one for a call over MCP that names no session."""
        if not session and self.is_shared(request):
            return self._seats.keep(Seat())
        return self.seat(session, request)

    def told(self, result: Any, request: gr.Request) -> Any:
        """The result for a JSON component. Over MCP it becomes text, and that shall be JSON as well, not Python."""
        return json.dumps(json.dumps(result)) if self.is_shared(request) else result

    def is_shared(self, request: gr.Request) -> bool:
        """Whether the call came over MCP: by what every such client must send, or by the connection itself."""
        server = getattr(self._app, "mcp_server_obj", None)
        if server is None:
            return False
        if "text/event-stream" in request.headers.get("accept", "") or "mcp-protocol-version" in request.headers:
            return True
        if not hasattr(server, "_client_instance"):  # another Gradio: it cannot be told, so the session must be named
            return True
        own = server._client_instance  # the older transport asks for no headers
        return own is not None and own.session_hash == request.session_hash
