"""Who calls an endpoint, and which seat is theirs.

A program with a connection of its own (gradio_client) has a seat by the connection's name. All others name the session
in every call: those over MCP, because they share one connection, Gradio's own to itself; and plain HTTP calls that name
no connection, because Gradio gives each such call a new one.
"""

from __future__ import annotations

import json
import re
from typing import Any

import gradio as gr

from demo.api.own_session import is_own
from demo.i18n import words
from demo.session.workspace import Seat
from demo.session.workspaces import Seats
from osprey_core.errors import InputError

_EVENT_ID = re.compile(r"[0-9a-f]{32}")
"""How Gradio names a call in its queue."""


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
        if not self.has_own_connection(request):
            raise InputError(words.SESSION_MISSING)
        return self._seats.of_client(str(request.session_hash))

    def seat_to_open(self, session: str | None, request: gr.Request) -> Seat:
        """As `seat`, but a new one for a call that names no session and has no connection of its own."""
        if not session and not self.has_own_connection(request):
            return self._seats.keep(Seat())
        return self.seat(session, request)

    def has_own_connection(self, request: gr.Request) -> bool:
        """Whether the calls of this caller, and nobody else's, are known by their connection."""
        if not is_own(request.session_hash) or self.is_shared(request):
            return False
        # Under /call/, Gradio names the connection of a call that gives no name after the call itself.
        return not ("/call/" in str(request.url) and _EVENT_ID.fullmatch(str(request.session_hash)))

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
