"""`GET /metrics`: the counters of `demo.shared.metrics` and what the page holds at this moment, for Prometheus."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any, Literal

from anyio import to_thread
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response

from demo.api.known_hosts import names_this_machine
from demo.session.services import Services
from demo.shared.metrics import REGISTRY

PATH = "/metrics"

Audience = Literal["local", "on", "off"]
"""Who may read them: programs on this computer, everybody, nobody."""


class MetricsRoute:
    """ASGI middleware that answers `/metrics` for the audience, and 404 for everybody else."""

    def __init__(self, app: Any, page: Any, audience: Audience) -> None:
        self._app, self._audience, self._page = app, audience, page

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        response: Response = PlainTextResponse("Not Found", 404)
        if self._audience == "on" or (self._audience == "local" and is_local(scope)):
            content = await to_thread.run_sync(metrics_text, self._page.services)
            response = Response(content, media_type=CONTENT_TYPE_LATEST)
        await response(scope, receive, send)


def metrics_text(services: Services) -> bytes:
    """All metrics in Prometheus' text format."""
    page = CollectorRegistry()
    page.register(_PageCollector(services))
    return generate_latest(REGISTRY) + generate_latest(page)


def is_local(scope: Any) -> bool:
    """Whether a request comes from this computer itself and not through a proxy on it.

    A proxy that tells nothing of itself, and asks for this server by a name of this machine, looks like a program.
    """
    headers = Headers(scope=scope)
    if any(name in headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via")):
        return False
    if not names_this_machine(headers.get("host", "localhost")):
        return False
    host = (scope.get("client") or ("",))[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _PageCollector(Collector):
    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        services = self._services
        running = len(services.model_turns.running) + len(services.long_turns.running)
        waiting = len(services.model_turns.waiting) + len(services.long_turns.waiting)
        for name, help_text, value in (
            ("osprey_jobs_running", "Jobs that the model works for.", running),
            ("osprey_jobs_waiting", "Jobs that wait for their turn at the model.", waiting),
            ("osprey_pictures_kept", "Pictures that are kept decoded.", len(services.pictures)),
            ("osprey_pictures_bytes", "Bytes of them, with what models keep of them.", services.pictures.used_bytes),
            ("osprey_pictures_bytes_limit", "Bytes beyond which pictures are let go.", services.pictures.max_bytes),
            ("osprey_workspaces", "Persons and programs whose pictures are open.", len(services.workspaces)),
            ("osprey_model_ready", "1 once the model is loaded.", int(services.model.state == "ready")),
        ):
            yield GaugeMetricFamily(name, help_text, value)
        cache = getattr(services.model.get(), "cache", None) if services.model.state == "ready" else None
        if cache is not None:
            yield GaugeMetricFamily("osprey_cache_bytes", "Bytes of encodings, keys and values.", cache.used_bytes)
            yield GaugeMetricFamily("osprey_cache_bytes_limit", "The most bytes of them.", cache.max_bytes)
            yield CounterMetricFamily("osprey_cache_hits", "Cached parts that were used again.", cache.hits)
            yield CounterMetricFamily("osprey_cache_computed", "Parts that had to be computed.", cache.computed)
        model = services.model.get() if services.model.state == "ready" else None
        if decoding := getattr(model, "decoding", ()):
            steps, tokens = sum(thread.steps for thread in decoding), sum(thread.decoded for thread in decoding)
            yield CounterMetricFamily("osprey_decode_steps", "Steps of the language model.", steps)
            yield CounterMetricFamily("osprey_decode_tokens", "Tokens of these steps.", tokens)
