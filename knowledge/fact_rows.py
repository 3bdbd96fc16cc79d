"""Facts as rows of a table: the columns of each type, the cells of a fact, and cells made safe for a spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from knowledge.facts import SITES, STATUS, STREET, ZONE, status_of

OWN: Final = ("key", "source", "owner", "as_of", "expires", "visibility")
"""The columns that every fact has beside what it says."""
_FIRST: Final = (
    "key", "name", "address", "zip", "zone", "zips", "status", "phone",
    "hours_en", "hours_es", "note_en", "note_es", "text_en", "text_es",
)  # fmt: skip
_LAST: Final = ("visibility", "as_of", "expires", "source", "owner")
_SITE: Final = ("name", "address", "zip", "zone", "status", "phone", "hours_en", "hours_es", "note_en", "note_es")
_OF_TYPE: Final[Mapping[str, tuple[str, ...]]] = {
    STATUS: ("text_en", "text_es"),
    ZONE: ("name", "zips"),
    STREET: ("name", "zip", "zone"),
    **dict.fromkeys(SITES, _SITE),
}
_NOTICE: Final = ("name", "zone", "status", "text_en", "text_es")
_IN_LANGUAGES: Final = ("hours", "note", "text")
_DATA_COLUMN: Final = re.compile(r"name|address|zip|zone|zips|status|phone|(?:hours|note|text)_[a-z]{2,3}(?:-[A-Za-z]{2,4})?")
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_OFFSET: Final = re.compile(r"([+-]\d{1,5})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_WRITTEN: Final = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p",
    "%m/%d/%y %H:%M",
)  # fmt: skip
"""How people and spreadsheets write a time; ISO 8601 is read besides."""

Moment = timedelta | datetime
"""A time counted from the moment of loading, or a fixed one."""


def columns(type_: str, used: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns of a table of one type, in order: those that fit the type, and any other that is used."""
    wanted = {"key", *_OF_TYPE.get(type_, _NOTICE), *_LAST, *used}
    order = (*_FIRST, *sorted(wanted - {*_FIRST, *_LAST}), *_LAST)
    return tuple(name for name in order if name in wanted)


def is_column(name: str) -> bool:
    """True for a column that a table of facts may have."""
    return name in OWN or bool(_DATA_COLUMN.fullmatch(name))


def cells(
    *, type: str, key: str, data: Mapping[str, Any], source: str, owner: str, visibility: str, as_of: str, expires: str
) -> dict[str, str]:
    """A fact as the cells of a row, the empty ones left out; a status that goes without saying is written all the same."""
    row = {"key": key, "source": source, "owner": owner, "visibility": visibility, "as_of": as_of, "expires": expires}
    for name, value in data.items():
        if isinstance(value, Mapping):
            row.update({f"{name}_{language}": text for language, text in value.items()})
        else:
            row[name] = " ".join(value) if name == "zips" else str(value)
    if "status" in _OF_TYPE.get(type, _NOTICE):
        row.setdefault("status", status_of(type, data))
    return row


def data_of(row: Mapping[str, str]) -> dict[str, Any]:
    """What a fact says, from the cells of its row."""
    data: dict[str, Any] = {}
    for name, text in row.items():
        field, _, language = name.partition("_")
        if field in _IN_LANGUAGES and language:
            data.setdefault(field, {})[language] = text
        elif name == "zips":
            data[name] = tuple(text.replace(",", " ").split())
        else:
            data[name] = text
    return data


def column_of(path: tuple[int | str, ...]) -> str:
    """The column in which a part of a fact's data stands."""
    if not path:
        return "name"
    head = str(path[0])
    return f"{head}_{path[1]}" if head in _IN_LANGUAGES and len(path) > 1 else head


def guard(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (CWE-1236): an apostrophe goes before what would begin one."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguard(cell: str) -> str:
    """The cell without the apostrophe of `guard`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def read_moment(text: str, *, zone: tzinfo = UTC) -> Moment:
    """A time as it is written in a table: `-20m` or `+7d` from now on, ISO 8601, or as a spreadsheet writes it, in the city's zone.

    Raises `ValueError`."""
    offset = _OFFSET.fullmatch(text)
    if offset:
        return timedelta(**{_UNITS[offset[2]]: int(offset[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _written(text)
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment


def _written(text: str) -> datetime:
    for pattern in _WRITTEN:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 - the caller adds the city's zone
        except ValueError:
            continue
    raise ValueError(f"{text!r} is no time")


def at(moment: Moment, now: datetime) -> datetime:
    """The time itself, for what is loaded at `now`."""
    return now + moment if isinstance(moment, timedelta) else moment.astimezone(UTC)
