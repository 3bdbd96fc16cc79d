"""What is done with a parcel on its way: leased by one process, marked sent, tried again, or given up. The caller owns the
transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, delete, exists, or_, select
from sqlalchemy.orm import Session, aliased

from desk.external.content import body_of
from desk.external.models import OutsideEvent, OutsideHealth, OutsideParcel, OutsideThread
from desk.external.port import Kind, NotDelivered, Parcel, Receipt, Trouble
from desk.external.seats import keep
from desk.external.states import LIVE, Thread, reach
from desk.models import Handoff
from server.alerts.service import raise_alert
from server.conversations.models import Conversation
from server.outbox.service import alert_once

LEASE: Final = timedelta(seconds=90)
LONGEST_WAIT: Final = 60
ACCOUNT_WAIT: Final = 60
TOLD_AFTER: Final = timedelta(seconds=45)
"""After so long without an answer staff are told."""
KEPT: Final = timedelta(days=7)
"""So long it is known what their desk has told us."""
MANY_TRIES: Final = 8
"""After so many tries of one parcel staff are told, even if everything else gets through."""
_SAVED_EVERY: Final = timedelta(seconds=10)


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    before = aliased(OutsideParcel)
    return (
        OutsideParcel.state == "queued",
        OutsideParcel.next_attempt_at <= now,
        or_(OutsideParcel.lease_until.is_(None), OutsideParcel.lease_until <= now),
        # In one conversation things arrive in the order in which they happened.
        ~exists().where(before.thread_id == OutsideParcel.thread_id, before.state == "queued", before.id < OutsideParcel.id),
    )


def any_due(session: Session, *, now: datetime) -> bool:
    """True when something waits to be sent; asked without a lock."""
    return session.scalar(select(OutsideParcel.id).where(*_due(now)).limit(1)) is not None


def lease_next(session: Session, *, now: datetime) -> tuple[int, Parcel] | None:
    """Takes the most urgent parcel that is due, so that no other process sends it. What is no longer true is dropped."""
    while True:
        row = session.execute(
            select(OutsideParcel, OutsideThread)
            .join(OutsideThread, OutsideThread.id == OutsideParcel.thread_id)
            .join(Handoff, Handoff.id == OutsideThread.handoff_id)
            .where(*_due(now))
            .order_by(Handoff.priority, OutsideParcel.id)
            .limit(1)
            .with_for_update(skip_locked=True, of=OutsideParcel)
        ).first()
        if row is None:
            return None
        parcel, thread = row.OutsideParcel, row.OutsideThread
        if _pointless(session, parcel, thread):
            parcel.state = "dropped"
            session.flush()
            continue
        again = parcel.attempts > 0
        parcel.lease_until, parcel.attempts = now + LEASE, parcel.attempts + 1
        reference = session.get_one(Conversation, thread.conversation_id).reference
        body = body_of(session, parcel=parcel, thread=thread)
        made = parcel.created_at
        return parcel.id, Parcel(parcel.dedupe_key, Kind(parcel.kind), reference, thread.outside_id, made, body, again)


def _pointless(session: Session, parcel: OutsideParcel, thread: OutsideThread) -> bool:
    """True for what their desk need not have: news of a conversation that it never heard of or would not have, or one to open that
    is over."""
    match Kind(parcel.kind):
        case Kind.OPENED:
            return thread.state not in LIVE
        case Kind.CLOSED:
            return thread.outside_id is None and not _offered(session, thread)
        case Kind.MESSAGE:
            return thread.state == Thread.REFUSED or not _offered(session, thread)
    return False


def _offered(session: Session, thread: OutsideThread) -> bool:
    opened = OutsideParcel.thread_id == thread.id, OutsideParcel.kind == Kind.OPENED.value
    return session.scalar(select(OutsideParcel.id).where(*opened, OutsideParcel.attempts > 0)) is not None


def mark_sent(session: Session, *, parcel_id: int, receipt: Receipt, now: datetime) -> None:
    """Notes that their desk has a parcel, and what it calls the conversation."""
    parcel = session.get_one(OutsideParcel, parcel_id, with_for_update=True)
    thread = session.get_one(OutsideThread, parcel.thread_id, with_for_update=True)
    parcel.state, parcel.sent_at, parcel.lease_until, parcel.error = "sent", now, None, None
    thread.outside_id = thread.outside_id or (receipt.outside_id or "")[:64] or None
    if parcel.kind == Kind.OPENED:
        reach(session, thread=thread, to=Thread.OPEN, reason="delivered")


def mark_failed(session: Session, *, parcel_id: int, failed: NotDelivered, now: datetime) -> None:
    """Notes that a try failed: sets the time of the next one by the class of the error, or gives up and tells staff."""
    parcel = session.get_one(OutsideParcel, parcel_id, with_for_update=True)
    thread = session.get_one(OutsideThread, parcel.thread_id, with_for_update=True)
    parcel.error, parcel.lease_until = failed.what[:64], None
    if failed.trouble is Trouble.REFUSED:
        parcel.state = "failed"
        detail = {"kind": parcel.kind, "error": parcel.error}
        raise_alert(session, kind="outside_desk_refused", severity="warning", conversation_id=thread.conversation_id, detail=detail)
        if parcel.kind == Kind.OPENED:
            reach(session, thread=thread, to=Thread.REFUSED, reason=parcel.error)
        return
    parcel.next_attempt_at = now + timedelta(seconds=wait_before(parcel.attempts, failed))
    if parcel.attempts >= MANY_TRIES:
        alert_once(session, kind="outside_desk_down", severity="warning", now=now, detail={"error": parcel.error})


def wait_before(attempts: int, failed: NotDelivered) -> int:
    """Seconds before the next try: what they asked for, a minute when the account is at fault, else doubling up to a minute."""
    if failed.wait is not None:
        return min(max(failed.wait, 1), LONGEST_WAIT)
    if failed.trouble is Trouble.ACCOUNT:
        return ACCOUNT_WAIT
    return int(min(2 ** min(max(attempts, 1), 10), LONGEST_WAIT))


def note_health(session: Session, *, kind: str, failed: NotDelivered | None, now: datetime) -> None:
    """Notes whether their desk answered. While it does, their agents' conversations stay theirs; when it does not for a while,
    staff are told."""
    row = session.get(OutsideHealth, kind, with_for_update=True)
    if row is None:
        row = OutsideHealth(kind=kind, looked_at=now)
        session.add(row)
    elif failed is None and row.failing_since is None and now - row.looked_at < _SAVED_EVERY:
        return
    row.looked_at = now
    if failed is None or failed.trouble is Trouble.REFUSED:
        row.answered_at, row.failing_since, row.error = now, None, None
        keep(session)
        return
    row.failing_since, row.error = row.failing_since or now, failed.what[:64]
    if now - row.failing_since >= TOLD_AFTER or failed.trouble is Trouble.ACCOUNT:
        alert_once(session, kind="outside_desk_down", severity="warning", now=now, detail={"error": row.error})


def forget(session: Session, *, now: datetime) -> None:
    """Forgets what their desk told us a week ago."""
    session.execute(delete(OutsideEvent).where(OutsideEvent.received_at < now - KEPT))
