"""What a browser sent, as JSON or as a form, made into plain text whatever it is. Nothing here stores or answers."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from starlette.requests import Request

from bot.channels.web.errors import WrongType
from console.catalogue import LANGUAGES, text
from server.errors import BadInput, TooLarge
from server.http.body import read_body

LONGEST: Final = 10_000
"""Characters of one message that are taken; the assistant understands it by its first 2,000, the triage by all."""
_LARGEST_BODY: Final = 256 * 1024
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,48}")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Message:
    """One text of a resident. `client_id` is the browser's own name for it: the same one twice is one message."""

    text: str
    client_id: str


@dataclass(frozen=True)
class Sent:
    """What one request carries. A form without JavaScript may carry a typed text and a pressed button at once."""

    messages: tuple[Message, ...]
    is_form: bool
    session: str | None = None
    language: str | None = None
    """The language that the resident picked on the page, with the first message after the pick."""
    embedded: bool = False


def page_language(request: Request) -> str:
    """The language that the page is shown in: the address says it, or the browser, or it is the first of ours."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return asked
    ranked: list[tuple[float, int, str]] = []
    for position, item in enumerate(request.headers.get("accept-language", "").split(",")[:20]):
        code, _, quality = item.strip().partition(";q=")
        language = code.split("-")[0].lower()
        if language in LANGUAGES and re.fullmatch(r"(0(\.\d{1,3})?|1(\.0{1,3})?)?", quality):
            ranked.append((-float(quality or 1), position, language))
    return min(ranked)[2] if ranked else LANGUAGES[0]


def is_form(request: Request) -> bool:
    """True when a browser without JavaScript sent a form and waits for a page."""
    return _content_type(request) == "application/x-www-form-urlencoded"


async def read_sent(request: Request) -> Sent:
    """Reads a request's messages. Raises `BadInput`, `WrongType` or `TooLarge` in the language of the page."""
    language = page_language(request)
    body = await _body(request, language)
    if is_form(request):
        return _from_form(body, language)
    if _content_type(request) == "application/json":
        return _from_json(body, language)
    raise WrongType(text("chat.error_type", language))


def clean(raw: str) -> str:
    """The text without what no database or screen can hold: control characters and halves of characters."""
    return _CONTROLS.sub(" ", raw.replace("\r\n", "\n").replace("\r", "\n")).strip()


def safe_id(raw: object) -> str:
    """A message's name as it is stored. A resident's text is never refused for it: a strange one is hashed, a missing one made."""
    if not isinstance(raw, str) or not raw:
        return secrets.token_hex(16)
    return raw if _CLIENT_ID.fullmatch(raw) else hashlib.sha256(raw.encode("utf-8", "replace")).hexdigest()[:32]


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _body(request: Request, language: str) -> str:
    try:
        return (await read_body(request, most=_LARGEST_BODY)).decode("utf-8", "replace")
    except TooLarge as error:
        raise TooLarge(text("chat.error_long", language, limit=LONGEST)) from error


def _from_json(body: str, language: str) -> Sent:
    try:
        data: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput(text("chat.error_json", language)) from error
    if not isinstance(data, dict) or not isinstance(data.get("text"), str):
        raise BadInput(text("chat.error_json", language))
    message = Message(clean(data["text"]), safe_id(data.get("client_id")))
    return Sent((message,), is_form=False, language=_picked(data))


def _from_form(body: str, language: str) -> Sent:
    try:
        fields = {k: v[-1] for k, v in parse_qs(body, keep_blank_values=True, max_num_fields=20, errors="replace").items()}
    except ValueError as error:
        raise BadInput(text("chat.error_form", language)) from error
    nonce = safe_id(fields.get("client_id"))[:32]
    texts = [cleaned for name in ("text", "choice") if (cleaned := clean(fields.get(name, "")))]
    # Going back in the browser shows an old form with its old name: another text under it is another message.
    messages = tuple(Message(each, f"{nonce}-{hashlib.sha256(each.encode()).hexdigest()[:12]}") for each in texts or [""])
    return Sent(messages, True, fields.get("session"), _picked(fields), fields.get("embed") == "1")


def _picked(fields: Mapping[str, Any]) -> str | None:
    language = fields.get("language")
    return language if language in LANGUAGES else None
