"""Writing the audit chain and proving it."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from server import clock
from server.audit.models import AuditRow

_GENESIS = "0" * 64
_CHAIN_LOCK = 0x5B111


def _digest(previous: str, at: datetime, actor: str, action: str, subject: str, detail: dict[str, Any]) -> str:
    body = json.dumps([previous, at.isoformat(), actor, action, subject, detail], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()


def record(session: Session, *, actor: str, action: str, subject: str, detail: dict[str, Any] | None = None) -> AuditRow:
    """Adds one act to the chain, in the caller's transaction. Writers wait for one another, so that the chain has one end.

    Whatever else a transaction locks, it locks before its first record: who holds the end of the chain waits for nothing else, or
    two could wait for each other."""
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _CHAIN_LOCK})
    previous = session.scalar(select(AuditRow.digest).order_by(AuditRow.id.desc()).limit(1)) or _GENESIS
    at, body = clock.now(), detail or {}
    row = AuditRow(
        at=at, actor=actor, action=action, subject=subject, detail=body, digest=_digest(previous, at, actor, action, subject, body)
    )
    session.add(row)
    session.flush()
    return row


def first_break(session: Session) -> int | None:
    """The id of the first row that does not fit the one before it, or nothing when the whole chain holds.

    Rows that are missing at the end leave a chain that holds: `last_digest`, written down elsewhere, shows those."""
    previous = _GENESIS
    with session.scalars(select(AuditRow).order_by(AuditRow.id).execution_options(yield_per=1000)) as rows:
        for row in rows:
            if row.digest != _digest(previous, row.at, row.actor, row.action, row.subject, row.detail):
                return row.id
            previous = row.digest
    return None


def last_digest(session: Session) -> tuple[int, str]:
    """How many rows there are, and the digest of the last one, which stands for all of them."""
    last = session.scalar(select(AuditRow.digest).order_by(AuditRow.id.desc()).limit(1))
    return session.scalar(select(func.count()).select_from(AuditRow)) or 0, last or _GENESIS
