"""Changing what may be said, apart from the wording of messages: facts, incidents and city values. Each change is audited and
bumps the revision in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from knowledge.facts import checked_data
from knowledge.models import CityValue, FactRow, IncidentRow, KnowledgeRevision
from knowledge.topics import HAZARDS, PHASES
from server import clock
from server.audit.service import record
from server.errors import BadInput, Conflict, NotFound

LEVELS: Final = ("monitor", "partial", "full")
VISIBILITIES: Final = ("public", "agents_only")


def bump_revision(session: Session) -> None:
    """Tells every process, from the commit on, that it must read the library again."""
    session.flush()
    changed = session.execute(
        update(KnowledgeRevision).where(KnowledgeRevision.id == 1).values(number=KnowledgeRevision.number + 1)
    )
    if not changed.rowcount:  # type: ignore[attr-defined]
        session.add(KnowledgeRevision(id=1, number=1))
        session.flush()


def put_fact(
    session: Session,
    *,
    type: str,
    key: str,
    data: Mapping[str, Any],
    source: str,
    owner: str,
    as_of: datetime,
    expires_at: datetime,
    actor: str,
    visibility: str = "public",
    position: int | None = None,
) -> FactRow:
    """Adds a fact or replaces it. Raises `BadInput` when it says nothing, has no source, or is over before it begins."""
    checked = checked_data(type, data, where=f"{type} {key}")
    if visibility not in VISIBILITIES:
        raise BadInput(f"visibility must be one of {', '.join(VISIBILITIES)}.")
    if not source.strip() or not owner.strip():
        raise BadInput("A fact needs a source and an owner.")
    if expires_at <= as_of:
        raise BadInput("A fact must expire after the time it is known from.")
    row = session.scalar(select(FactRow).where(FactRow.type == type, FactRow.key == key).with_for_update())
    before = None if row is None else fact_seen(row)
    if row is None:
        row = FactRow(type=type, key=key, position=position or 0)
        session.add(row)
    row.data, row.source, row.owner, row.visibility = checked, source.strip(), owner.strip(), visibility
    row.as_of, row.expires_at, row.updated_by, row.updated_at = as_of, expires_at, actor, clock.now()
    if position is not None:
        row.position = position
    detail = {"before": before, "after": fact_seen(row)}
    record(session, actor=actor, action="fact.put", subject=f"{type}:{key}", detail=detail)
    bump_revision(session)
    return row


def remove_fact(session: Session, *, type: str, key: str, actor: str, reason: str) -> None:
    """Takes a fact away at once. Raises `NotFound`."""
    row = session.scalar(select(FactRow).where(FactRow.type == type, FactRow.key == key).with_for_update())
    if row is None:
        raise NotFound("There is no such fact.")
    if not reason.strip():
        raise BadInput("Say why, in a few words.")
    session.delete(row)
    detail = {"before": fact_seen(row), "after": None, "reason": reason.strip()}
    record(session, actor=actor, action="fact.remove", subject=f"{type}:{key}", detail=detail)
    bump_revision(session)


def fact_seen(row: FactRow) -> dict[str, Any]:
    """Everything a fact says, as the audit keeps it; enough to put it back as it was."""
    return {
        "data": row.data,
        "source": row.source,
        "owner": row.owner,
        "visibility": row.visibility,
        "position": row.position,
        "as_of": row.as_of.isoformat(),
        "expires_at": row.expires_at.isoformat(),
    }


def put_city_value(session: Session, *, name: str, value: Any, actor: str) -> CityValue:
    """Sets one value of the city; `None` takes it away from the messages that quote it."""
    row = session.get(CityValue, name, with_for_update=True)
    before = None if row is None else row.value
    if row is None:
        row = CityValue(name=name)
        session.add(row)
    row.value, row.updated_by, row.updated_at = value, actor, clock.now()
    record(session, actor=actor, action="city.put", subject=name, detail={"before": before, "after": value})
    bump_revision(session)
    return row


def open_incident(
    session: Session,
    *,
    name: str,
    hazard: str,
    phase: str,
    level: str,
    zones: Iterable[str],
    actor: str,
    started_at: datetime | None = None,
) -> IncidentRow:
    """Opens an incident; menus and variants follow it from the commit on."""
    _check_incident(hazard=hazard, phase=phase, level=level)
    if not name.strip():
        raise BadInput("An incident needs a name.")
    row = IncidentRow(
        name=name.strip(), hazard=hazard, phase=phase, level=level, zones=list(zones), started_at=started_at or clock.now()
    )
    session.add(row)
    session.flush()
    record(session, actor=actor, action="incident.open", subject=f"incident:{row.id}", detail=_seen(row))
    bump_revision(session)
    return row


def change_incident(
    session: Session,
    *,
    incident_id: int,
    actor: str,
    phase: str | None = None,
    level: str | None = None,
    zones: Iterable[str] | None = None,
) -> IncidentRow:
    """Moves an open incident to another phase or level, or changes the zones ordered out."""
    row = _open(session, incident_id)
    _check_incident(hazard=row.hazard, phase=phase or row.phase, level=level or row.level)
    before = _seen(row)
    row.phase, row.level = phase or row.phase, level or row.level
    row.zones = row.zones if zones is None else list(zones)
    detail = {"before": before, "after": _seen(row)}
    record(session, actor=actor, action="incident.change", subject=f"incident:{row.id}", detail=detail)
    bump_revision(session)
    return row


def close_incident(session: Session, *, incident_id: int, actor: str) -> IncidentRow:
    """Closes an incident; what only holds during it is no longer said."""
    row = _open(session, incident_id)
    row.closed_at = clock.now()
    record(session, actor=actor, action="incident.close", subject=f"incident:{row.id}", detail=_seen(row))
    bump_revision(session)
    return row


def _open(session: Session, incident_id: int) -> IncidentRow:
    row = session.get(IncidentRow, incident_id, with_for_update=True)
    if row is None:
        raise NotFound("There is no such incident.", words="incidents.no_incident")
    if row.closed_at is not None:
        raise Conflict("This incident is closed. Open a new one.", words="incidents.closed_already")
    return row


def _check_incident(*, hazard: str, phase: str, level: str) -> None:
    for name, value, known in (("hazard", hazard, HAZARDS[1:]), ("phase", phase, PHASES[1:]), ("level", level, LEVELS)):
        if value not in known:
            raise BadInput(f"{name} must be one of {', '.join(known)}.")


def _seen(row: IncidentRow) -> dict[str, Any]:
    return {"name": row.name, "hazard": row.hazard, "phase": row.phase, "level": row.level, "zones": list(row.zones)}
