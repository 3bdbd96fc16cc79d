"""The checklist of an incident: the steps of its pack, and who did which when."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.incident_packs import PREFIX, IncidentPack
from knowledge.models import IncidentRow, IncidentStep
from server import clock
from server.audit.service import record
from server.errors import NotFound


@dataclass(frozen=True)
class Step:
    """One step, in each language, and who did it."""

    mark: str
    text: Mapping[str, str]
    done_by: str | None
    done_at: datetime | None


def pack_of(row: IncidentRow, packs: Mapping[str, IncidentPack]) -> IncidentPack | None:
    """The pack that an incident was opened from, or the one for its hazard."""
    named = packs.get((row.pack or "").removeprefix(PREFIX))
    return named or next((pack for pack in packs.values() if pack.hazard == row.hazard), None)


def steps(session: Session, *, incident_id: int, pack: IncidentPack | None) -> tuple[Step, ...]:
    """The checklist with its ticks, in the order of the pack."""
    if pack is None:
        return ()
    ticks = {row.step: row for row in session.scalars(select(IncidentStep).where(IncidentStep.incident_id == incident_id))}
    found = []
    for number, line in enumerate(pack.checklist["en"]):
        mark = _mark(line)
        tick = ticks.get(mark)
        texts = {language: lines[number] for language, lines in pack.checklist.items()}
        found.append(Step(mark, texts, tick.done_by if tick else None, tick.done_at if tick else None))
    return tuple(found)


def tick(session: Session, *, incident_id: int, pack: IncidentPack | None, mark: str, done: bool, actor: str) -> None:
    """Marks a step as done, or takes the mark away. Doing so twice changes nothing. Raises `NotFound` for a step there is not."""
    known = {_mark(line): line for line in pack.checklist["en"]} if pack else {}
    if session.get(IncidentRow, incident_id) is None or mark not in known:
        raise NotFound("There is no such step.", words="incidents.no_step")
    row = session.get(IncidentStep, (incident_id, mark), with_for_update=True)
    if done == (row is not None):
        return
    if row is None:
        session.add(IncidentStep(incident_id=incident_id, step=mark, done_by=actor, done_at=clock.now()))
    else:
        session.delete(row)
    detail = {"step": known[mark], "done": done}
    record(session, actor=actor, action="incident.step", subject=f"incident:{incident_id}", detail=detail)


def _mark(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()
