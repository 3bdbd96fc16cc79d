"""The chat page as HTML: complete without JavaScript, with words from the catalogue and the approved messages only."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import phonenumbers
from babel.dates import format_time
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from bot.channels.web.assets import Assets
from bot.channels.web.history import Said, ShownPart, Talk
from bot.channels.web.intake import LONGEST, page_language
from bot.channels.web.sessions import ChatSession
from console.catalogue import LANGUAGES, text, words
from knowledge.library import Library, Situation
from server import clock
from server.errors import NotFound, SpillwayError
from server.settings import Settings

HERE: Final = Path(__file__).parent
_SUGGESTED: Final = 6
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)


def secured(response: HTMLResponse, *, ancestors: str = "'none'") -> HTMLResponse:
    """Lets a page load and send nothing but our own, and lets only the named sites show it in a frame."""
    response.headers["Content-Security-Policy"] = _POLICY.format(ancestors=ancestors)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def environment(folder: Path) -> Environment:
    """Templates that escape everything and break on a name that is not given."""
    return Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def city_words(library: Library, name: str, language: str) -> str:
    """A city value in the language of the page, or nothing."""
    value = library.city.get(name)
    if isinstance(value, Mapping):
        value = value.get(language) or value.get(LANGUAGES[0])
    return str(value) if value else ""


def city_name(library: Library, language: str) -> str:
    """What the city is called on a page."""
    return city_words(library, "city", language) or text("chat.your_city", language)


class Page:
    """Makes the chat page and its error page."""

    def __init__(self, settings: Settings, assets: Assets) -> None:
        self._settings = settings
        self._assets = assets
        self._templates = environment(HERE / "templates")
        self._ancestors = " ".join(("'self'", *settings.chat_origins))

    def chat(
        self,
        request: Request,
        *,
        library: Library,
        talk: Talk,
        session: ChatSession | None = None,
        unread: bool = False,
        embedded: bool | None = None,
    ) -> HTMLResponse:
        """The page with what was said. `unread` tells that the history could not be read now."""
        language = page_language(request)
        embed = request.query_params.get("embed") == "1" if embedded is None else embedded
        picked = request.query_params.get("set") == "1"
        zone = ZoneInfo(str(library.city.get("time_zone", "UTC")))
        context = {
            **self._common(library, language),
            "talk": talk,
            "latest": max((index for index, each in enumerate(talk.said) if each.speaker != "resident"), default=-1),
            "when": lambda at: spoken_time(at, zone, language),
            "unread": unread,
            "ended": request.query_params.get("ended") == "1",
            "embed": embed,
            "session": session.token if session is not None and not session.from_cookie else "",
            "client_id": secrets.token_hex(12),
            "picked": language if picked else "",
            "greeting": None if talk.said else greeting(library, language),
            "suggestions": () if talk.said else suggestions(library, language),
            "languages": [(code, f"?{urlencode(_kept(embed) | {'lang': code, 'set': '1'})}") for code in LANGUAGES],
            "action": f"/chat/messages?{urlencode({'lang': language})}",
            "setup": {
                "language": language,
                "picked": picked,
                "embed": embed,
                "zone": zone.key,
                "last": talk.last,
                "owner": talk.owner,
                "reference": talk.reference,
                "longest": LONGEST,
                "words": live_words(language, city_name(library, language)),
            },
        }
        html = self._templates.get_template("chat.html").render(context)
        return secured(HTMLResponse(html), ancestors=self._ancestors)

    def error(self, request: Request, *, library: Library, error: SpillwayError) -> HTMLResponse:
        """What a form gets when its text could not be taken: why, what to do, and the 911 line."""
        language = page_language(request)
        context = {
            **self._common(library, language),
            "error": error.safe_text,
            "embed": False,
            "back": f"/chat/?{urlencode({'lang': language})}",
        }
        html = self._templates.get_template("error.html").render(context)
        return secured(HTMLResponse(html, status_code=error.status), ancestors=self._ancestors)

    def _common(self, library: Library, language: str) -> dict[str, Any]:
        city = city_name(library, language)
        return {
            "t": partial(_fill, language=language, city=city),
            "lang": language,
            "city": city,
            "training": not self._settings.live,
            "number": shown_number(self._settings.twilio_number),
            "asset": self._assets.address,
            "leave_to": self._settings.chat_leave_url,
        }


def live_words(language: str, city: str) -> dict[str, str]:
    """The words that the page's script needs; what it fills itself keeps its braces."""
    names = ("who_resident", "who_bot", "who_system", "who_agent", "choices_label", "owner_queued", "owner_agent", "owner_closed")
    return (
        words("chat_live", language)
        | {"agent_writes": text("signs.agent_writes", language)}
        | {name: text(f"chat.{name}", language, city=city) for name in names}
    )


def shown_number(number: str) -> str:
    """A telephone number as people write it here; anything else as it is."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number, "US"), phonenumbers.PhoneNumberFormat.NATIONAL)
    except phonenumbers.NumberParseException:
        return number


def greeting(library: Library, language: str) -> ShownPart | None:
    """The approved first words, when there are any."""
    try:
        said = library.say("system.greeting", Situation(language=language, channel="web", now=clock.now()))
    except NotFound:
        return None
    return None if said.missing else ShownPart(said.text, said.html, said.language, "system")


def suggestions(library: Library, language: str) -> tuple[str, ...]:
    """What people ask most in what is going on now."""
    return tuple(library.title(intent, language) for intent in library.menu(language)[:_SUGGESTED])


def spoken_time(at: datetime, zone: ZoneInfo, language: str) -> str:
    """The time of a bubble in the city's zone."""
    return format_time(at, "short", tzinfo=zone, locale={"en": "en_US", "es": "es_US"}.get(language, "en_US"))


def merged(talk: Talk, extra: tuple[Said, ...]) -> Talk:
    """A talk with what could not be stored shown at its end."""
    return Talk((*talk.said, *extra), talk.reference, talk.owner, talk.language)


def _fill(key: str, *, language: str, city: str, **values: str | int) -> str:
    return text(f"chat.{key}", language, city=city, **values)


def _kept(embed: bool) -> dict[str, str]:
    return {"embed": "1"} if embed else {}
