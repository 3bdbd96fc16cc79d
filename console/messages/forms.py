"""Reading what the pages of messages send: texts by language and channel, times of the city, and reasons."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import Request
from starlette.datastructures import FormData

from knowledge.editing import Edit
from knowledge.library import Library
from knowledge.models import MessageVersion
from knowledge.topics import CHANNELS, PHASES
from server.errors import SpillwayError

_FIELD: Final = re.compile(r"text\.([a-z]{2,3}(?:-[A-Za-z]{2,4})?)\.([a-z]+)")
_PAGE: Final = re.compile(r"[0-9a-f]{8,32}")


class Refused(SpillwayError):
    """Something that a person can put right; `words` is the key of the catalogue that says it."""

    code = "bad_input"
    status = 400

    def __init__(self, words: str, *, status: int = 400, **values: str | int) -> None:
        super().__init__("This was refused; go back and look at what is missing.")
        self.words, self.status, self.values = f"messages.{words}", status, values


async def posted(request: Request) -> FormData:
    """The form that was sent, read before the route runs in its thread."""
    return await request.form(max_files=0, max_fields=200)


def field(form: FormData, name: str, most: int = 2000) -> str:
    """One field as text, without what surrounds it; empty when it was not sent."""
    value = form.get(name)
    return value.strip()[:most] if isinstance(value, str) else ""


def reason_in(form: FormData) -> str:
    """The reason, which is needed. Raises `Refused`."""
    reason = field(form, "reason", 500)
    if not reason:
        raise Refused("need_reason")
    return reason


def texts_in(form: FormData) -> dict[str, dict[str, str]]:
    """The texts by language and channel."""
    texts: dict[str, dict[str, str]] = {}
    for name, value in form.multi_items():
        match = _FIELD.fullmatch(name)
        if match and match[2] in CHANNELS and isinstance(value, str):
            texts.setdefault(match[1], {})[match[2]] = value
    return texts


def phases_in(form: FormData) -> tuple[str, ...]:
    """The phases that were chosen."""
    return tuple(phase for phase in form.getlist("phases") if isinstance(phase, str) and phase in PHASES)


def zones_typed(form: FormData, version: MessageVersion) -> tuple[str, ...]:
    """The zones that a page shows as chosen, also when it cannot be kept."""
    if not field(form, "zones_offered", 1):
        return tuple(version.zones)
    return tuple(dict.fromkeys(zone[:64] for zone in form.getlist("zones") if isinstance(zone, str)))


def zones_in(form: FormData, *, known: Collection[str]) -> tuple[str, ...] | None:
    """The zones that were chosen; nothing when the page did not offer them. Raises `Refused` for one that the city does not have:
    leaving it out would say the words to everybody."""
    if not field(form, "zones_offered", 1):
        return None
    chosen = tuple(dict.fromkeys(zone for zone in form.getlist("zones") if isinstance(zone, str)))
    if not set(chosen) <= set(known):
        raise Refused("unknown_zone")
    return chosen


def edit_in(form: FormData, *, zone: ZoneInfo, known: Collection[str]) -> Edit:
    """What the editor sends; `known` are the zones that may be chosen. Raises `Refused` for a time or a zone that is none."""
    edits, page = field(form, "edits", 12), field(form, "page", 32)
    return Edit(
        texts=texts_in(form),
        owner=field(form, "owner", 48),
        source=field(form, "source"),
        phases=phases_in(form),
        valid_from=local_time(field(form, "valid_from"), zone),
        expires_at=local_time(field(form, "expires_at"), zone),
        edits=int(edits) if edits.isdecimal() else -1,
        page=page if _PAGE.fullmatch(page) else None,
        zones=zones_in(form, known=known),
    )


def window_in(form: FormData, *, zone: ZoneInfo, now: datetime) -> tuple[datetime | None, datetime]:
    """When it begins (nothing means now) and when it ends. Raises `Refused` for an end that is missing or over."""
    begins = local_time(field(form, "valid_from"), zone) if field(form, "when") == "later" else None
    if field(form, "when") == "later" and begins is None:
        raise Refused("need_begin")
    ends = local_time(field(form, "expires_at"), zone)
    if ends is None or ends <= max(begins or now, now):
        raise Refused("need_end")
    return begins, ends


def local_time(text: str, zone: ZoneInfo) -> datetime | None:
    """The time that a browser's field holds, in the city's zone. Raises `Refused` for what is none."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Refused("bad_time") from error


def field_value(at: datetime | None, zone: ZoneInfo) -> str:
    """A time as the browser's field wants it."""
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if at is not None else ""


def zone_of(library: Library) -> ZoneInfo:
    """The city's time zone."""
    return ZoneInfo(str(library.city.get("time_zone") or "UTC"))


def names_of(library: Library, language: str) -> Mapping[str, str]:
    """The owners with what they are called."""
    return {name: str(words.get(language) or words.get("en") or name) for name, words in library.owners.items()}
