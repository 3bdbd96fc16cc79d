"""Putting a conversation in front of the live agents, with everything already said."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from desk.models import Handoff
from desk.packet import build_packet
from server import clock
from server.conversations.models import Conversation
from server.conversations.ownership import Owner, transfer

PRIORITY: Final[dict[str, int]] = {
    "emergency": 0,
    "emergency_failed_transfer": 0,
    "opted_out_emergency": 0,
    "distress": 1,
    "vulnerable": 1,
}
"""The priority of a reason for a handoff; every other reason is 2."""


def open_handoff(
    session: Session, *, conversation: Conversation, reason: str, text: str, slots: dict[str, Any] | None = None
) -> Handoff:
    """Queues a conversation for a person and stores its packet. The place in the queue is kept if it is already queued."""
    waiting = current_handoff(session, conversation_id=conversation.id)
    if waiting is not None:
        return waiting
    now = clock.now()
    if conversation.owner == Owner.BOT:
        transfer(session, conversation=conversation, to=Owner.QUEUED, actor="assistant", reason=reason)
    handoff = Handoff(
        conversation_id=conversation.id,
        reason=reason,
        priority=PRIORITY.get(reason, 2),
        state="queued",
        packet=build_packet(session, conversation=conversation, reason=reason, text=text, slots=slots or {}, now=now),
        queued_at=now,
    )
    session.add(handoff)
    session.flush()
    return handoff


def current_handoff(session: Session, *, conversation_id: int) -> Handoff | None:
    """The handoff that is waiting or being handled, if there is one."""
    return session.scalar(
        select(Handoff)
        .where(Handoff.conversation_id == conversation_id, Handoff.state.in_(("queued", "accepted")))
        .order_by(Handoff.id.desc())
        .limit(1)
    )


def position(session: Session, *, handoff: Handoff) -> int:
    """The place in line, counted from 1: emergencies first, then those in distress, then by arrival."""
    earlier = select(func.count()).where(
        Handoff.state == "queued",
        or_(
            Handoff.priority < handoff.priority,
            (Handoff.priority == handoff.priority) & (Handoff.id < handoff.id),
        ),
    )
    return (session.scalar(earlier) or 0) + 1


def append_message(session: Session, *, conversation: Conversation, text: str) -> None:
    """Adds what a waiting resident wrote to the packet; their place in line does not change."""
    handoff = current_handoff(session, conversation_id=conversation.id)
    if handoff is not None:
        handoff.packet = {**handoff.packet, "since": [*handoff.packet.get("since", []), text], "last_message": text}


def accept(session: Session, *, handoff_id: int, agent: str) -> Handoff:
    """Gives a waiting conversation to one agent. Raises `Conflict` when another agent was first."""
    handoff = session.get_one(Handoff, handoff_id)
    conversation = session.get_one(Conversation, handoff.conversation_id)
    transfer(session, conversation=conversation, to=Owner.AGENT, actor=agent, reason="accepted")
    handoff.state, handoff.accepted_at, handoff.accepted_by = "accepted", clock.now(), agent
    return handoff


def give_back(session: Session, *, handoff_id: int, agent: str) -> Handoff:
    """Returns a conversation to the assistant."""
    handoff = session.get_one(Handoff, handoff_id)
    conversation = session.get_one(Conversation, handoff.conversation_id)
    transfer(session, conversation=conversation, to=Owner.BOT, actor=agent, reason="returned")
    handoff.state, handoff.ended_at = "returned", clock.now()
    return handoff


def close(session: Session, *, conversation: Conversation, agent: str) -> None:
    """Ends a conversation; the resident's next message opens a new one."""
    handoff = current_handoff(session, conversation_id=conversation.id)
    transfer(session, conversation=conversation, to=Owner.CLOSED, actor=agent, reason="closed")
    if handoff is not None:
        handoff.state, handoff.ended_at = "closed", clock.now()
