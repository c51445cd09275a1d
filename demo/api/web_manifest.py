"""`GET /manifest.json`: what a browser needs to install the page as an app, under whatever path it is served."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

PATH = "/manifest.json"
ICON_SIDES = (192, 512)
"""Pixels; browsers ask for these two before they offer to install."""


class ManifestRoute:
    """ASGI middleware that answers `/manifest.json`, with addresses relative to it.

    Gradio's own names the icons by their path on this server, which is another one behind a reverse proxy.
    """

    def __init__(self, app: Any, name: str) -> None:
        """`name`: of the app."""
        self._app = app
        self._manifest = {
            "name": name,
            "icons": [
                {"src": f"pwa_icon/{side}", "sizes": f"{side}x{side}", "type": "image/png", "purpose": "any"}
                for side in ICON_SIDES
            ],
            "start_url": "./",
            "display": "standalone",
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        await JSONResponse(self._manifest, media_type="application/manifest+json")(scope, receive, send)
