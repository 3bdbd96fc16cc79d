"""Asking for a training, taking it up, storing what came of it, and deciding which model answers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from bot.learning.data import learning_data
from bot.learning.models import ModelFile, ModelRow
from bot.learning.states import State, move
from server import clock
from server.audit.service import record
from server.errors import BadInput, Conflict, NotFound

SILENT_FOR: Final = timedelta(seconds=90)
"""A training without a sign of life for so long has lost its process."""
KEPT_FILES: Final = 4
"""So many replaced models stay ready to come back."""
_CLAIM_LOCK: Final = 0x5B112


def ask_for(session: Session, *, kind: str, actor: str) -> ModelRow:
    """Asks for a training (`topics`) or a test of all examples (`check`). One that is on its way already is enough."""
    _one_at_a_time(session)
    pending = on_its_way(session, kind=kind)
    if pending is not None:
        return pending
    row = ModelRow(kind=kind, state=State.QUEUED.value, asked_by=actor, asked_at=clock.now())
    session.add(row)
    session.flush()
    record(session, actor=actor, action=f"model.asked_{kind}", subject=f"model:{row.id}")
    return row


def on_its_way(session: Session, *, kind: str) -> ModelRow | None:
    """What would be the same if it were asked for now: one that waits, or one in work that is made of what there is now and
    compared with the model that answers now. One in work that has not read its data yet may read older data, and is not enough."""
    pending = select(ModelRow).where(ModelRow.kind == kind)
    waiting = session.scalar(pending.where(ModelRow.state == State.QUEUED.value).order_by(ModelRow.id).limit(1))
    if waiting is not None:
        return waiting
    working = session.scalar(pending.where(ModelRow.state == State.WORKING.value, ModelRow.learns_from.is_not(None)).limit(1))
    if working is None or working.learns_from != learning_data(session).mark(live=live_id(session)):
        return None
    return working


def take_up(session: Session) -> ModelRow | None:
    """The oldest wish, now in work; nothing while another is in work anywhere. One whose process died is given up first."""
    _one_at_a_time(session)
    now = clock.now()
    working = list(session.scalars(select(ModelRow).where(ModelRow.state == State.WORKING.value)))
    for row in working:
        if row.beat_at is None or now - row.beat_at > SILENT_FOR:
            row.error = "stopped"
            move(session, row=row, to=State.FAILED, actor="clock")
    if any(row.state == State.WORKING.value for row in working):
        return None
    found = session.scalar(select(ModelRow).where(ModelRow.state == State.QUEUED.value).order_by(ModelRow.id).limit(1))
    if found is None:
        return None
    found.begun_at = found.beat_at = now
    return move(session, row=found, to=State.WORKING, actor=found.asked_by)


def note_data(session: Session, *, model_id: int, mark: str) -> None:
    """Notes what a training or a test in work is made of."""
    get(session, model_id=model_id).learns_from = mark


def beat(session: Session, *, model_id: int, step: str, progress: float) -> None:
    """Notes how far the work is. Raises `Conflict` when it was given up meanwhile."""
    row = get(session, model_id=model_id)
    if row.state != State.WORKING.value:
        raise Conflict("This training was given up.")
    row.step, row.progress, row.beat_at = step, min(max(progress, 0.0), 1.0), clock.now()


def finish(session: Session, *, model_id: int, report: Mapping[str, Any], content: bytes | None) -> ModelRow:
    """Stores what a training or a test gave. The model does not answer yet."""
    row = get(session, model_id=model_id)
    row.report, row.progress, row.step = dict(report), 1.0, "done"
    if content is not None:
        row.digest = hashlib.sha256(content).hexdigest()
        session.add(ModelFile(model_id=row.id, content=content))
    to = State.READY if content is not None else State.CHECKED
    move(session, row=row, to=to, actor=row.asked_by, detail={"open": bool(report.get("open")), "digest": row.digest})
    _forget_old(session)
    return row


def hand_on(session: Session, *, model_id: int) -> None:
    """Puts work back that a process leaves because it is stopped; another one, or the next start, begins it anew. It is given
    up when the same waits already."""
    _one_at_a_time(session)
    row = get(session, model_id=model_id)
    if row.state != State.WORKING.value:
        return
    waits = select(ModelRow.id).where(ModelRow.kind == row.kind, ModelRow.state == State.QUEUED.value).limit(1)
    if session.scalar(waits) is not None:
        row.error = "stopped"
        move(session, row=row, to=State.FAILED, actor="clock")
    else:
        row.step, row.progress, row.beat_at, row.learns_from = "waiting", 0.0, None, None
        move(session, row=row, to=State.QUEUED, actor=row.asked_by)


def fail(session: Session, *, model_id: int, error: str) -> None:
    """Notes that a training came to nothing; the live model is untouched."""
    row = get(session, model_id=model_id)
    if row.state in (State.WORKING.value, State.QUEUED.value):
        row.error = error[:2000]
        move(session, row=row, to=State.FAILED, actor=row.asked_by, detail={"error": error[:200]})


def promote(session: Session, *, model_id: int, actor: str, reason: str = "", beginning: bytes | None = None) -> ModelRow:
    """Lets a model answer, in every process within a second or two. `beginning` is the file of the model that answers while no
    row says so, kept so that one can go back to it.

    Raises `BadInput` when the gate is closed and no reason is written, `Conflict` when the model cannot be promoted or its file
    is gone."""
    row = get(session, model_id=model_id, lock=True)
    if row.state not in (State.READY.value, State.RETIRED.value):
        raise Conflict("Only a finished model can be promoted.")
    if session.get(ModelFile, row.id) is None:
        raise Conflict("The file of this model is no longer kept. Train again.")
    back = row.state == State.RETIRED.value
    if not back and not (row.report or {}).get("open") and not reason.strip():
        raise BadInput("The gate is closed. Write why this model should answer all the same.")
    old = live(session)
    if old is not None:
        move(session, row=old, to=State.RETIRED, actor=actor, detail={"replaced_by": row.id})
    elif beginning is not None:
        keep_beginning(session, content=beginning, actor=actor)
    row.promoted_by, row.promoted_at, row.reason = actor, clock.now(), reason.strip() or None
    move(session, row=row, to=State.LIVE, actor=actor, detail={"reason": row.reason, "back": back})
    _forget_old(session)
    return row


def keep_beginning(session: Session, *, content: bytes, actor: str) -> ModelRow:
    """Keeps the model that an installation began with as one to go back to."""
    now = clock.now()
    row = ModelRow(
        kind="start",
        state=State.RETIRED.value,
        step="done",
        progress=1.0,
        asked_by=actor,
        asked_at=now,
        done_at=now,
        promoted_at=now,
        digest=hashlib.sha256(content).hexdigest(),
    )
    session.add(row)
    session.flush()
    session.add(ModelFile(model_id=row.id, content=content))
    session.flush()
    return row


def previous(session: Session) -> ModelRow | None:
    """The model that answered before the present one, while its file is kept."""
    return session.scalar(
        select(ModelRow)
        .join(ModelFile)
        .where(ModelRow.state == State.RETIRED.value)
        .order_by(ModelRow.promoted_at.desc(), ModelRow.id.desc())
        .limit(1)
    )


def go_back(session: Session, *, actor: str, reason: str = "") -> ModelRow:
    """Lets the model before answer again. Raises `NotFound` when there is none."""
    row = previous(session)
    if row is None:
        raise NotFound("There is no earlier model to return to.")
    return promote(session, model_id=row.id, actor=actor, reason=reason)


def live(session: Session) -> ModelRow | None:
    """The model that answers; nothing while it is the one that the installation began with."""
    return session.scalar(select(ModelRow).where(ModelRow.state == State.LIVE.value))


def live_id(session: Session) -> int | None:
    """Its number, for the look that every process takes each second."""
    return session.scalar(select(ModelRow.id).where(ModelRow.state == State.LIVE.value))


def get(session: Session, *, model_id: int, lock: bool = False) -> ModelRow:
    """One model. Raises `NotFound`."""
    row = session.get(ModelRow, model_id, with_for_update=lock or None)
    if row is None:
        raise NotFound("There is no such model.")
    return row


def recent(session: Session, *, limit: int = 12) -> list[ModelRow]:
    """The latest models and tests, newest first."""
    return list(session.scalars(select(ModelRow).order_by(ModelRow.id.desc()).limit(limit)))


def under_way(session: Session) -> ModelRow | None:
    """What waits or is in work, for the progress bar."""
    states = (State.WORKING.value, State.QUEUED.value)
    return session.scalar(select(ModelRow).where(ModelRow.state.in_(states)).order_by(ModelRow.state.desc(), ModelRow.id).limit(1))


def _one_at_a_time(session: Session) -> None:
    # SQLite has one writer at a time; PostgreSQL would let two of these look before either has written.
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _CLAIM_LOCK})


def _forget_old(session: Session) -> None:
    session.flush()
    order = func.coalesce(ModelRow.promoted_at, ModelRow.done_at).desc()
    for state, kept in ((State.RETIRED, KEPT_FILES), (State.READY, KEPT_FILES)):
        stale = session.scalars(
            select(ModelRow.id)
            .join(ModelFile)
            .where(ModelRow.state == state.value)
            .order_by(order, ModelRow.id.desc())
            .offset(kept)
        ).all()
        if stale:
            session.execute(delete(ModelFile).where(ModelFile.model_id.in_(stale)))
