"""The desk as the spine knows it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from desk import service
from server.conversations.models import Conversation


class AgentDesk:
    """Queues conversations for the agents of this installation."""

    def queue(
        self, session: Session, *, conversation: Conversation, reason: str, text: str, slots: dict[str, Any] | None = None
    ) -> int:
        """Queues a conversation and gives its place in line."""
        handoff = service.open_handoff(session, conversation=conversation, reason=reason, text=text, slots=slots)
        return service.position(session, handoff=handoff)

    def append(self, session: Session, *, conversation: Conversation, text: str) -> int:
        """Adds what the resident wrote meanwhile; gives the place in line, 0 when an agent has the conversation."""
        service.append_message(session, conversation=conversation, text=text)
        handoff = service.current_handoff(session, conversation_id=conversation.id)
        return service.position(session, handoff=handoff) if handoff is not None and handoff.state == "queued" else 0
