"""Serve the page: Gradio's launch options, shared by the program, the tests and the screenshots of the page."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from demo.api import fair_queue, session_states
from demo.api.access_log import AccessLog
from demo.api.api_keys import ApiKeys, RequireApiKey
from demo.api.checked_inputs import CheckedPage
from demo.api.health import HealthRoute
from demo.api.known_hosts import KnownHosts, RequireKnownHost
from demo.api.metrics_page import Audience, MetricsRoute
from demo.api.openai.door import OpenAIDoor
from demo.api.own_session import RequireOwnSession
from demo.api.request_bodies import LimitBodies, limit_of
from demo.api.upload_folder import TIDY_SECONDS, GuardUploads, UploadFolder
from demo.api.web_manifest import ManifestRoute
from demo.shared import memory
from demo.shared.uploads import MAX_MEGABYTES
from demo.theme import css, theme

ICON = Path(__file__).resolve().parent / "icon.svg"
"""The page's icon, also of the page as an installed app."""

SESSIONS = 1000
"""How many browser tabs and connected programs Gradio keeps the state of."""

THREADS = 128
"""More than all queues together run at a time, because events that wait for their turn at the model hold a thread."""


def launch(
    page: CheckedPage,
    host: str,
    port: int,
    *,
    mcp: bool = False,
    allowed_hosts: Sequence[str] = (),
    prevent_thread_lock: bool = False,
    uploads: UploadFolder | None = None,
    metrics: Audience = "local",
    access_log: bool = False,
    api_keys: ApiKeys | None = None,
    trusted_proxies: str = "",
    **options: Any,
) -> str:
    """Serve the page on http://host:port and return its address (by default: after the server has ended).

    mcp: whether the endpoints are also MCP tools. allowed_hosts: further names under which the page may be reached,
    see `KnownHosts`. uploads: where Gradio keeps uploaded files, to be bounded and tidied. metrics: who may read
    `/metrics`. access_log: whether every request is logged. api_keys: keys of programs; None if none is needed.
    trusted_proxies: addresses of proxies that may tell whose request they pass on, parted by commas.
    options: further options of `gr.Blocks.launch`.
    Raises OSError if the port is taken.
    """
    # Calls that bypass the queue would ignore its concurrency limits, and would have no session of their own.
    page.api_open = False
    fair_queue.install(page, page.services.queue_length)
    if trusted_proxies:
        os.environ["FORWARDED_ALLOW_IPS"] = trusted_proxies  # Gradio hands it to its server in no other way
    hosts = KnownHosts(host, allowed_hosts, os.environ)
    has_door = api_keys is not None or not options.get("auth")
    middleware = [
        Middleware(AccessLog, is_logged=access_log),
        Middleware(HealthRoute, page=page),
        Middleware(RequireKnownHost, hosts=hosts),
        Middleware(MetricsRoute, page=page, audience=metrics),
        Middleware(ManifestRoute, name=str(page.title), root_path=str(options.get("root_path") or "")),
        *([] if api_keys is None else [Middleware(RequireApiKey, keys=api_keys)]),
        *([] if uploads is None else [Middleware(GuardUploads, uploads=uploads)]),
        Middleware(LimitBodies),
        # Programs cannot log in there, so where people must and there are no keys, there is no such door.
        *([Middleware(OpenAIDoor, services=page.services, decode=page.decode)] if has_door else []),
        Middleware(RequireOwnSession),
    ]
    _, address, share_address = page.launch(
        server_name=host,
        server_port=port,
        theme=theme(),
        css=css(),
        footer_links=["api"],
        max_file_size=f"{MAX_MEGABYTES}mb",
        state_session_capacity=SESSIONS,
        max_threads=THREADS,
        ssr_mode=False,
        mcp_server=mcp,
        pwa=True,
        favicon_path=str(ICON),
        enable_monitoring=False,  # its counters would show everybody's usage to everybody
        app_kwargs={"middleware": middleware},
        prevent_thread_lock=True,
        _frontend=False,  # no check that the page answers within three seconds: beside other load it may not
        **options,
    )
    session_states.install(page, SESSIONS)
    if share_address:
        hosts.add(share_address)
    _raise_mcp_limit(page)
    if not prevent_thread_lock:
        page.block_thread()
    return address


def wait_for_end(page: gr.Blocks, stopped: threading.Event, uploads: UploadFolder) -> None:
    """Return once the page is closed, or `stopped` is set. Meanwhile tidy uploads and give freed memory back."""
    last = time.monotonic()
    while page.is_running and not stopped.wait(0.2):
        if time.monotonic() - last >= TIDY_SECONDS:
            uploads.tidy()
            memory.give_back()
            last = time.monotonic()


def shut_down(page: CheckedPage, seconds: float) -> bool:
    """Stop all answers and close the server, within about so many seconds; whether nothing runs any more.

    A thread that is inside torch while the interpreter ends would bring the process down with an abort.
    """
    page.is_ending = True
    page.services.running_jobs.stop_all()
    deadline = time.monotonic() + seconds
    while _is_busy(page) and time.monotonic() < deadline:
        page.services.running_jobs.stop_all()  # jobs that were queued begin one after another
        time.sleep(0.05)
    page.close(verbose=False)
    return not _is_busy(page)


def _is_busy(page: CheckedPage) -> bool:
    if len(page.services.running_jobs) > 0 or any(job is not None for job in page._queue.active_jobs):
        return True
    return any(thread.name == "preparing" for thread in threading.enumerate())


def _raise_mcp_limit(page: gr.Blocks) -> None:
    """Let a call over MCP bring a file as large as the page takes, as base64; the MCP library's own limit is 4 MiB."""
    manager = getattr(getattr(page, "mcp_server_obj", None), "manager", None)
    limited = getattr(manager, "asgi_app", None)
    if limited is not None and hasattr(limited, "max_body_size"):
        limited.max_body_size = limit_of("mcp")
