"""Forms that an agent fills in for the resident whom they have; the resident is told the tracking number in approved words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sqlalchemy.orm import Session

from desk import service
from desk.states import State, lock
from desk.telling import tell
from knowledge.library import Library
from server.conversations.models import Conversation
from server.errors import BadInput, Conflict
from server.identity.keys import Keys
from server.requests import service as requests
from server.requests.kinds import fill
from server.requests.models import ServiceRequest

_ONCE: Final = re.compile("[0-9a-f]{32}")
CALLBACK: Final = "callback"


def fill_in(
    session: Session,
    *,
    conversation: Conversation,
    agent: str,
    kind: str,
    given: Mapping[str, str],
    library: Library,
    keys: Keys,
    once: str = "",
) -> ServiceRequest:
    """Stores a form and tells the resident its number. A callback also ends the talk: the conversation goes on the list of those to
    be contacted, and the resident has the assistant meanwhile. `once` names the form: sent twice, it is one request.

    Raises `BadInput`, naming the field, and `Conflict` for somebody who does not have the conversation."""
    filled = fill(kind, given)
    named = f"{conversation.id}:{kind[:8]}:{once}" if _ONCE.fullmatch(once) else None
    before = requests.by_form(session, once=named) if named is not None else None
    if before is not None:
        return before
    handoff = service.current_handoff(session, conversation_id=conversation.id)
    handoff = handoff or service.wrapping_up(session, conversation_id=conversation.id, agent=agent)
    if handoff is not None:
        handoff, conversation = lock(session, handoff_id=handoff.id)
    ours = handoff is not None and handoff.accepted_by == agent and handoff.state in (State.AGENT, State.WRAPUP)
    if handoff is None or not ours:
        raise Conflict("Take the conversation first.", words="desk_refusal.take_first")
    if kind == CALLBACK and handoff.state != State.AGENT:
        raise Conflict("Take it up again first: a call back keeps it on the list.", words="desk_requests.reopen_first")
    if kind == CALLBACK and filled.number is None and conversation.contact is None:
        raise BadInput("Ask for a number to call.", words="desk_requests.no_number")
    contact = keys.seal(filled.number) if filled.number else None
    made = requests.make(session, conversation=conversation, kind=kind, filled=filled, made_by=agent, contact=contact, once=named)
    if kind == CALLBACK:
        service.keep_for_later(session, handoff_id=handoff.id, actor=agent)
        conversation.memory = {**conversation.memory, "kept_for_later": True}
    message_id = "system.callback_made" if kind == CALLBACK else "system.request_made"
    tell(
        session,
        conversation=conversation,
        library=library,
        message_id=message_id,
        cause=made.reference,
        reference=made.reference,
    )
    return made
