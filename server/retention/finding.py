"""Which rows are past their time. A conversation that anybody still has to do with is never among them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from desk.models import DeskNote, Handoff
from desk.states import State as HandoffState
from server.conversations.models import Claim, Conversation, Turn
from server.conversations.ownership import Owner
from server.outbox.models import OutboundMessage
from server.outbox.states import State as TextState
from server.requests.models import ServiceRequest
from server.requests.service import OVER
from server.retention.rules import Kind
from server.voicemail.models import Voicemail

_SETTLED: Final = (HandoffState.CLOSED.value, HandoffState.BOT.value, HandoffState.LOST.value)
_OVER: Final = tuple(state.value for state in OVER)
GONE: Final = "gone:"
"""Begins what stands where a key or a provider's id was; the number of the row follows."""


def wanted(before: datetime) -> ColumnElement[bool]:
    """True of a conversation that is still open, that something is owed, or in which anything happened since."""
    here = Conversation.id
    return or_(
        Conversation.last_at >= before,
        Conversation.owner.in_((Owner.QUEUED.value, Owner.AGENT.value)),
        exists().where(Handoff.conversation_id == here, or_(Handoff.state.not_in(_SETTLED), Handoff.state_at >= before)),
        exists().where(Voicemail.conversation_id == here, or_(Voicemail.played_at.is_(None), Voicemail.played_at >= before)),
        exists().where(
            OutboundMessage.conversation_id == here,
            or_(OutboundMessage.state == TextState.QUEUED.value, OutboundMessage.created_at >= before),
        ),
        exists().where(Claim.conversation_id == here, Claim.state == "received"),
        exists().where(
            ServiceRequest.conversation_id == here, or_(ServiceRequest.state.not_in(_OVER), ServiceRequest.state_at >= before)
        ),
        exists().where(DeskNote.conversation_id == here, DeskNote.at >= before),
    )


def conversations(kind: Kind, *, before: datetime, after: int) -> Select[Conversation]:
    """The conversations above a number that have something of a kind that is past its time, in order."""
    return (
        select(Conversation)
        .where(Conversation.id > after, ~wanted(before), _HAVE[kind])
        .order_by(Conversation.id)
        .with_for_update(of=Conversation, skip_locked=True)
    )


def held_back(session: Session, *, before: datetime) -> int:
    """How many conversations are past the time by their last message, and kept because something in them is not over."""
    query = select(func.count()).select_from(Conversation).where(Conversation.last_at < before, wanted(before))
    return session.scalar(query) or 0


def recordings(*, before: datetime, after: int) -> Select[Voicemail]:
    """Recorded messages that somebody has heard, in conversations that are over."""
    over = exists().where(Conversation.id == Voicemail.conversation_id, ~wanted(before))
    return (
        select(Voicemail)
        .where(Voicemail.id > after, Voicemail.received_at < before, Voicemail.recording.not_like(f"{GONE}%"), over)
        .order_by(Voicemail.id)
        .with_for_update(skip_locked=True)
    )


_HAVE: Final[dict[Kind, ColumnElement[bool]]] = {
    Kind.WORDS: or_(
        exists().where(Turn.conversation_id == Conversation.id, Turn.text != ""),
        exists().where(OutboundMessage.conversation_id == Conversation.id, OutboundMessage.text != ""),
        exists().where(DeskNote.conversation_id == Conversation.id, DeskNote.text != ""),
        Conversation.tracker.is_not(None),
    ),
    Kind.NUMBERS: Conversation.key.not_like(f"{GONE}%"),
}
