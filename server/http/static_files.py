"""The files of staff pages: what never changes under its address is kept by browsers for a year, the rest is asked for again."""

from __future__ import annotations

from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

_YEAR: Final = "public, max-age=31536000, immutable"
_SIGNED: Final = "/twilio/"


class CachedFiles(StaticFiles):
    """Static files with their caching. Pages name the version of a vendored file in its address."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or the word that the browser's copy is still right."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = _YEAR if path.startswith("vendor/") else "no-cache"
        return response


class Compressed:
    """Compresses what browsers are sent; Twilio's short answers and event streams go as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._small = GZipMiddleware(app, minimum_size=1000, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on."""
        plain = scope["type"] != "http" or scope["path"].startswith(_SIGNED)
        await (self._plain if plain else self._small)(scope, receive, send)
