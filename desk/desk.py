"""The desk as the spine knows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from desk import service
from desk.complex import goes_by_itself
from desk.line import agents_due, handle_seconds, minutes_told, position
from desk.models import Handoff
from desk.presence import capacity_now
from desk.states import WAITING, State
from desk.wishes import Wish, wish_in
from server import clock
from server.conversations.models import Conversation
from server.conversations.ports import InLine


@dataclass(frozen=True)
class AgentDesk:
    """Queues conversations for the agents of this installation. `city` gives the city's values, with its schedule."""

    city: Callable[[], Mapping[str, Any]]

    def queue(
        self, session: Session, *, conversation: Conversation, reason: str, text: str, slots: dict[str, Any] | None = None
    ) -> InLine:
        """Queues a conversation and gives where it stands. Out of hours, with nobody at the desk, it is kept for later; an
        emergency never is."""
        urgent = service.PRIORITY.get(reason, 2) == 0
        later = not urgent and not anybody(session, city=self.city())
        handoff = service.open_handoff(session, conversation=conversation, reason=reason, text=text, slots=slots, later=later)
        return standing(session, handoff=handoff)

    def append(self, session: Session, *, conversation: Conversation, text: str) -> InLine:
        """Adds what the resident wrote meanwhile, and takes them out of the line when that is what they wrote."""
        service.append_message(session, conversation=conversation, text=text)
        handoff = service.current_handoff(session, conversation_id=conversation.id)
        if handoff is None or handoff.state not in WAITING:
            return InLine()
        match wish_in(text):
            case Wish.LEAVE:
                service.leave_line(session, handoff_id=handoff.id)
                return InLine(say="system.left_line")
            case Wish.LATER:
                service.keep_for_later(session, handoff_id=handoff.id, actor="resident")
                return InLine(later=True, say="system.callback_taken")
        return standing(session, handoff=handoff)

    def goes_by_itself(self, text: str) -> str | None:
        """The reason for which a message goes to a person besides its answer."""
        return goes_by_itself(text)

    def helped(self, session: Session, *, conversation: Conversation, helped: bool) -> None:
        """Stores the answer with the handoff that was asked about."""
        handoff = session.get(Handoff, conversation.memory.get("helped_for") or 0)
        if handoff is not None:
            handoff.helped = helped


def anybody(session: Session, *, city: Mapping[str, Any]) -> bool:
    """True when the schedule has agents at the desk, or one is there all the same."""
    return agents_due(city, clock.now()) or capacity_now(session) > 0


def standing(session: Session, *, handoff: Handoff) -> InLine:
    """Where the resident of a handoff stands."""
    if handoff.state == State.CALLBACK:
        return InLine(later=True)
    if handoff.state not in WAITING:
        return InLine()
    place = position(session, handoff=handoff)
    minutes = minutes_told(place, handle_seconds=handle_seconds(session), seats=capacity_now(session))
    return InLine(place, minutes)
