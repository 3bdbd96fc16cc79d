"""Reading a table of facts: every bad cell is told with its line and column, in words a clerk can act on."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from knowledge.fact_rows import OWN, at, cells, column_of, columns, data_of, is_column, read_moment, unguard
from knowledge.facts import (
    STATUS,
    STATUS_LINES,
    STATUSES,
    STREET,
    ZONE,
    folded,
    parsed_data,
    status_of,
    status_problem,
    stored_data,
)  # fmt: skip
from server.errors import BadInput, TooLarge

MAX_BYTES: Final = 5_000_000
_LONG: Final = timedelta(days=31)
CLOCK: Final = "%Y-%m-%d %H:%M"
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_OWNER: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
_EXAMPLE: Final = "2026-09-14 15:40"
_PLAIN: Final[Mapping[str, str]] = {
    "zip": "must be 5 digits. A spreadsheet drops a leading zero: format the column as text",
    "zips": "must be ZIP codes of 5 digits with spaces between. A spreadsheet drops a leading zero: format the column as text",
}


_CODES: Final[Mapping[str, str]] = {"needs": "needs", "text": "english", "status": "state"}
"""What kind of problem an error of `FactData` is, by its first word."""
_KINDS: Final[Mapping[str, str]] = {"string_too_long": "long"}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a table, where the clerk sees it. A `warning` does not stop the import.

    `code` and `values` let a page say it in the clerk's language; `text` says it in English."""

    level: Literal["error", "warning"]
    line: int
    column: str
    text: str
    code: str
    values: Mapping[str, str]

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.text}"


@dataclass(frozen=True)
class ReadRow:
    """One good row, and what it changes."""

    change: Literal["new", "changed", "same"]
    key: str
    data: Mapping[str, Any]
    source: str
    owner: str
    visibility: str
    as_of: datetime
    expires_at: datetime
    position: int


def read_lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows with the line each begins on."""
    if len(content) > MAX_BYTES:
        raise TooLarge("The table is larger than 5 MB. Split it.", words="facts.table_large")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        text = f"line {line}: the file is not UTF-8. Save it as 'CSV UTF-8'."
        raise BadInput(text, words="facts.table_letters", line=line) from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for row in reader:
            yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        told = f"line {begins}: cannot be read ({error}). Put quotes around cells that hold a comma or a quote."
        raise BadInput(told, words="facts.table_quotes", line=begins) from error


class TableReader:
    """Reads rows and gathers what is wrong with them."""

    def __init__(
        self, type_: str, zone: ZoneInfo, now: datetime, owners: frozenset[str], standing: Mapping[str, Mapping[str, str]]
    ) -> None:
        self.problems: list[Problem] = []
        self._type, self._zone, self._now, self._owners, self._standing = type_, zone, now, owners, standing
        self._seen: dict[str, int] = {}

    def _report(
        self, line: int, column: str, code: str, text: str, *, level: Literal["error", "warning"] = "error", **values: str
    ) -> None:
        self.problems.append(Problem(level, line, column, text, code, values))

    def read(self, lines: Iterator[tuple[int, list[str]]]) -> Iterator[ReadRow]:
        """The good rows, in order."""
        header = [name.strip() for name in next(lines, (1, []))[1]]
        self._header(header)
        position = 0
        for line, row in lines:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > len(header):
                self._report(line, "row", "cells", "has more cells than the first line. Put quotes around cells that hold a comma.")
                continue
            found = {name: unguard(cell.strip()) for name, cell in zip(header, row, strict=False) if cell.strip()}
            known = {name: cell for name, cell in found.items() if is_column(name)}
            read = self._row(line, known, position)
            position += 1
            if read is not None:
                yield read

    def _header(self, header: list[str]) -> None:
        if "key" not in header:
            names = ", ".join(columns(self._type))
            hint = " Cells are parted by commas, not semicolons." if any(";" in name for name in header) else ""
            raise BadInput(f"line 1: must name the columns: {names}.{hint}", words="facts.table_head", columns=names)
        for name in dict.fromkeys(header):
            if not is_column(name):
                listed = ", ".join(columns(self._type))
                self._report(1, name or "(empty)", "column", f"is no column. The columns are {listed}.", columns=listed)
            elif header.count(name) > 1:
                self._report(1, name, "twice", "stands twice.")

    def _row(self, line: int, row: dict[str, str], position: int) -> ReadRow | None:
        before = len(self.problems)
        self._own(line, row)
        times = {name: self._time(line, name, row.get(name)) for name in ("as_of", "expires")}
        data = self._data(line, {name: cell for name, cell in row.items() if name not in OWN})
        as_of, expires = times["as_of"], times["expires"]
        if len(self.problems) > before or as_of is None or expires is None:
            return None
        key = row["key"]
        written = {name: moment.astimezone(self._zone).strftime(CLOCK) for name, moment in (("as_of", as_of), ("expires", expires))}
        visibility = row.get("visibility", "public")
        read = cells(
            type=self._type, key=key, data=data, source=row["source"], owner=row["owner"], visibility=visibility, **written
        )
        standing = self._standing.get(key)
        change: Literal["new", "changed", "same"] = "new" if standing is None else "same" if read == standing else "changed"
        if change != "same" and not self._window(line, as_of, expires):
            return None
        self._advise(line, data)
        return ReadRow(change, key, data, row["source"], row["owner"], visibility, as_of, expires, position)

    def _own(self, line: int, row: Mapping[str, str]) -> None:
        key = row.get("key", "")
        if not _KEY.fullmatch(key):
            self._report(
                line, "key", "key", "must be a short name of its own: lower-case letters, digits, _ and -, such as lincoln_high."
            )
        elif key in self._seen:
            self._report(line, "key", "repeated", f"{key} stands already on line {self._seen[key]}.", line_of=str(self._seen[key]))
        elif self._type == STATUS and key not in STATUS_LINES:
            self._report(line, "key", "status_line", f"{key} is no status line. They are {', '.join(STATUS_LINES)}.")
        self._seen.setdefault(key, line)
        if "source" not in row:
            self._report(line, "source", "source", "is empty. Say who told the city.")
        owner = row.get("owner", "")
        if not _OWNER.fullmatch(owner) or (self._owners and owner not in self._owners):
            listed = f" They are {', '.join(sorted(self._owners))}." if self._owners else ""
            self._report(line, "owner", "owner", f"{owner or 'nobody'} is not in the list of owners.{listed}")
        if row.get("visibility", "public") not in ("public", "agents_only"):
            self._report(line, "visibility", "visibility", f"{row['visibility']} must be public or agents_only.")

    def _time(self, line: int, column: str, text: str | None) -> datetime | None:
        if text is None:
            why = "Say from when it is known" if column == "as_of" else "Say until when one may rely on it"
            self._report(line, column, f"{column}_empty", f"is empty. {why}, such as {_EXAMPLE}.", example=_EXAMPLE)
            return None
        try:
            return at(read_moment(text, zone=self._zone), self._now)
        except (ValueError, OverflowError):
            self._report(line, column, "time", f"{text} is no time. Write it as {_EXAMPLE}.", example=_EXAMPLE)
            return None

    def _window(self, line: int, as_of: datetime, expires: datetime) -> bool:
        good = True
        # A minute's grace, because a table holds whole minutes.
        if as_of > self._now + timedelta(minutes=1):
            self._report(line, "as_of", "future", "lies in the future. Give the time when it was checked.")
            good = False
        if expires <= max(as_of, self._now):
            self._report(line, "expires", "over", "is over already. Give a time that lies ahead, or leave the row out.")
            good = False
        elif expires - self._now > _LONG and self._type not in (ZONE, STREET):
            text = "is more than a month away. Will somebody look again before then?"
            self._report(line, "expires", "far", text, level="warning")
        return good

    def _data(self, line: int, row: dict[str, str]) -> dict[str, Any]:
        try:
            parsed = parsed_data(self._type, data_of(row))
        except ValidationError as error:
            for item in error.errors(include_url=False, include_input=False):
                column = column_of(item["loc"])
                said = str(item.get("ctx", {}).get("error", ""))
                code = column if column in _PLAIN else _CODES.get(said.partition(" ")[0], _KINDS.get(item["type"], "wrong"))
                column = "status" if code == "state" else column
                text = (said or _PLAIN.get(column) or str(item["msg"])).removeprefix("status ")
                self._report(line, column, code, f"{text}.", states=", ".join(STATUSES.get(self._type, ("open",))), said=text)
            return {}
        problem = status_problem(self._type, parsed.status)
        if problem:
            states = ", ".join(STATUSES.get(self._type, ("open",)))
            self._report(line, "status", "state", f"{problem.removeprefix('status ')}.", states=states)
        if self._type == ZONE and not parsed.zips:
            self._report(line, "zips", "zips_empty", "is empty. List the ZIP codes that lie in the zone, with spaces between.")
        if self._type == STATUS and not parsed.text:
            self._report(line, "text_en", "text_empty", "is empty. A status line is a sentence in each language.")
        return stored_data(self._type, parsed)

    def _advise(self, line: int, data: Mapping[str, Any]) -> None:
        for name in ("text", "note", "hours"):
            if name in data and "es" not in data[name]:
                text = "is empty; people who write Spanish get it in English."
                self._report(line, f"{name}_es", "spanish", text, level="warning")

    def compare(self, rows: Iterable[ReadRow]) -> None:
        """Warns of rows that say two things of one place."""
        first: dict[str, ReadRow] = {}
        for row in rows:
            name = folded(str(row.data.get("name", "")))
            other = first.setdefault(name, row)
            if name and status_of(self._type, other.data) != status_of(self._type, row.data):
                said = f"{row.data['name']} has another status on line {self._seen[other.key]}; the safer one is said"
                self._report(self._seen[row.key], "status", "two", f"{said}.", level="warning", line_of=str(self._seen[other.key]))
