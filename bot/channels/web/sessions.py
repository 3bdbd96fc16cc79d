"""Who a web chat is with: a random 128-bit identity in a cookie, signed by us, so that nothing is stored before the first word."""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.identity.keys import Keys
from server.settings import Settings

COOKIE: Final = "spillway_chat"
HEADER: Final = "x-spillway-session"
"""Carries the session where a page inside another site's frame gets no cookies."""
KEPT_SECONDS: Final = 24 * 3600
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}\.[0-9a-f]{32}")


@dataclass(frozen=True)
class ChatSession:
    """One browser. `token` is what it keeps; `key` is what its conversation is known by, from which the token cannot be told."""

    token: str
    key: str
    fresh: bool = False
    from_cookie: bool = False

    def claim(self, client_id: str) -> str:
        """The key under which one message of this browser is taken in, once."""
        return f"{self.key}:{client_id}"


def _signature(identity: str, keys: Keys) -> str:
    return keys.sign(f"web-chat:{identity}")


def _key(identity: str, keys: Keys) -> str:
    return f"web:{keys.hash(identity)}"


def new_session(keys: Keys) -> ChatSession:
    """A session that nobody else can guess."""
    identity = secrets.token_urlsafe(16)
    return ChatSession(f"{identity}.{_signature(identity, keys)}", _key(identity, keys), fresh=True)


def known_session(token: str | None, keys: Keys, *, from_cookie: bool = False) -> ChatSession | None:
    """The session of a token that we issued, or nothing."""
    if token is None or not _TOKEN.fullmatch(token):
        return None
    identity, _, signature = token.partition(".")
    if not hmac.compare_digest(signature, _signature(identity, keys)):
        return None
    return ChatSession(token, _key(identity, keys), from_cookie=from_cookie)


def session_of(request: Request, keys: Keys, *, field: str | None = None) -> ChatSession | None:
    """The session that a request names: in its header, in a form field, or in the cookie."""
    cookie = known_session(request.cookies.get(COOKIE), keys, from_cookie=True)
    named = known_session(request.headers.get(HEADER), keys) or known_session(field, keys)
    return cookie if named is None or (cookie is not None and cookie.key == named.key) else named


def keep(response: Response, session: ChatSession, request: Request, settings: Settings) -> None:
    """Lets the browser keep the session for a day from now."""
    response.set_cookie(
        COOKIE, session.token, max_age=KEPT_SECONDS, path="/chat", httponly=True, samesite="lax", secure=is_https(request, settings)
    )


def forget(response: Response, request: Request, settings: Settings) -> None:
    """Takes the session out of the browser."""
    response.delete_cookie(COOKIE, path="/chat", httponly=True, samesite="lax", secure=is_https(request, settings))


def is_https(request: Request, settings: Settings) -> bool:
    """True when residents reach us over https, also behind a proxy that ends it."""
    return settings.public_url.startswith("https://") or request.url.scheme == "https"
