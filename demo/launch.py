"""Serving the page: the one place where Gradio is told how, for the program, the tests and the pictures of the page.

Decides nothing about what is on the page.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from demo.api.own_session import RequireOwnSession
from demo.canvas.gestures import MAX_MEGABYTES
from demo.theme import css, theme


def launch(page: gr.Blocks, host: str, port: int, *, mcp: bool = False, **options: Any) -> str:
    """Serve the page on http://host:port; returns its address once it is served (by default: once it has ended).

    mcp: whether the endpoints are tools over MCP. options: others of `gr.Blocks.launch`. Raises OSError if the port
    is taken.
    """
    # Calls past the queue would run many at a time where one may, and without a session of their own.
    page.api_open = False
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        theme=theme(),
        css=css(),
        footer_links=["api"],
        max_file_size=f"{MAX_MEGABYTES}mb",
        state_session_capacity=1000,
        ssr_mode=False,
        mcp_server=mcp,
        enable_monitoring=False,  # its counters tell everybody what others do
        app_kwargs={"middleware": [Middleware(RequireOwnSession)]},
        **options,
    )
    return address
