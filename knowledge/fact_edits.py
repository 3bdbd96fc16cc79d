"""The small changes that staff make to a fact with one tap: another state, still true, and back to what it was. Whoever taps says
which version they looked at; when somebody else was faster nothing is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.changes import put_fact, remove_fact
from knowledge.facts import SITES, STATUS, STATUSES, STREET, ZONE, status_of
from knowledge.models import FactRow
from server import clock
from server.audit.models import AuditRow
from server.errors import BadInput, Conflict, NotFound

_DAY: Final = timedelta(days=1)
SPANS: Final[Mapping[str, timedelta]] = {
    **dict.fromkeys(SITES, timedelta(hours=12)),
    **dict.fromkeys(("recovery_center", "clinic"), 3 * _DAY),
    STATUS: timedelta(hours=6),
    "road_closure": timedelta(hours=12),
    "evacuation_order": timedelta(hours=12),
    "evacuation_route": timedelta(hours=6),
    "rumor": _DAY,
    "event": 3 * _DAY,
    ZONE: 365 * _DAY,
    STREET: 365 * _DAY,
}
"""How long one may rely on a fact of a type after somebody checked it."""


class Stale(Conflict):
    """Somebody else changed or removed the fact since the person looked at it. Nothing was overwritten."""

    code = "stale"


def token(row: FactRow) -> str:
    """The version of a fact that a page shows."""
    return f"{row.id}-{row.updated_at:%Y%m%d%H%M%S%f}"


def find_fact(session: Session, *, type: str, key: str, lock: bool = False) -> FactRow | None:
    """A fact, kept from others until the end of the transaction with `lock`."""
    query = select(FactRow).where(FactRow.type == type, FactRow.key == key)
    return session.scalar(query.with_for_update() if lock else query)


def seen_fact(session: Session, *, type: str, key: str, seen: str) -> FactRow:
    """The fact as the person saw it, locked. Raises `Stale` when it is another one by now, or gone."""
    row = find_fact(session, type=type, key=key, lock=True)
    if row is None:
        raise Stale("Somebody removed this fact meanwhile. Nothing was changed.")
    if token(row) != seen:
        raise Stale("Somebody changed this fact meanwhile. Nothing was overwritten.")
    return row


def checked_now(type_: str, *, expires_at: datetime, now: datetime) -> datetime:
    """Until when a fact that was checked now holds: the span of its type, and never less than was promised before."""
    return max(expires_at, now + SPANS[type_])


def set_status(session: Session, *, type: str, key: str, status: str, seen: str, actor: str) -> FactRow:
    """Puts a fact into another state, known from now on. A second tap on the same state, or two people who tap the same, change
    nothing twice. Raises `BadInput` for a state that the type does not have, `Stale` when somebody else was faster."""
    if status not in STATUSES.get(type, ()):
        states = ", ".join(STATUSES.get(type, ("open",)))
        raise BadInput(f"status must be one of {states}.", words="facts.problem_state", states=states)
    row = find_fact(session, type=type, key=key, lock=True)
    if row is not None and status_of(type, row.data) == status and token(row) != seen and row.expires_at > clock.now():
        return row
    row = seen_fact(session, type=type, key=key, seen=seen)
    return _checked(session, row, {**row.data, "status": status}, actor)


def still_true(session: Session, *, type: str, key: str, seen: str, actor: str) -> FactRow:
    """Somebody checked: what the fact says holds from now on, for the span of its type. Raises `Stale`."""
    row = seen_fact(session, type=type, key=key, seen=seen)
    return _checked(session, row, row.data, actor)


def _checked(session: Session, row: FactRow, data: Mapping[str, Any], actor: str) -> FactRow:
    now = clock.now()
    return put_fact(
        session,
        type=row.type,
        key=row.key,
        data=data,
        source=row.source,
        owner=row.owner,
        as_of=now,
        expires_at=checked_now(row.type, expires_at=row.expires_at, now=now),
        visibility=row.visibility,
        actor=actor,
    )


def put_back(session: Session, *, type: str, key: str, act: int, seen: str, actor: str) -> FactRow | None:
    """Undoes one act on a fact: what it said before is said again, with the times it had. `seen` is empty when it is gone.

    Gives nothing when there was no fact before. Raises `NotFound`, `Stale`."""
    before = before_act(session, type=type, key=key, act=act)
    row = find_fact(session, type=type, key=key, lock=True)
    if (token(row) if row else "") != seen:
        raise Stale("Somebody changed this fact meanwhile. Nothing was overwritten.")
    if before is None:
        if row is not None:
            remove_fact(session, type=type, key=key, actor=actor, reason="undone")
        return None
    return put_fact(
        session,
        type=type,
        key=key,
        data=before["data"],
        source=before["source"],
        owner=before["owner"],
        as_of=datetime.fromisoformat(before["as_of"]),
        expires_at=datetime.fromisoformat(before["expires_at"]),
        visibility=before["visibility"],
        position=before["position"],
        actor=actor,
    )


def before_act(session: Session, *, type: str, key: str, act: int) -> Mapping[str, Any] | None:
    """What a fact said before an act; nothing when there was none. Raises `NotFound` for an act on something else."""
    row = session.get(AuditRow, act)
    if row is None or row.subject != f"{type}:{key}" or row.action not in ("fact.put", "fact.remove"):
        raise NotFound("There is no such change of this fact.", words="facts.no_change")
    before: Mapping[str, Any] | None = row.detail["before"]
    if before is not None and "as_of" not in before:
        raise NotFound("What was said before is not on record.", words="facts.no_record")
    return before


def history(session: Session, *, type: str, key: str, limit: int = 30) -> list[AuditRow]:
    """The acts on a fact, the newest first."""
    query = select(AuditRow).where(AuditRow.subject == f"{type}:{key}", AuditRow.action.in_(("fact.put", "fact.remove")))
    return list(session.scalars(query.order_by(AuditRow.id.desc()).limit(limit)))


def latest_act(session: Session, *, type: str, key: str) -> int | None:
    """The newest act on a fact, which an undo takes back."""
    query = select(AuditRow.id).where(AuditRow.subject == f"{type}:{key}", AuditRow.action.in_(("fact.put", "fact.remove")))
    return session.scalar(query.order_by(AuditRow.id.desc()).limit(1))
