"""Serve the page: Gradio's launch options, shared by the program, the tests and the screenshots of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from demo.api.own_session import RequireOwnSession
from demo.canvas.gestures import MAX_MEGABYTES
from demo.theme import css, theme

ICON = Path(__file__).resolve().parent / "icon.svg"
"""The page's icon, also of the page as an installed app."""


def launch(page: gr.Blocks, host: str, port: int, *, mcp: bool = False, **options: Any) -> str:
    """Serve the page on http://host:port and return its address (by default: after the server has ended).

    mcp: whether the endpoints are also MCP tools. options: further options of `gr.Blocks.launch`. Raises OSError if the
    port is taken.
    """
    # Calls that bypass the queue would ignore its concurrency limits, and would have no session of their own.
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
        pwa=True,
        favicon_path=str(ICON),
        enable_monitoring=False,  # its counters would show everybody's usage to everybody
        app_kwargs={"middleware": [Middleware(RequireOwnSession)]},
        **options,
    )
    return address
