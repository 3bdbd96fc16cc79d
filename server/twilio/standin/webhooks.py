"""Posting webhooks as Twilio does: a form, signed over the public address and every field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urldefrag, urljoin

import httpx
from twilio.request_validator import RequestValidator

PATIENCE: Final = 15.0
"""Seconds after which Twilio gives up on a webhook (error 11205)."""


@dataclass(frozen=True)
class Answer:
    """What the other side answered."""

    status: int
    body: str
    content_type: str = ""


Post = Callable[[str, Mapping[str, str], Mapping[str, str]], Awaitable[Answer]]
"""Posts a form to an address with headers."""


class WebhookFailed(Exception):
    """The other side answered a webhook with something that Twilio would log as an error."""


def post_to(base_url: str) -> Post:
    """Posts over HTTP to a server whose public address is `base_url`."""
    return _client(base_url, lambda: httpx.AsyncClient(timeout=PATIENCE))


def post_to_app(app: Any, public_url: str) -> Post:
    """Posts straight into an ASGI app in this process, as if it were reached at `public_url`."""
    return _client(public_url, lambda: httpx.AsyncClient(transport=httpx.ASGITransport(app=app), timeout=PATIENCE))


def _client(base_url: str, make: Callable[[], httpx.AsyncClient]) -> Post:
    async def post(url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        async with make() as client:
            response = await client.post(urljoin(f"{base_url.rstrip('/')}/", url), data=dict(fields), headers=dict(headers))
        return Answer(response.status_code, response.text, response.headers.get("content-type", ""))

    return post


class Webhooks:
    """Signs and posts for one account. A relative address is taken against the public address of the other side."""

    def __init__(self, auth_token: str, post: Post, public_url: str) -> None:
        self._validator = RequestValidator(auth_token)
        self._post = post
        self._public_url = public_url.rstrip("/")

    def address(self, url: str, base: str = "") -> str:
        """The absolute address, without its fragment, which Twilio reads itself."""
        return urldefrag(urljoin(base or f"{self._public_url}/", url)).url

    async def send(self, url: str, fields: Mapping[str, str], *, retry: str | None = None) -> Answer:
        """Posts a form. `retry` is the idempotency token that Twilio adds when it repeats a request."""
        headers = {"X-Twilio-Signature": self._validator.compute_signature(url, dict(fields)), "User-Agent": "TwilioProxy/1.1"}
        if retry is not None:
            headers["I-Twilio-Idempotency-Token"] = retry
        return await self._post(url, fields, headers)

    async def document(self, url: str, fields: Mapping[str, str], *, retry: str | None = None) -> str:
        """Posts a form and gives the TwiML that comes back. Raises `WebhookFailed` for anything else."""
        answer = await self.send(url, fields, retry=retry)
        if answer.status != 200:
            raise WebhookFailed(f"{url} answered {answer.status}: {answer.body[:200]}")
        if answer.content_type.partition(";")[0].strip() not in ("application/xml", "text/xml"):
            raise WebhookFailed(f"{url} answered {answer.content_type!r}, which is no TwiML (error 12300)")
        return answer.body
