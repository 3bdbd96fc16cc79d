"""Removing what is past its time, a batch at a time, each batch with its entry in the audit. The caller owns the transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from typing import cast as cast_to

from sqlalchemy import ColumnElement, CursorResult, String, cast, delete, literal, null, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from desk.models import DeskNote, Handoff
from server.audit.service import record
from server.blocks.models import Block
from server.conversations.models import Claim, Conversation, Turn
from server.conversations.ownership import Owner
from server.outbox.models import OutboundMessage
from server.requests.models import ServiceRequest
from server.retention.finding import GONE, conversations, recordings
from server.retention.rules import Kind, Rules
from server.voicemail.models import Voicemail

BATCH: Final = 100
"""Conversations in one transaction: few enough that no resident's turn waits for it."""
_PACKET: Final[tuple[str, ...]] = ("reason", "language", "told", "topics", "emergency", "created_at")
"""What stays of a packet: what happened, and no word of the resident's."""


@dataclass(frozen=True)
class Batch:
    """What one batch removed, by class. `last` is where the next one begins; nothing when this was the last."""

    counts: Counter[str] = field(default_factory=Counter)
    last: int | None = None


def purge_batch(session: Session, *, kind: Kind, rules: Rules, now: datetime, after: int, actor: str) -> Batch:
    """Removes one batch of a kind, with its entry in the audit, and gives what it was."""
    before = rules.before(kind, now)
    if before is None:
        return Batch()
    if kind is Kind.RECORDINGS:
        batch = _recordings(session, before=before, after=after)
    else:
        found = session.scalars(conversations(kind, before=before, after=after).limit(BATCH)).all()
        remove = _words if kind is Kind.WORDS else _numbers
        counts = remove(session, found, now) if found else Counter()
        batch = Batch(counts, found[-1].id if len(found) == BATCH else None)
        if kind is Kind.NUMBERS and batch.last is None:
            batch.counts.update(_without_conversation(session, before=before))
    if batch.counts:
        detail = {"before": before.isoformat(timespec="seconds"), **dict(sorted(batch.counts.items()))}
        record(session, actor=actor, action=f"retention.{kind.value}", subject="retention", detail=detail)
    return batch


def _words(session: Session, found: Sequence[Conversation], now: datetime) -> Counter[str]:
    ids = [each.id for each in found]
    counts = Counter(conversations_words=len(ids))
    for each in found:
        _close(each, now)
        each.memory, each.tracker, each.place = {}, None, None
    session.flush()
    counts["turns"] = _update(session, Turn.conversation_id, ids, Turn, text="", evidence={})
    counts["texts"] = _update(session, OutboundMessage.conversation_id, ids, OutboundMessage, text="", parts=[])
    counts["notes"] = _update(session, DeskNote.conversation_id, ids, DeskNote, text="")
    counts["requests"] = _update(session, ServiceRequest.conversation_id, ids, ServiceRequest, fields={})
    _update(session, Claim.conversation_id, ids, Claim, payload="", reply=null())
    for handoff in session.scalars(select(Handoff).where(Handoff.conversation_id.in_(ids))):
        kept = {name: handoff.packet[name] for name in _PACKET if name in handoff.packet}
        handoff.packet = {**kept, "last_message": "", "summary": ""}
        counts["packets"] += 1
    session.flush()
    return +counts


def _numbers(session: Session, found: Sequence[Conversation], now: datetime) -> Counter[str]:
    ids = [each.id for each in found]
    counts = Counter(conversations_numbers=len(ids))
    for each in found:
        _close(each, now)
        each.key, each.person, each.contact = f"{GONE}{each.id}", None, None
    session.flush()
    _update(session, Turn.conversation_id, ids, Turn, claim=_gone(Turn.id))
    _update(session, OutboundMessage.conversation_id, ids, OutboundMessage, dedupe_key=_gone(OutboundMessage.id), provider_id=None)
    _update(session, ServiceRequest.conversation_id, ids, ServiceRequest, contact=None, person=None)
    counts["claims"] = _done(session, delete(Claim).where(Claim.conversation_id.in_(ids)))
    return +counts


def _without_conversation(session: Session, *, before: datetime) -> Counter[str]:
    """Messages that were taken in and led to no conversation, and blocks that ended."""
    counts: Counter[str] = Counter()
    lost = delete(Claim).where(Claim.conversation_id.is_(None), Claim.state != "received", Claim.received_at < before)
    counts["claims"] = _done(session, lost)
    ended = update(Block).where(Block.until < before, Block.who.not_like(f"{GONE}%"))
    counts["blocks"] = _done(session, ended.values(who=_gone(Block.id), reason=""))
    return +counts


def _recordings(session: Session, *, before: datetime, after: int) -> Batch:
    found: Sequence[Voicemail] = session.scalars(recordings(before=before, after=after).limit(BATCH)).all()
    for each in found:
        each.audio, each.recording = None, f"{GONE}{each.id}"
    session.flush()
    return Batch(+Counter(recordings=len(found)), found[-1].id if len(found) == BATCH else None)


def _close(conversation: Conversation, now: datetime) -> None:
    """Closes a conversation that was left alone, as the resident's next message would have done."""
    if conversation.owner == Owner.BOT:
        conversation.active_key, conversation.closed_at, conversation.owner = None, now, Owner.CLOSED.value
        conversation.owner_version += 1


def _gone(number: InstrumentedAttribute[int]) -> ColumnElement[str]:
    return literal(GONE) + cast(number, String)


def _update(session: Session, column: InstrumentedAttribute[Any], ids: Sequence[int], table: type[Any], **values: Any) -> int:
    return _done(session, update(table).where(column.in_(ids)).values(**values))


def _done(session: Session, statement: Any) -> int:
    return cast_to(CursorResult[Any], session.execute(statement.execution_options(synchronize_session=False))).rowcount
