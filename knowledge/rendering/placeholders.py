"""Templates with typed placeholders and no logic: `{water_phone}`, `{shelters}`, `{asof}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date

from knowledge.rendering import web

PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
ASOF: Final = "asof"
_BEGINS: Final = re.compile(r"(?:^|[.!?]|\n)[\s*_\"'(¿¡-]*$")
_LINE_BEFORE: Final = re.compile(r"(?:^|\n)[ \t]*$")
_LINE_AFTER: Final = re.compile(r"^[.;]?[ \t]*(?:\n|$)")


@dataclass(frozen=True)
class Slot:
    """A placeholder, with what its surroundings ask of the value."""

    name: str
    begins: bool
    """It begins a sentence, so that its first letter is a capital."""
    alone: bool
    """It has a line to itself, so that a list can be a list."""
    target: bool
    """It is where a Markdown link leads."""
    after: str
    """The character that follows."""


@dataclass(frozen=True)
class Template:
    """A text in pieces: words as they stand, and slots."""

    pieces: tuple[str | Slot, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The placeholders, in order."""
        return tuple(piece.name for piece in self.pieces if isinstance(piece, Slot))


@dataclass(frozen=True)
class Item:
    """One place or notice of a list, in the words of each channel."""

    short: str
    long: str
    address: str | None = None


@dataclass(frozen=True)
class Value:
    """What fills a placeholder: words, a page, or a list; `as_of` when it is a fact."""

    text: str = ""
    page: str | None = None
    items: tuple[Item, ...] = ()
    as_of: datetime | None = None
    whole: bool = False
    """The list is never shortened."""


@dataclass(frozen=True)
class Filled:
    """A filled template, and the list items that were left out."""

    text: str
    as_of: datetime | None
    rest: tuple[str, ...]
    listed: tuple[str, ...] = ()
    """The list items as they stand in the text."""


@lru_cache(maxsize=8192)
def compile_template(text: str) -> Template:
    """Reads a text once; the same text is never read again."""
    pieces: list[str | Slot] = []
    at = 0
    for match in PLACEHOLDER.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        if match.start() > at:
            pieces.append(text[at : match.start()])
        pieces.append(
            Slot(
                name=match[1],
                begins=bool(_BEGINS.search(before)),
                alone=bool(_LINE_BEFORE.search(before) and _LINE_AFTER.search(after)),
                target=before.endswith("]("),
                after=after[:1],
            )
        )
        at = match.end()
    if at < len(text):
        pieces.append(text[at:])
    return Template(tuple(pieces))


def fill(
    template: Template,
    values: Mapping[str, Value],
    *,
    channel: str,
    language: str,
    now: datetime,
    zone: ZoneInfo,
    limit: int,
    map_url: str = "",
) -> Filled:
    """Puts the values into a template; each of its names but `asof` must be among them. Lists are shortened to `limit` items."""
    used = [values[name] for name in template.names if name != ASOF]
    as_of = min((value.as_of for value in used if value.as_of is not None), default=None)
    out: list[str] = []
    rest: list[str] = []
    listed: list[str] = []
    for piece in template.pieces:
        if isinstance(piece, str):
            out.append(_after(out, piece))
            continue
        if piece.name == ASOF:
            words = spoken_asof(as_of, now=now, zone=zone, language=language) if as_of else ""
        else:
            value = values[piece.name]
            shown = len(value.items) if value.whole else limit
            words = _words(value, piece, channel=channel, limit=shown, map_url=map_url)
            listed.extend(_line(item, channel) for item in value.items[:shown])
            rest.extend(_line(item, channel) for item in value.items[shown:])
        sentence = piece.begins and (piece.name == ASOF or values[piece.name].page is None)
        out.append(words[:1].upper() + words[1:] if sentence else words)
    return Filled(re.sub(r"\(\s*\)", "", "".join(out)), as_of, tuple(rest), tuple(listed))


def _after(out: list[str], piece: str) -> str:
    # A value that is a sentence brings its own point.
    return piece[1:] if out and piece.startswith(".") and out[-1].endswith((".", "!", "?")) else piece


def _words(value: Value, slot: Slot, *, channel: str, limit: int, map_url: str) -> str:
    if value.items:
        return _list(value.items[:limit], slot, channel=channel, map_url=map_url)
    if value.page is not None:
        return _page(value.page, slot, channel)
    text = clean(value.text)
    return web.escape(text) if channel == "web" else text


def clean(text: str) -> str:
    """A value without braces, so that it can never look like a placeholder."""
    return text.replace("{", "(").replace("}", ")")


def _page(page: str, slot: Slot, channel: str) -> str:
    bare = re.sub(r"^https://(?:www\.)?", "", page).rstrip("/")
    if channel == "web":
        return page if slot.target else web.link(bare, page)
    return page if channel == "voice" else bare


def _list(items: tuple[Item, ...], slot: Slot, *, channel: str, map_url: str) -> str:
    if channel == "web":
        lines = [_web_line(item, map_url) for item in items]
        if slot.alone:
            # Another mark than the writers' "-", so that it is a list of its own.
            return "\n".join(f"* {line}" for line in lines)
    else:
        lines = [_line(item, channel) for item in items]
    joined = (
        " ".join(lines) if all(line.endswith((".", "!", "?")) for line in lines) else "; ".join(line.rstrip(".") for line in lines)
    )
    return joined if joined.endswith((".", "!", "?")) or slot.after in (".", ",", ";", ")") else f"{joined}."


def _line(item: Item, channel: str) -> str:
    return clean(item.long if channel == "voice" else item.short)


def _web_line(item: Item, map_url: str) -> str:
    words = clean(item.long)
    if item.address and map_url and item.address in words:
        before, _, after = words.partition(item.address)
        place = web.link(item.address, map_url.replace("%s", _query(item.address)))
        return f"{web.escape(before)}{place}{web.escape(after)}"
    return web.escape(words)


def _query(address: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "+", address).strip("+")


def spoken_asof(as_of: datetime, *, now: datetime, zone: ZoneInfo, language: str) -> str:
    """The time of a fact in the city's zone: "as of 3:40 pm", with the date when it is not of today."""
    local = as_of.astimezone(zone)
    hour, half = local.hour % 12 or 12, "am" if local.hour < 12 else "pm"
    clock = f"{hour}:{local.minute:02d} {half}"
    today = local.date() == now.astimezone(zone).date()
    if language == "es":
        at = f"{'a la' if hour == 1 else 'a las'} {clock}"
        return at if today else f"el {_day(local.date(), 'es')} {at}"
    return f"as of {clock}" if today else f"as of {_day(local.date(), 'en')}, {clock}"


@lru_cache(maxsize=64)
def _day(day: date, language: str) -> str:
    return format_date(day, "d 'de' MMMM" if language == "es" else "MMMM d", locale=language)
