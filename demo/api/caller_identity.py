"""Identify the caller of an endpoint and find the caller's workspace.

A program with its own connection (gradio_client) has a workspace under the connection's session_hash. All other callers
name the session in every call: MCP clients, because they share Gradio's one connection to itself; and plain HTTP calls
without a session_hash, because Gradio gives each such call a new one.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from demo.api.checked_inputs import words
from demo.api.own_session import is_own
from demo.session.workspace import Workspace
from demo.session.workspace_store import WorkspaceStore
from osprey_core.errors import InputError

_EVENT_ID = re.compile(r"[0-9a-f]{32}")
"""The form of Gradio's id of a queued call."""


def caller_address() -> str:
    """The address of the computer whose event runs; "" outside of events.

    On a Space every request comes from its proxy, which adds the caller's address at the end of a header.
    """
    request = LocalContext.request.get(None)
    if request is None:
        return ""
    if os.environ.get("SPACE_ID"):
        return str(request.headers.get("x-forwarded-for", "")).rpartition(",")[2].strip()
    return str(getattr(request.client, "host", "") or "")


class Callers:
    """Find the workspace of a call. `app` is the Blocks that contains the endpoints."""

    def __init__(self, app: gr.Blocks, workspaces: WorkspaceStore) -> None:
        self._app, self._workspaces = app, workspaces

    def workspace(self, session: str | None, request: gr.Request) -> Workspace:
        """The workspace of this session, or of the connection if `session` is empty. Raises InputError without one."""
        if words(session, "session"):
            workspace = self._workspaces.find(str(session))
            if workspace is None:
                raise InputError("page.session_gone")
            return workspace
        if not self.has_own_connection(request):
            raise InputError("page.session_missing")
        return self._workspaces.for_client(str(request.session_hash))

    def workspace_to_open(self, session: str | None, request: gr.Request) -> Workspace:
        """As `workspace`, but a new workspace for a call that has neither a session nor its own connection."""
        if not words(session, "session") and not self.has_own_connection(request):
            return self._workspaces.keep(Workspace("anonymous"))
        return self.workspace(session, request)

    def has_own_connection(self, request: gr.Request) -> bool:
        """Whether the connection identifies this caller and no other."""
        if not is_own(request.session_hash) or self.is_shared(request):
            return False
        # Under /call/, Gradio uses the call's own id as session_hash if the caller sends none.
        return not ("/call/" in str(request.url) and _EVENT_ID.fullmatch(str(request.session_hash)))

    def told(self, result: Any, request: gr.Request) -> Any:
        """The result for a JSON component. MCP sends Python's repr of a value, so there the result is JSON text."""
        return json.dumps(json.dumps(result)) if self.is_shared(request) else result

    def is_shared(self, request: gr.Request) -> bool:
        """Whether the call came over MCP: by headers that MCP clients must send, or by Gradio's own connection."""
        server = getattr(self._app, "mcp_server_obj", None)
        if server is None:
            return False
        if "text/event-stream" in request.headers.get("accept", "") or "mcp-protocol-version" in request.headers:
            return True
        if not hasattr(server, "_client_instance"):  # an unknown Gradio version: require the session
            return True
        own = server._client_instance  # the older MCP transport requires no headers
        return own is not None and own.session_hash == request.session_hash
