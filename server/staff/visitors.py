"""Where a sign-in comes from: a browser that its person signed in with before, or an address that anybody may have.

A browser is known by a signed cookie for each account, set when a sign-in succeeds and sent to the sign-in alone, as long as it is
among those of the account (`browsers`). It opens nothing; its failures are
only counted apart from those of strangers, who therefore cannot lock a person out of their own phone."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from starlette.responses import Response

from server import clock
from server.identity.keys import Keys

PREFIX: Final = "spillway_known_"
PATH: Final = "/sign-in"
LASTS: Final = timedelta(days=180)
MOST: Final = 8
"""So many accounts one browser is known for; the headers of a shared station must stay within what proxies take."""


@dataclass(frozen=True)
class Source:
    """What failures are counted by."""

    key: str
    known: bool
    """True for a browser that its person signed in with before."""


@dataclass(frozen=True)
class Visitor:
    """Who stands at the sign-in: an address, and the cookies of its browser."""

    address: str
    cookies: Mapping[str, str]
    keys: Keys

    def source(self, name: str) -> Source:
        """What the failures of this visitor at an account are counted by."""
        browser = self._browser(name)
        if browser is not None:
            return Source(f"browser:{browser}", True)
        return self.stranger()

    def stranger(self) -> Source:
        """The address alone, whatever the browser shows."""
        return Source(f"address:{self.keys.hash(self.address)[:32]}", False)

    def remember(self, response: Response, *, name: str, secure: bool) -> str:
        """Makes this browser a known one of the account, and gives what it is known by; the account that it was used for longest
        ago gives its place away."""
        issued = int(clock.now().timestamp())
        browser = self._browser(name) or secrets.token_hex(12)
        marked = f"{browser}.{issued}"
        ours = _cookie(name, self.keys)
        value = f"{marked}.{self._signature(name, marked)}"
        max_age = int(LASTS.total_seconds())
        response.set_cookie(ours, value, path=PATH, httponly=True, secure=secure, samesite="strict", max_age=max_age)
        others = [cookie for cookie in self.cookies if cookie.startswith(PREFIX) and cookie != ours]
        for cookie in sorted(others, key=lambda one: _issued(self.cookies[one]))[: max(0, len(others) - MOST + 1)]:
            response.delete_cookie(cookie, path=PATH, httponly=True, secure=secure, samesite="strict")
        return browser

    def _browser(self, name: str) -> str | None:
        value = self.cookies.get(_cookie(name, self.keys), "")
        marked, _, signature = value.rpartition(".")
        if not marked or not hmac.compare_digest(signature.encode(), self._signature(name, marked).encode()):
            return None
        if clock.now().timestamp() - _issued(value) > LASTS.total_seconds():
            return None
        return marked.partition(".")[0]

    def _signature(self, name: str, marked: str) -> str:
        return self.keys.sign(f"known browser of {_plain(name)}: {marked}")


def _cookie(name: str, keys: Keys) -> str:
    return PREFIX + keys.sign(f"cookie of {_plain(name)}")[:12]


def _plain(name: str) -> str:
    return name.strip().lower()


def _issued(value: str) -> int:
    issued = value.split(".")[1] if value.count(".") == 2 else ""
    return int(issued) if issued.isdecimal() and issued.isascii() and len(issued) < 12 else 0
