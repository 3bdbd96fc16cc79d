"""Reading the audit: by actor, action, subject and time, a page at a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from server.audit.models import AuditRow

T = TypeVar("T")

PAGE: Final = 50
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_LAST: Final = "\U0010ffff"
COLUMNS: Final = ("id", "at", "actor", "action", "subject", "detail", "digest")


@dataclass(frozen=True)
class Wanted:
    """Which acts: empty fields want all. `subject` and `action` want what begins so, such as `fact:shelter`."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


def page(session: Session, *, wanted: Wanted, before: int | None = None, size: int = PAGE) -> list[AuditRow]:
    """The latest acts that are wanted, below the row `before`; one more than `size` when there are older ones."""
    # The numbers first, from an index alone; then whole rows, of which there are few.
    chosen = _narrowed(select(AuditRow.id), wanted)
    if before is not None:
        chosen = chosen.where(AuditRow.id < before)
    ids = session.scalars(chosen.order_by(AuditRow.id.desc()).limit(size + 1)).all()
    return list(session.scalars(select(AuditRow).where(AuditRow.id.in_(ids)).order_by(AuditRow.id.desc())))


def lines(session: Session, *, wanted: Wanted) -> Iterator[str]:
    """The acts as CSV, line by line. A cell that a spreadsheet would take for a formula begins with an apostrophe
    (https://owasp.org/www-community/attacks/CSV_Injection)."""
    yield _line(COLUMNS)
    rows = session.scalars(_narrowed(select(AuditRow), wanted).order_by(AuditRow.id).execution_options(yield_per=1000))
    for row in rows:
        detail = json.dumps(row.detail, ensure_ascii=False, sort_keys=True)
        yield _line((str(row.id), row.at.isoformat(), row.actor, row.action, row.subject, detail, row.digest))


def _narrowed(rows: Select[T], wanted: Wanted) -> Select[T]:
    if wanted.actor:
        rows = rows.where(AuditRow.actor == wanted.actor)
    if wanted.subject:
        # A range, and not LIKE, is what an index answers on both databases.
        rows = rows.where(AuditRow.subject >= wanted.subject, AuditRow.subject < wanted.subject + _LAST)
        if wanted.action:
            # There are few acts on a subject and many of a kind: the index of the kinds is kept out of the plan.
            rows = rows.where(func.substr(AuditRow.action, 1, len(wanted.action)) == wanted.action)
    elif wanted.action:
        rows = rows.where(AuditRow.action >= wanted.action, AuditRow.action < wanted.action + _LAST)
    if wanted.since is not None:
        rows = rows.where(AuditRow.at >= wanted.since)
    if wanted.until is not None:
        rows = rows.where(AuditRow.at < wanted.until)
    return rows


def _line(cells: tuple[str, ...]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return written.getvalue()
