"""What a parcel carries: the packet with the transcript, or one line of what was said. Never a phone number."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.external.models import OutsideParcel, OutsideThread
from desk.external.port import Kind
from desk.models import Handoff
from server.conversations.models import Conversation, Turn
from server.outbox.models import OutboundMessage

_LINES = 200


def body_of(session: Session, *, parcel: OutsideParcel, thread: OutsideThread) -> dict[str, Any]:
    """The content of a parcel, read now, the same at every try but for how far our texts got."""
    conversation = session.get_one(Conversation, thread.conversation_id)
    match Kind(parcel.kind):
        case Kind.OPENED:
            return _opened(session, conversation=conversation, thread=thread, parcel=parcel)
        case Kind.MESSAGE if parcel.turn_seq is not None:
            mine = Turn.conversation_id == conversation.id
            return _turn(session.scalars(select(Turn).where(mine, Turn.seq == parcel.turn_seq)).one())
        case Kind.MESSAGE:
            return _text(session.get_one(OutboundMessage, parcel.text_id))
    return dict(parcel.detail)


def _opened(session: Session, *, conversation: Conversation, thread: OutsideThread, parcel: OutsideParcel) -> dict[str, Any]:
    handoff = session.get_one(Handoff, thread.handoff_id)
    packet = handoff.packet
    return {
        "channel": conversation.channel,
        "language": conversation.language,
        "reason": handoff.reason,
        "priority": handoff.priority,
        "emergency": handoff.priority == 0,
        "waiting_since": handoff.queued_at.isoformat(),
        "packet": {
            name: packet.get(name)
            for name in ("summary", "needs", "place", "slots", "told", "topics", "emergency", "earlier_contacts", "last_message")
        },
        "transcript": _transcript(session, thread=thread, parcel=parcel),
    }


def _transcript(session: Session, *, thread: OutsideThread, parcel: OutsideParcel) -> list[dict[str, Any]]:
    """What had been said when the thread was opened; what came after has parcels of its own."""
    mine, ours = Turn.conversation_id == thread.conversation_id, OutboundMessage.conversation_id == thread.conversation_id
    turns = session.scalars(select(Turn).where(mine, Turn.seq <= parcel.detail["turn"]).order_by(Turn.seq.desc()).limit(_LINES))
    by_agents = (OutboundMessage.speaker == "agent") & (OutboundMessage.created_at <= thread.opened_at)
    before = (OutboundMessage.speaker != "agent") & (OutboundMessage.id <= parcel.detail["text"])
    texts = session.scalars(
        select(OutboundMessage).where(ours, before | by_agents).order_by(OutboundMessage.id.desc()).limit(_LINES)
    )
    lines: list[tuple[datetime, bool, dict[str, Any]]] = [(turn.received_at, False, _turn(turn)) for turn in turns]
    lines += [(text.created_at, True, _text(text)) for text in texts]
    return [line for _, _, line in sorted(lines, key=lambda each: each[:2])]


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "who": "resident",
        "at": turn.received_at.isoformat(),
        "text": turn.text,
        "language": turn.language,
        "danger": turn.category or turn.level if turn.level in ("hard", "crisis") else None,
    }


def _text(text: OutboundMessage) -> dict[str, Any]:
    return {
        "who": {"bot": "assistant", "agent": "agent"}.get(text.speaker, "system"),
        "at": text.created_at.isoformat(),
        "text": text.text,
        "language": str(text.parts[0].get("language", "en")) if text.parts else "en",
        "versions": list(text.message_ids),
        "state": text.state,
    }
