"""Who calls an endpoint, and which workspace is theirs.

A program with a connection of its own (gradio_client) has a workspace by the connection's name. All others name the
session in every call: those over MCP, because they share one connection, Gradio's own to itself; and plain HTTP calls
that name no connection, because Gradio gives each such call a new one.
"""

from __future__ import annotations

import json
import re
from typing import Any

import gradio as gr

from demo.api.own_session import is_own
from demo.session.workspace import Workspace
from demo.session.workspace_store import WorkspaceStore
from osprey_core.errors import InputError

_EVENT_ID = re.compile(r"[0-9a-f]{32}")
"""How Gradio names a call in its queue."""


class Callers:
    """Finds the workspace of a call. `app` is the Blocks in which the endpoints are."""

    def __init__(self, app: gr.Blocks, workspaces: WorkspaceStore) -> None:
        self._app, self._workspaces = app, workspaces

    def workspace(self, session: str | None, request: gr.Request) -> Workspace:
        """The workspace of this session; without one, that of the connection. Raises InputError if there is none."""
        if session:
            workspace = self._workspaces.find(session)
            if workspace is None:
                raise InputError("page.session_gone")
            return workspace
        if not self.has_own_connection(request):
            raise InputError("page.session_missing")
        return self._workspaces.for_client(str(request.session_hash))

    def workspace_to_open(self, session: str | None, request: gr.Request) -> Workspace:
        """As `workspace`, but a new one for a call that names no session and has no connection of its own."""
        if not session and not self.has_own_connection(request):
            return self._workspaces.keep(Workspace())
        return self.workspace(session, request)

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
