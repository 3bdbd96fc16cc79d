"""The form of a fact: the columns of its type as fields, read by the same rules as a row of a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from knowledge.fact_edits import SPANS
from knowledge.fact_reader import Problem, ReadRow, TableReader
from knowledge.fact_rows import cells, columns
from knowledge.facts import STATUS, STATUSES, TYPES, folded
from knowledge.models import FactRow

INPUT_TIME: Final = "%Y-%m-%dT%H:%M"
"""How a browser gives the value of a field for day and time."""
_KINDS: Final[Mapping[str, str]] = {
    "status": "status", "zone": "zone", "owner": "owner", "visibility": "visibility", "as_of": "time", "expires": "time",
    "zip": "digits", "phone": "phone", "zips": "long", "text": "long", "note": "long",
}  # fmt: skip
_NEEDED: Final = frozenset({"source", "owner", "as_of", "expires"})


@dataclass(frozen=True)
class Field:
    """One field: its column, how it is entered, what stands in it, and what is wrong with that."""

    name: str
    kind: str
    value: str
    language: str | None
    needed: bool
    problems: tuple[Problem, ...]

    @property
    def base(self) -> str:
        """The column without its language."""
        return self.name.removesuffix(f"_{self.language}") if self.language else self.name

    @property
    def bad(self) -> bool:
        """True when it must be mended first."""
        return any(problem.level == "error" for problem in self.problems)


def fields(type_: str, values: Mapping[str, str], problems: Iterable[Problem] = ()) -> list[Field]:
    """The fields of a type in the order of its table; the key is not among them, because it never changes."""
    told = list(problems)
    made = []
    for name in columns(type_, (name for name in values if name != "key")):
        base, _, language = name.partition("_")
        own = language if base in ("hours", "note", "text") else None
        if name == "key" or (name == "status" and type_ not in STATUSES):
            continue
        mine = tuple(one for one in told if one.column == name)
        kind = _KINDS.get(base if own else name, "text")
        made.append(Field(name, kind, values.get(name, ""), own, name in _NEEDED or (type_ == STATUS and base == "text"), mine))
    return made


def values_of(row: FactRow, zone: ZoneInfo) -> dict[str, str]:
    """What stands in the fields of a fact that there is."""
    return cells(
        type=row.type,
        key=row.key,
        data=row.data,
        source=row.source,
        owner=row.owner,
        visibility=row.visibility,
        as_of=row.as_of.astimezone(zone).strftime(INPUT_TIME),
        expires=row.expires_at.astimezone(zone).strftime(INPUT_TIME),
    )


def new_values(type_: str, *, zone: ZoneInfo, now: datetime, owner: str) -> dict[str, str]:
    """What stands in the fields of a new fact: known now, for the span of its type."""
    as_of, expires = (moment.astimezone(zone).strftime(INPUT_TIME) for moment in (now, now + SPANS[type_]))
    return {"owner": owner, "visibility": "public", "as_of": as_of, "expires": expires}


def key_for(values: Mapping[str, str], taken: Iterable[str]) -> str:
    """A key for a new fact, from its name or text, that no other has."""
    words = folded(values.get("name") or values.get("text_en") or "fact").replace(" ", "_")
    stem = re.sub(r"[^a-z0-9_-]", "", words)[:60].strip("_") or "fact"
    used, number = set(taken), 2
    key = stem
    while key in used:
        key, number = f"{stem}_{number}", number + 1
    return key


def read_form(
    type_: str,
    key: str,
    values: Mapping[str, str],
    *,
    zone: ZoneInfo,
    now: datetime,
    owners: Iterable[str],
    standing: Mapping[str, str] | None,
) -> tuple[ReadRow | None, tuple[Problem, ...]]:
    """What was entered as a row, or what is wrong with it. `standing` are the cells of the fact as it is."""
    if type_ not in TYPES:
        return None, ()
    names = ["key", *(field.name for field in fields(type_, values))]
    known = {} if standing is None else {key: standing}
    reader = TableReader(type_, zone, now, frozenset(owners), known)
    row = [key, *(values.get(name, "").replace("\r\n", "\n") for name in names[1:])]
    read = list(reader.read(iter([(1, names), (2, row)])))
    return (read[0] if read else None), tuple(reader.problems)
