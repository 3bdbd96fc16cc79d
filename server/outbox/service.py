"""What is done with the rows of the outbox. The caller owns the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from server import clock
from server.alerts.models import Alert
from server.alerts.service import Severity, raise_alert
from server.conversations.models import Conversation
from server.errors import NotReady
from server.identity.keys import Keys
from server.metrics import OUTBOX
from server.outbox.models import OutboundMessage
from server.outbox.opting import set_opt_out
from server.outbox.states import ACCOUNT_ERRORS, OPTED_OUT, UNSENT, State, advance, settle, wait_before, worth_another_try

LEASE: Final = timedelta(seconds=60)
MOST_TRIES: Final = 12
ALERT_EVERY: Final = timedelta(minutes=10)
UNCONFIRMED_AFTER: Final = timedelta(minutes=5)


@dataclass(frozen=True)
class Outgoing:
    """One text on its way out. `uncertain` means that an earlier try ended without a word whether it was sent."""

    id: int
    to: str
    sender: str | None
    text: str
    valid_seconds: int
    emergency: bool
    uncertain: bool
    created_at: datetime


@dataclass(frozen=True)
class Report:
    """What Twilio says about a text: which one, by its id or by our reference, and how far it got."""

    reference: str | None
    provider_id: str
    status: str
    error_code: str | None = None


def enqueue(
    session: Session,
    *,
    conversation: Conversation,
    dedupe_key: str,
    speaker: str,
    text: str,
    parts: Sequence[dict[str, Any]] = (),
    message_ids: Sequence[str] = (),
    emergency: bool = False,
    valid_for: timedelta | None = None,
) -> OutboundMessage:
    """Puts a text in the outbox once; the same `dedupe_key` again gives the row that is there."""
    known = session.scalar(select(OutboundMessage).where(OutboundMessage.dedupe_key == dedupe_key))
    if known is not None:
        return known
    now = clock.now()
    row = OutboundMessage(
        conversation_id=conversation.id,
        dedupe_key=dedupe_key,
        channel=conversation.channel,
        speaker=speaker,
        owner_version=conversation.owner_version,
        emergency=emergency,
        text=text,
        parts=list(parts),
        message_ids=list(message_ids),
        state=State.QUEUED.value,
        inline=False,
        attempts=0,
        created_at=now,
        next_attempt_at=now,
        valid_until=now + (valid_for or timedelta(seconds=300 if emergency else 1800)),
    )
    session.add(row)
    session.flush()
    return row


def _is_due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        OutboundMessage.state == State.QUEUED.value,
        OutboundMessage.channel == "sms",
        OutboundMessage.next_attempt_at <= now,
        or_(OutboundMessage.lease_until.is_(None), OutboundMessage.lease_until < now),
        or_(OutboundMessage.valid_until.is_(None), OutboundMessage.valid_until > now),
    )


def any_due(session: Session, *, now: datetime) -> bool:
    """True when a text waits to be sent; asked without a lock, so that an idle worker holds up nobody."""
    return session.scalar(select(OutboundMessage.id).where(*_is_due(now)).limit(1)) is not None


def lease_next(session: Session, *, keys: Keys, now: datetime) -> Outgoing | None:
    """Takes the most urgent text that is due, for one minute, so that no other worker sends it. Emergencies come first.

    Who owns the conversation is looked at here, in the transaction that lets the text go: an ordinary text of the assistant's
    is dropped when a person took the conversation after it was written."""
    while True:
        row = session.scalar(
            select(OutboundMessage)
            .where(*_is_due(now))
            .order_by(OutboundMessage.emergency.desc(), OutboundMessage.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is None:
            return None
        conversation = session.get_one(Conversation, row.conversation_id, with_for_update={"read": True}, populate_existing=True)
        if row.speaker == "bot" and not row.emergency and conversation.owner_version != row.owner_version:
            _reach(session, row, State.DROPPED)
            continue
        to = _number(conversation, keys)
        if to is None:
            row.error_code = "unreachable"
            _reach(session, row, State.FAILED)
            continue
        uncertain = row.lease_until is not None
        row.lease_until, row.attempts = now + LEASE, row.attempts + 1
        valid = row.valid_until - now if row.valid_until else timedelta(hours=4)
        return Outgoing(
            id=row.id,
            to=to,
            sender=conversation.our_address,
            text=row.text,
            valid_seconds=max(int(valid.total_seconds()), 1),
            emergency=row.emergency,
            uncertain=uncertain,
            created_at=row.created_at,
        )


def _number(conversation: Conversation, keys: Keys) -> str | None:
    try:
        return keys.open(conversation.contact) if conversation.contact else None
    except NotReady:
        return None


def mark_sent(session: Session, *, row_id: int, provider_id: str, now: datetime) -> None:
    """Notes that Twilio took a text. A callback that was faster keeps what it reported."""
    row = session.get_one(OutboundMessage, row_id, with_for_update=True)
    row.provider_id, row.sent_at, row.lease_until, row.error_code = provider_id or row.provider_id, now, None, None
    _reach(session, row, State.SENT)


def mark_failed(session: Session, *, row_id: int, code: str | None, status: int | None, now: datetime) -> None:
    """Notes that a try failed: ends it, or sets the time of the next one."""
    row = session.get_one(OutboundMessage, row_id, with_for_update=True)
    row.error_code = (code or str(status or "timeout"))[:32]
    answered = code is not None or status is not None
    # Without an answer the text may have gone out: the lease that ran out tells the next try to look first.
    row.lease_until = None if answered else now
    if code in ACCOUNT_ERRORS or status == 401:
        alert_once(session, kind="texts_refused", severity="critical", now=now, detail={"code": code, "status": status})
    if not worth_another_try(code, status) or row.attempts >= MOST_TRIES:
        _reach(session, row, State.FAILED)
        return
    row.next_attempt_at = now + timedelta(seconds=wait_before(row.attempts))


def take_report(session: Session, *, report: Report) -> OutboundMessage | None:
    """Stores how far a text got. Reports come in any order, twice, and for texts we do not know."""
    row = _reported(session, report)
    if row is None:
        return None
    reached = advance(row.state, report.status)
    if row.provider_id is None and report.provider_id:
        row.provider_id = report.provider_id[:64]
    if reached.value != row.state:
        row.error_code = (report.error_code or "")[:32] or None
        row.lease_until = None
        if row.sent_at is None:
            row.sent_at = clock.now()
        _reach(session, row, reached)
    return row


def _reported(session: Session, report: Report) -> OutboundMessage | None:
    query = select(OutboundMessage).with_for_update()
    kind, name = (report.reference or "")[:1], (report.reference or "")[1:]
    if kind == "t":
        return session.scalar(query.where(OutboundMessage.dedupe_key == f"turn:{name}"))
    if kind == "o" and name.isdecimal():
        return session.get(OutboundMessage, int(name), with_for_update=True)
    if not report.provider_id:
        return None
    return session.scalar(query.where(OutboundMessage.provider_id == report.provider_id[:64]))


def _reach(session: Session, row: OutboundMessage, to: State) -> None:
    """Moves a row on, once, and tells staff where a person has to step in."""
    reached = settle(row.state, to)
    if reached.value == row.state:
        return
    row.state = reached.value
    OUTBOX.labels(channel=row.channel, state=reached.value).inc()
    if row.error_code == OPTED_OUT:
        _stopped(session, row)
    elif reached in UNSENT and (row.emergency or row.speaker == "agent"):
        kind = "emergency_undelivered" if row.emergency else "agent_text_undelivered"
        severity: Severity = "critical" if row.emergency else "warning"
        _tell(session, row, kind=kind, severity=severity)


def _stopped(session: Session, row: OutboundMessage) -> None:
    conversation = session.get_one(Conversation, row.conversation_id)
    if conversation.person is not None:
        set_opt_out(session, person=conversation.person, our_address=conversation.our_address or "", stopped=True)
    if row.emergency:
        _tell(session, row, kind="opted_out_emergency", severity="critical")
    else:
        _tell(session, row, kind="opted_out", severity="warning")


def _tell(session: Session, row: OutboundMessage, *, kind: str, severity: Severity) -> None:
    detail = {"outbox": row.id, "state": row.state, "code": row.error_code}
    raise_alert(session, kind=kind, severity=severity, conversation_id=row.conversation_id, detail=detail)


def alert_once(session: Session, *, kind: str, severity: Severity, now: datetime, detail: dict[str, Any] | None = None) -> None:
    """Raises an alert of a kind unless one was raised in the last ten minutes."""
    recent = select(Alert.id).where(Alert.kind == kind, Alert.created_at > now - ALERT_EVERY).limit(1)
    if session.scalar(recent) is None:
        raise_alert(session, kind=kind, severity=severity, detail=detail)


def sweep(session: Session, *, now: datetime) -> int:
    """Ends what is too old to be said, and tells staff of a 911 line that left in a webhook's answer and was never heard of again.
    Web texts are let out by the page that reads them (`bot/channels/web/delivery.py`), with the ownership check. Gives how many
    texts came to nothing."""
    expired = session.scalars(
        select(OutboundMessage)
        .where(
            OutboundMessage.state == State.QUEUED.value,
            OutboundMessage.channel != "web",
            OutboundMessage.valid_until <= now,
            or_(OutboundMessage.lease_until.is_(None), OutboundMessage.lease_until < now),
        )
        .limit(200)
        .with_for_update(skip_locked=True)
    ).all()
    for row in expired:
        _reach(session, row, State.EXPIRED)
    silent = session.scalars(
        select(OutboundMessage)
        .where(
            OutboundMessage.inline,
            OutboundMessage.emergency,
            OutboundMessage.channel == "sms",
            OutboundMessage.state == State.SENT.value,
            OutboundMessage.provider_id.is_(None),
            OutboundMessage.error_code.is_(None),
            OutboundMessage.sent_at < now - UNCONFIRMED_AFTER,
        )
        .limit(200)
        .with_for_update(skip_locked=True)
    ).all()
    for row in silent:
        row.error_code = "unconfirmed"
        _tell(session, row, kind="emergency_unconfirmed", severity="critical")
    return len(expired) + len(silent)
