"""What an agent says to a resident: typed words, marked as such, or an approved message."""

from __future__ import annotations

import re
import uuid
from dataclasses import asdict
from datetime import timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk import service
from desk.states import lock
from knowledge.library import Library, Situation
from server import clock
from server.audit.service import record
from server.conversations.models import Conversation
from server.conversations.ownership import Owner
from server.conversations.turn import Channel, Part
from server.errors import BadInput, Conflict, NotFound
from server.outbox.models import OutboundMessage

MAX_TEXT: Final = 1000
_ONCE: Final = re.compile("[0-9a-f]{32}")


def say_typed(session: Session, *, conversation: Conversation, agent: str, text: str, once: str = "") -> OutboundMessage:
    """Sends what an agent typed. It is stored as the agent's own words, with no approved version. `once` names the form that it was
    typed in: sent twice, it is one text.

    Raises `BadInput` for an empty or too long text, `Conflict` when the conversation is not with an agent."""
    text = text.strip()
    if not text or len(text) > MAX_TEXT:
        raise BadInput(f"Write 1 to {MAX_TEXT} characters.", words="desk_refusal.length", most=MAX_TEXT)
    part = Part("agent.typed", 0, conversation.language, text, role="answer")
    return _send(session, conversation=conversation, agent=agent, part=part, once=once)


def say_approved(
    session: Session, *, conversation: Conversation, agent: str, library: Library, intent: str, once: str = ""
) -> OutboundMessage:
    """Sends the approved answer to a topic, filled for this resident. Raises `Conflict` as above, and when the topic has no answer
    that may be said now; `NotFound` for an unknown topic."""
    if intent not in library.topics:
        raise NotFound("There is no such topic.", words="desk_refusal.no_topic")
    channel = Channel(conversation.channel)
    situation = Situation(language=conversation.language, channel=channel.words, now=clock.now(), place=conversation.place)
    said = library.answer(intent, situation)
    if said.missing:
        raise Conflict("There is no approved answer to this now.", words="desk_refusal.no_answer")
    return _send(session, conversation=conversation, agent=agent, part=Part.of(said, "answer"), once=once)


def _send(session: Session, *, conversation: Conversation, agent: str, part: Part, once: str) -> OutboundMessage:
    # Held until the commit: whoever takes the conversation next comes before this text or after it, never between.
    handoff = service.current_handoff(session, conversation_id=conversation.id)
    if handoff is not None:
        handoff, conversation = lock(session, handoff_id=handoff.id)
    if handoff is None or conversation.owner != Owner.AGENT or handoff.accepted_by != agent:
        raise Conflict("Take the conversation first.", words="desk_refusal.take_first")
    if conversation.channel == Channel.IVR:
        raise Conflict("This is a phone call; it cannot be answered in writing.", words="desk_refusal.phone_call")
    named = (
        f"agent:{conversation.id}:{once}:{sha256(part.text.encode()).hexdigest()}"
        if _ONCE.fullmatch(once)
        else f"agent:{uuid.uuid4().hex}"
    )
    before = session.scalar(select(OutboundMessage).where(OutboundMessage.dedupe_key == named))
    if before is not None:
        return before
    now = clock.now()
    by_text = conversation.channel == Channel.SMS
    message = OutboundMessage(
        conversation_id=conversation.id,
        dedupe_key=named,
        channel=conversation.channel,
        speaker="agent",
        owner_version=conversation.owner_version,
        text=part.text,
        parts=[asdict(part)],
        message_ids=[part.reference] if part.version else [],
        state="queued" if by_text else "sent",
        created_at=now,
        next_attempt_at=now if by_text else None,
        valid_until=now + timedelta(hours=1),
        sent_at=None if by_text else now,
    )
    session.add(message)
    conversation.last_at = now
    record(session, actor=agent, action="agent.said", subject=conversation.reference, detail={"message": part.reference})
    return message
