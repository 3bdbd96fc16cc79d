"""Blocking and letting go again. A block takes away answers and agents, never the triage and the 911 line. The caller owns the
transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from server import clock
from server.audit.service import record
from server.blocks.models import Block
from server.conversations.models import Conversation
from server.errors import BadInput, Conflict, NotFound

LENGTHS: Final[dict[str, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}
"""How long a block may last; none lasts for good, since numbers change hands and people change."""
LONGEST_REASON: Final = 500
_SHOWN: Final = 200


def who_is(conversation: Conversation) -> str:
    """What a block of this conversation's resident is made out to: the number, or this one chat or call."""
    return conversation.person or conversation.key


def in_force(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """The condition of a block that holds at a time."""
    return (Block.until > now, Block.lifted_at.is_(None))


def block(session: Session, *, reference: str, reason: str, length: str, by: str) -> Block:
    """Blocks the resident of a conversation. Raises `NotFound`, `BadInput` or, when they are blocked already, `Conflict`."""
    conversation = session.scalar(select(Conversation).where(Conversation.reference == reference.strip().upper()))
    if conversation is None:
        raise NotFound("There is no such conversation.", words="desk_refusal.no_conversation")
    reason = reason.replace("\x00", " ").strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise BadInput("Write a reason of at most 500 characters.", words="blocks.no_reason")
    if length not in LENGTHS:
        raise BadInput("Choose how long the block lasts.", words="blocks.no_length")
    now, who = clock.now(), who_is(conversation)
    if session.scalar(select(Block.id).where(Block.who == who, *in_force(now))) is not None:
        raise Conflict("This resident is blocked already.", words="blocks.already")
    made = Block(
        who=who, reference=conversation.reference, reason=reason, blocked_by=by, blocked_at=now, until=now + LENGTHS[length]
    )
    session.add(made)
    session.flush()
    detail = {"until": made.until.isoformat(), "reason": reason}
    record(session, actor=by, action="resident.blocked", subject=conversation.reference, detail=detail)
    return made


def lift(session: Session, *, block_id: int, by: str) -> Block:
    """Ends a block before its time. One that has ended stays as it is. Raises `NotFound`."""
    found = session.get(Block, block_id, with_for_update=True)
    if found is None:
        raise NotFound("There is no such block.", words="blocks.none_such")
    now = clock.now()
    if found.lifted_at is None and found.until > now:
        found.lifted_at, found.lifted_by = now, by
        record(session, actor=by, action="resident.unblocked", subject=found.reference)
    return found


def blocks(session: Session) -> tuple[list[Block], list[Block]]:
    """The blocks in force, those that end soonest first, and the latest of those that ended."""
    now = clock.now()
    held = list(session.scalars(select(Block).where(*in_force(now)).order_by(Block.until, Block.id)))
    over = select(Block).where(or_(Block.until <= now, Block.lifted_at.is_not(None)))
    return held, list(session.scalars(over.order_by(Block.id.desc()).limit(_SHOWN)))
