"""Filling a plan template: typed values in, the texts of a draft out. What is missing or too long is refused, never shortened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from knowledge.facts import ZONE
from knowledge.lifecycle import Wording, check_zones, draft
from knowledge.models import FactRow, MessageVersion
from knowledge.plan import PlanField, PlanTemplate, city_length
from knowledge.rendering import web
from knowledge.rendering.placeholders import PLACEHOLDER, Slot, clean, compile_template
from knowledge.rendering.segments import Segments, measure
from knowledge.rendering.sms import fold, plain
from knowledge.rendering.spoken_numbers import PHONE
from knowledge.topics import CHANNELS
from server.errors import BadInput, Conflict

MAX_SEGMENTS: Final = 2
"""A plan message is sent to be read at one glance: two text messages at most."""
_SHORT_NUMBER: Final = re.compile(r"\d{3}")


_SLIPS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "not_each": "is missing; give it in every language",
    "long": "is {length} characters long; at most {most}",
    "number": "is not a whole number",
    "phone": "is not a telephone number such as 555-555-0100",
    "time": "is not a time such as 2026-09-14T18:30",
    "date": "is not a date such as 2026-09-14",
    "unknown": "is not a field of {template}",
    "segments": "is {segments} text messages of {encoding}; at most 2 of GSM-7. Use fewer, plainer words",
}
"""What may be wrong with a value, by its code."""


class _Wrong(ValueError):
    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(_SLIPS[code].format_map(values))
        self.code, self.values = code, values


@dataclass(frozen=True)
class Slip:
    """What is wrong with one value, or with the text that comes of all of them (`field` is then the template's name)."""

    field: str
    language: str | None
    code: str
    values: Mapping[str, str | int]

    def __str__(self) -> str:
        where = f"{self.field} ({self.language})" if self.language else self.field
        return f"{where}: {_SLIPS[self.code].format_map(self.values)}."


@dataclass(frozen=True)
class Filled:
    """A template as far as it is filled, and what is wrong with it; without a slip it may be drafted."""

    texts: dict[str, dict[str, str]]
    slips: tuple[Slip, ...]


def fill(template: PlanTemplate, values: Mapping[str, Any], *, zone: ZoneInfo) -> dict[str, dict[str, str]]:
    """The texts of a template with its fields filled; the city's own values stay placeholders. Raises `BadInput` with one line
    for each value that is missing, too long, of the wrong kind or unknown.

    A `text` is given as `{"en": ..., "es": ...}`, a `name` as one string, a `time` or `date` as a datetime or in ISO format (a time
    without an offset is the city's own)."""
    filled = so_far(template, values, zone=zone)
    if filled.slips:
        raise BadInput("\n".join(dict.fromkeys(map(str, filled.slips))))
    return filled.texts


def so_far(template: PlanTemplate, values: Mapping[str, Any], *, zone: ZoneInfo, gap: str | None = None) -> Filled:
    """A template with those of its fields filled that can be; `gap` stands for the others, which else stay placeholders."""
    known = {field.name for field in template.fields}
    slips = [Slip(name, None, "unknown", {"template": template.name}) for name in values if name not in known]
    words: dict[tuple[str, str, bool], str] = {}
    for field in template.fields:
        for language in template.texts:
            try:
                short, long = _words(field, values.get(field.name), language, zone)
            except _Wrong as error:
                slips.append(Slip(field.name, language, error.code, error.values))
                if gap is None:
                    continue
                short = long = gap
            words[(field.name, language, True)], words[(field.name, language, False)] = short, long
    texts: dict[str, dict[str, str]] = {
        language: {channel: _put(channels[channel], words, language=language, channel=channel) for channel in CHANNELS}
        for language, channels in template.texts.items()
    }
    for language, channels in texts.items() if not slips else ():
        size = worst_sms(channels["sms"], {})
        if size.encoding != "GSM-7" or size.segments > MAX_SEGMENTS:
            values_now: dict[str, str | int] = {"segments": size.segments, "encoding": size.encoding}
            slips.append(Slip(template.name, language, "segments", values_now))
    return Filled(texts, tuple(slips))


def worst_sms(text: str, fields: Mapping[str, PlanField]) -> Segments:
    """The size of a text message when every gap in it is as long as it may be."""

    def longest(match: re.Match[str]) -> str:
        field = fields.get(match[1])
        return "x" * (field.max if field else city_length(match[1]))

    return measure(fold(plain(PLACEHOLDER.sub(longest, text))))


def draft_filled(
    session: Session,
    *,
    template: PlanTemplate,
    values: Mapping[str, Any],
    zone: ZoneInfo,
    author: str,
    source: str,
    intent: str | None = None,
    replaces: str | None = None,
    zones: Iterable[str] = (),
) -> MessageVersion:
    """Makes a draft of a filled template. With `intent` it is, once published, the first answer to that topic until it expires.

    Each filling is a message of its own, so that an order for one zone does not end the order for another; `replaces` names the
    earlier message of this template that it corrects or updates instead. With `zones` it is said to people of these zones, and to
    those whose zone is not known; every text must name them. Raises `BadInput` for a zone that the city does not have."""
    texts = fill(template, values, zone=zone)
    if replaces is None:
        message_id = _next_id(session, template.name)
    elif replaces.startswith(f"plan.{template.name}-"):
        message_id = replaces
    else:
        raise Conflict(f"{replaces} was not made from {template.name}.")
    wanted = tuple(dict.fromkeys(zones))
    strange = set(wanted) - {data["name"] for data in session.scalars(select(FactRow.data).where(FactRow.type == ZONE))}
    if strange:
        raise BadInput(f"The city has no zone {', '.join(sorted(strange))}.")
    check_zones(texts, wanted)
    wording = Wording(message_id, texts, template.owner, source, intent, position=-1 if intent else 0, zones=wanted)
    return draft(session, wording=wording, author=author)


def _next_id(session: Session, name: str) -> str:
    stem = f"plan.{name}-"
    made = select(func.count(func.distinct(MessageVersion.message_id))).where(
        MessageVersion.message_id.startswith(stem, autoescape=True)
    )
    return f"{stem}{(session.scalar(made) or 0) + 1}"


def _put(text: str, words: Mapping[tuple[str, str, bool], str], *, language: str, channel: str) -> str:
    out: list[str] = []
    for piece in compile_template(text.strip()).pieces:
        if not isinstance(piece, Slot):
            out.append(piece)
            continue
        value = words.get((piece.name, language, channel == "sms"))
        if value is None:
            out.append(f"{{{piece.name}}}")
            continue
        value = value[:1].upper() + value[1:] if piece.begins else value
        out.append(web.escape(value) if channel == "web" else value)
    return "".join(out)


def _words(field: PlanField, value: Any, language: str, zone: ZoneInfo) -> tuple[str, str]:
    """A value as it is written in a text message, and in full. Raises `_Wrong` saying what is wrong with it."""
    if field.type == "text":
        if not isinstance(value, Mapping):
            raise _Wrong("not_each")
        value = value.get(language)
    if value is None or (isinstance(value, str) and not value.strip()):
        raise _Wrong("missing")
    short, long = _typed(field, value, language, zone)
    if len(short) > field.max:
        raise _Wrong("long", length=len(short), most=field.max)
    return short, long


def _typed(field: PlanField, value: Any, language: str, zone: ZoneInfo) -> tuple[str, str]:
    if field.type == "time":
        return _time(_moment(value, zone), language)
    if field.type == "date":
        return _date(_day(value), language)
    if field.type == "number":
        digits = str(value).replace(",", "").strip()
        if not (digits.isascii() and digits.isdigit()):
            raise _Wrong("number")
        return f"{int(digits):,}", f"{int(digits):,}"
    text = " ".join(clean(plain(str(value))).split()).rstrip(".,;: ")
    if not text:
        raise _Wrong("missing")
    if field.type == "phone" and not (PHONE.fullmatch(text) or _SHORT_NUMBER.fullmatch(text)):
        raise _Wrong("phone")
    return text, text


def _moment(value: Any, zone: ZoneInfo) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise _Wrong("time") from None
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _day(value: Any) -> date:
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise _Wrong("date") from None


def _time(moment: datetime, language: str) -> tuple[str, str]:
    # The day is always said: a message is read hours later, and "until 6 pm" would then be of another day.
    hour = moment.hour % 12 or 12
    clock = f"{hour}{f':{moment.minute:02d}' if moment.minute else ''} {'am' if moment.hour < 12 else 'pm'}"
    if language == "es":
        at = f"{'la' if hour == 1 else 'las'} {clock} del "
        return at + _format(moment, "d MMM", "es"), at + _format(moment, "d 'de' MMMM", "es")
    return f"{clock} {_format(moment, 'MMM d', 'en')}", f"{clock} on {_format(moment, 'MMMM d', 'en')}"


def _date(day: date, language: str) -> tuple[str, str]:
    if language == "es":
        return _format(day, "EEE d MMM", "es"), _format(day, "EEEE d 'de' MMMM", "es")
    return _format(day, "EEE MMM d", "en"), _format(day, "EEEE, MMMM d", "en")


def _format(day: date, pattern: str, language: str) -> str:
    return format_date(day, pattern, locale=language).replace(".", "")
