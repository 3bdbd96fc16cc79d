"""Headers that every answer carries, and the check that a state-changing request of a browser comes from our own pages."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "media-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)
_UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_SIGNED: Final = ("/twilio/", "/outside/")
"""Requests that carry a signature of their own instead of coming from a page of ours."""


class SecurityHeaders:
    """Adds the policy headers; only the chat may be framed, and only by the sites that the city named."""

    def __init__(self, app: ASGIApp, *, chat_origins: tuple[str, ...] = (), secure: bool = False) -> None:
        self._app = app
        self._chat_origins = chat_origins
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, with a guard before it and headers after it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not self._may_change(scope):
            await JSONResponse({"code": "forbidden", "error": "This request did not come from our pages."}, 403)(
                scope, receive, send
            )
            return
        embedded = scope["path"].startswith("/chat")
        ancestors = " ".join(("'self'", *self._chat_origins)) if embedded else "'self'"

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("content-security-policy", CSP.format(ancestors=ancestors))
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("referrer-policy", "same-origin")
                headers.setdefault("permissions-policy", "camera=(), geolocation=(), microphone=(self)")
                if self._secure:
                    headers.setdefault("strict-transport-security", "max-age=31536000")
            await send(message)

        await self._app(scope, receive, with_headers)

    def _may_change(self, scope: Scope) -> bool:
        """Sec-Fetch-Site and Origin, as browsers send them with every request that changes something; other programs send
        neither and hold no cookie of ours."""
        if scope["method"] not in _UNSAFE or scope["path"].startswith(_SIGNED):
            return True
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if scope["path"].startswith("/chat") and origin in self._chat_origins:
            return True
        if headers.get("sec-fetch-site") not in (None, "same-origin", "none"):
            return False
        return origin in (None, "null") or urlsplit(origin).netloc == headers.get("host")
