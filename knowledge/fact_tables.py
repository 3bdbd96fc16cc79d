"""Facts as a table that a clerk edits in a spreadsheet: written out, and taken back whole or not at all (docs/packs.md)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.changes import bump_revision, put_fact
from knowledge.fact_reader import CLOCK, Problem, ReadRow, TableReader, read_lines
from knowledge.fact_rows import cells, columns, guard
from knowledge.facts import TYPES
from knowledge.models import FactRow
from server.audit.service import record
from server.errors import BadInput

__all__ = ["Problem", "ReadRow", "TableImport", "export_table", "read_table", "row_cells", "write_table"]


@dataclass(frozen=True)
class TableImport:
    """What a table would change. Nothing may be written while there is an error."""

    type: str
    rows: tuple[ReadRow, ...]
    problems: tuple[Problem, ...]
    kept: int
    """How many facts of the type are not in the table; they stay as they are."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What must be mended first."""
        return tuple(problem for problem in self.problems if problem.level == "error")

    def count(self, change: str) -> int:
        """How many rows are new, changed or the same."""
        return sum(row.change == change for row in self.rows)


def export_table(session: Session, *, type: str, zone: ZoneInfo) -> str:
    """The facts of a type as CSV, expired ones too, with times in the city's zone."""
    _known(type)
    rows = [row_cells(row, zone) for row in _rows(session, type)]
    file = io.StringIO(newline="")
    used = {name for row in rows for name in row}
    writer = csv.DictWriter(file, columns(type, used), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: guard(text) for name, text in row.items()} for row in rows)
    return file.getvalue()


def read_table(
    session: Session, *, type: str, content: bytes, zone: ZoneInfo, now: datetime, owners: Iterable[str] = ()
) -> TableImport:
    """Reads a table and compares it with what stands; writes nothing. Every bad cell becomes a `Problem`.

    Raises `BadInput` when it is no table at all, `TooLarge` past 5 MB."""
    _known(type)
    standing = {row.key: row for row in _rows(session, type)}
    reader = TableReader(type, zone, now, frozenset(owners), {key: row_cells(row, zone) for key, row in standing.items()})
    rows = list(reader.read(read_lines(content)))
    reader.compare(rows)
    kept = len(standing.keys() - {row.key for row in rows})
    return TableImport(type, tuple(rows), tuple(sorted(reader.problems, key=lambda one: (one.line, one.level))), kept)


def write_table(session: Session, *, table: TableImport, actor: str, file: str) -> None:
    """Writes what a table changes, in the caller's transaction; each change and the import as a whole are audited.

    Raises `BadInput` when the table has errors."""
    if table.errors:
        raise BadInput(f"{file}: {len(table.errors)} errors; nothing was changed.")
    changed = [row for row in table.rows if row.change != "same"]
    for row in changed:
        put_fact(
            session,
            type=table.type,
            key=row.key,
            data=row.data,
            source=row.source,
            owner=row.owner,
            as_of=row.as_of,
            expires_at=row.expires_at,
            visibility=row.visibility,
            position=row.position,
            actor=actor,
        )
    places = {row.key: row.position for row in table.rows}
    moved = [row for row in _rows(session, table.type) if row.position != places.get(row.key, row.position)]
    for fact in moved:
        fact.position = places[fact.key]
    if changed or moved:
        detail = {"new": table.count("new"), "changed": table.count("changed"), "moved": len(moved), "file": file}
        record(session, actor=actor, action="facts.imported", subject=f"facts:{table.type}", detail=detail)
        bump_revision(session)


def _known(type_: str) -> None:
    if type_ not in TYPES:
        listed = ", ".join(sorted(TYPES))
        raise BadInput(f"There is no type of facts {type_!r}. The types are {listed}.", words="facts.no_type")


def _rows(session: Session, type_: str) -> list[FactRow]:
    return list(session.scalars(select(FactRow).where(FactRow.type == type_).order_by(FactRow.position, FactRow.key)))


def row_cells(row: FactRow, zone: ZoneInfo) -> dict[str, str]:
    """The cells of a fact, with times in the city's zone."""
    as_of, expires = (moment.astimezone(zone).strftime(CLOCK) for moment in (row.as_of, row.expires_at))
    return cells(
        type=row.type,
        key=row.key,
        data=row.data,
        source=row.source,
        owner=row.owner,
        visibility=row.visibility,
        as_of=as_of,
        expires=expires,
    )
