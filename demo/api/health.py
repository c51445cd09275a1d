"""`GET /health`: whether this server can answer, for load balancers and containers.

It is served under every name, because those who ask for it know the server by an address of their own.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

from demo.i18n import language
from demo.shared.lazy_resource import LazyResource

PATH = "/health"
RETRY_SECONDS = 2


class HealthRoute:
    """ASGI middleware that answers `/health`: 200 once the model is loaded, else 503 with the reason.

    page: a `CheckedPage`; `is_ending` is set on it when the program ends.
    """

    def __init__(self, app: Any, page: Any) -> None:
        self._app, self._page = app, page

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        told = health_of(self._page)
        is_ready = told["status"] == "ready"
        headers = {"Cache-Control": "no-store"} | ({} if is_ready else {"Retry-After": str(RETRY_SECONDS)})
        await JSONResponse(told, 200 if is_ready else 503, headers)(scope, receive, send)


def health_of(page: Any) -> dict[str, Any]:
    """{"status": "ready", "loading", "failed" or "ending", "model": {"name", "state"}, "segmenter": {…}}.

    The status is the model's, or "failed" once its language engine has ended by itself; a resource that could not be
    loaded has its "reason", in English.
    """
    services = page.services
    status = "ending" if page.is_ending else services.model.state
    if status == "ready" and getattr(services.model.get(), "is_dead", False):
        status = "failed"  # a language engine's processes have ended: only a new start helps
    return {"status": status, "model": _told(services.model), "segmenter": _told(services.segmenter)}


def _told(resource: LazyResource[Any]) -> dict[str, str]:
    told = {"name": resource.name, "state": resource.state}
    error = resource.error
    return told if error is None else told | {"reason": error.render(language.DEFAULT)}
