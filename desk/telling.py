"""What the desk tells a resident by itself, in approved words: who is with them, that an agent was lost, how it ended."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import structlog
from sqlalchemy.orm import Session

from desk.models import DeskAgent, Handoff
from knowledge.library import Library, Situation
from server import clock
from server.conversations.models import Conversation
from server.conversations.turn import Channel, Part
from server.outbox.models import OptOut, OutboundMessage
from server.outbox.service import enqueue

log = structlog.get_logger()

NOBODY: Final = "311"
"""The name that stands for an agent without one."""


def tell(
    session: Session, *, conversation: Conversation, library: Library, message_id: str, cause: str, **values: str | int
) -> OutboundMessage | None:
    """Puts one approved text into the outbox, once for one cause. A caller hears it from the call flow instead, a number that
    stopped texts is left alone, one that somebody may be watching gets nothing unasked, and a text that the city took back is not
    replaced by another."""
    channel = Channel(conversation.channel)
    if channel is Channel.IVR or _stopped(session, conversation) or conversation.memory.get("watched"):
        return None
    situation = Situation(conversation.language, channel.words, clock.now(), conversation.place)
    said = library.say(message_id, situation, **values)
    if said.missing:
        log.warning("desk.untold", message=message_id)
        return None
    part = Part.of(said, "system")
    return enqueue(
        session,
        conversation=conversation,
        dedupe_key=f"desk:{message_id}:{cause}",
        speaker="system",
        text=part.text,
        parts=[asdict(part)],
        message_ids=[part.reference],
    )


def tell_of_agent(session: Session, *, conversation: Conversation, library: Library, handoff: Handoff) -> OutboundMessage | None:
    """Says that a person is there now, by name, and whether they share the resident's language."""
    agent = session.get(DeskAgent, handoff.accepted_by or "")
    shared = agent is not None and conversation.language in agent.languages
    message_id = "system.with_agent_named" if shared else "system.with_agent_other"
    cause = f"{handoff.id}:{conversation.owner_version}"
    return tell(session, conversation=conversation, library=library, message_id=message_id, cause=cause, agent=shown(agent))


def shown(agent: DeskAgent | None) -> str:
    """The name that residents are told."""
    return agent.shown_as if agent is not None and agent.shown_as else NOBODY


def _stopped(session: Session, conversation: Conversation) -> bool:
    if conversation.channel != Channel.SMS or conversation.person is None:
        return False
    return session.get(OptOut, (conversation.person, conversation.our_address or "")) is not None
