"""Proof that a request comes from Twilio: `X-Twilio-Signature` over the public address and the body.

The algorithm and its traps (public address behind a proxy, blank values, JSON bodies with `bodySHA256`, token rotation) are those
of Twilio's "Webhooks security" page; the SDK's own validator computes the signature."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import ClientDisconnect
from twilio.request_validator import RequestValidator

from server.errors import Forbidden, TooLarge
from server.http.body import read_body
from server.metrics import REFUSED
from server.settings import Settings

MAX_BODY: Final = 256 * 1024
_MAX_FIELDS: Final = 1000
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"


async def verified_form(request: Request, settings: Settings) -> dict[str, str]:
    """The fields of a request that Twilio signed. Raises `Forbidden`, always with the same words, for everything else."""
    try:
        return await _verified(request, settings)
    except _Refused as refused:
        REFUSED.labels(reason=f"twilio_{refused.reason}").inc()
        raise Forbidden("Forbidden.") from refused


class _Refused(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def _verified(request: Request, settings: Settings) -> dict[str, str]:
    signature = request.headers.get("x-twilio-signature", "")
    if not signature:
        raise _Refused("unsigned")
    body = await _body(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        text = body.decode("utf-8")
        url = public_address(request, settings)
        if kind == _FORM:
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
            form = ImmutableMultiDict(pairs)
            genuine = _signed(settings, url, form, signature)
            fields: dict[str, Any] = dict(form)
        elif kind == _JSON:
            genuine = _signed(settings, url, text, signature)
            fields = json.loads(text) if genuine else {}
        else:
            raise _Refused("content_type")
    except (TypeError, ValueError, RecursionError) as error:
        # A string body without `bodySHA256` is a TypeError in the SDK; bad UTF-8, ports and JSON are ValueErrors.
        raise _Refused("malformed") from error
    if not genuine:
        raise _Refused("signature")
    if not isinstance(fields, dict):
        raise _Refused("malformed")
    return {_clean(name): _clean(value) for name, value in fields.items()}


async def _body(request: Request) -> bytes:
    try:
        return await read_body(request, most=MAX_BODY)
    except TooLarge as error:
        raise _Refused("too_large") from error
    except ClientDisconnect as error:
        raise _Refused("disconnected") from error


def _signed(settings: Settings, url: str, body: ImmutableMultiDict[str, str] | str, signature: str) -> bool:
    tokens = (settings.twilio_auth_token.get_secret_value(), settings.twilio_auth_token_previous.get_secret_value())
    return any(RequestValidator(token).validate(url, body, signature) for token in tokens if token)


def public_address(request: Request, settings: Settings) -> str:
    """The address as Twilio called it: the configured public one, or the request's own, corrected by a trusted proxy."""
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope.get("query_string") or b""
    rest = path.partition(b"?")[0].decode("ascii") + (f"?{query.decode('ascii')}" if query else "")
    if settings.public_url:
        return settings.public_url + rest
    scheme, host = request.scope.get("scheme", "http"), request.headers.get("host", "")
    if request.client is not None and request.client.host in settings.trusted_proxies:
        scheme = _first(request.headers.get("x-forwarded-proto")) or scheme
        host = _first(request.headers.get("x-forwarded-host")) or host
    return f"{scheme}://{host}{rest}"


def _first(value: str | None) -> str:
    return (value or "").partition(",")[0].strip()


def _clean(value: object) -> str:
    """A value as text that any database can store: no NUL, no half of a surrogate pair."""
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")
