"""Serve the page: Gradio's launch options, shared by the program, the tests and the screenshots of the page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from demo.api import session_states
from demo.api.known_hosts import KnownHosts, RequireKnownHost
from demo.api.own_session import RequireOwnSession
from demo.api.request_bodies import LimitBodies, limit_of
from demo.canvas.gestures import MAX_MEGABYTES
from demo.theme import css, theme

SESSIONS = 1000
"""How many browser tabs and connected programs Gradio keeps the state of."""


def launch(
    page: gr.Blocks,
    host: str,
    port: int,
    *,
    mcp: bool = False,
    allowed_hosts: Sequence[str] = (),
    prevent_thread_lock: bool = False,
    **options: Any,
) -> str:
    """Serve the page on http://host:port and return its address (by default: after the server has ended).

    mcp: whether the endpoints are also MCP tools. allowed_hosts: further names under which the page may be reached,
    see `KnownHosts`. options: further options of `gr.Blocks.launch`. Raises OSError if the port is taken.
    """
    # Calls that bypass the queue would ignore its concurrency limits, and would have no session of their own.
    page.api_open = False
    hosts = KnownHosts(host, allowed_hosts, os.environ)
    _, address, share_address = page.launch(
        server_name=host,
        server_port=port,
        theme=theme(),
        css=css(),
        footer_links=["api"],
        max_file_size=f"{MAX_MEGABYTES}mb",
        state_session_capacity=SESSIONS,
        ssr_mode=False,
        mcp_server=mcp,
        enable_monitoring=False,  # its counters would show everybody's usage to everybody
        app_kwargs={
            "middleware": [
                Middleware(RequireKnownHost, hosts=hosts),
                Middleware(LimitBodies),
                Middleware(RequireOwnSession),
            ]
        },
        prevent_thread_lock=True,
        **options,
    )
    session_states.install(page, SESSIONS)
    if share_address:
        hosts.add(share_address)
    _raise_mcp_limit(page)
    if not prevent_thread_lock:
        page.block_thread()
    return address


def _raise_mcp_limit(page: gr.Blocks) -> None:
    """Let a call over MCP bring a file as large as the page takes, as base64; the MCP library's own limit is 4 MiB."""
    manager = getattr(getattr(page, "mcp_server_obj", None), "manager", None)
    limited = getattr(manager, "asgi_app", None)
    if limited is not None and hasattr(limited, "max_body_size"):
        limited.max_body_size = limit_of("mcp")
