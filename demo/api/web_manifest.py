"""`GET /manifest.json`: what a browser needs to install the page as an app, under whatever path it is served."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from starlette.responses import JSONResponse

PATH = "/manifest.json"


class ManifestRoute:
    """ASGI middleware that answers `/manifest.json`, with addresses relative to it.

    Gradio's own names the icon by its path on this server, which is another one behind a reverse proxy.
    """

    def __init__(self, app: Any, name: str, root_path: str) -> None:
        """
        Args:
            name: of the app.
            root_path: path or address under which proxies serve it, and may ask for it; "" for none.
        """
        self._app = app
        self._paths = PATH, urlsplit(root_path).path.rstrip("/") + PATH
        self._manifest = {
            "name": name,
            "icons": [{"src": "pwa_icon", "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
            "start_url": "./",
            "display": "standalone",
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] not in self._paths or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        await JSONResponse(self._manifest, media_type="application/manifest+json")(scope, receive, send)
