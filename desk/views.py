"""What the page of one conversation shows, for the person who looks, in few queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from console.catalogue import has, text, words
from desk import board
from desk.external.seats import is_outside
from desk.models import DeskNote, Handoff
from desk.needs import needs_in
from desk.notes import notes_of
from desk.packet import summarise, told_by_resident
from desk.presence import Seat, groups, seats
from desk.service import current_handoff, wrapping_up
from desk.states import State
from desk.suggest import Offered, suggestions
from desk.voice.view import CallView, read_call
from knowledge.library import Library
from server.alerts.models import Alert
from server.alerts.service import of_conversation
from server.conversations.models import Conversation, Turn
from server.outbox.models import OutboundMessage
from server.requests.models import ServiceRequest
from server.requests.service import of_resident

_LAST_TURNS: Final = 40


@dataclass(frozen=True)
class Sheet:
    """Everything on the page of one conversation."""

    conversation: Conversation
    handoff: Handoff | None
    held: bool
    """True when the person who looks has it."""
    lines: list[board.Line]
    notes: list[DeskNote]
    summary: str
    needs: list[str]
    told: list[str]
    """The approved versions that left, each once."""
    marks: list[Turn]
    earlier: list[tuple[Conversation, Handoff | None]]
    requests: list[ServiceRequest]
    """What this resident asked the city for, with tracking numbers."""
    alerts: list[Alert]
    """What was raised about it, with who has seen it."""
    suggested: list[Offered]
    agents: list[Seat]
    groups: list[str]
    said: int
    """The number of the last text of an agent, to compare with what the resident has read."""
    call: CallView | None

    @property
    def fills(self) -> bool:
        """True when the person who looks may fill in a form for the resident: they have it, or had it a moment ago."""
        return self.held or (self.handoff is not None and self.handoff.state == State.WRAPUP)

    @property
    def filed(self) -> bool:
        """True when something was filed for the resident in this conversation since the handoff was queued."""
        since = self.handoff.queued_at if self.handoff is not None else None
        return any(one.conversation_id == self.conversation.id and since and one.made_at >= since for one in self.requests)

    @property
    def unseen(self) -> list[Alert]:
        """The alerts that still wait for somebody."""
        return [alert for alert in self.alerts if alert.seen_at is None]

    @property
    def alarms(self) -> str:
        """The emergencies in it; a new one rings."""
        return " ".join(f"t{turn.id}" for turn in self.marks)

    @property
    def rings(self) -> str:
        """The resident's messages; a new one rings softly."""
        return f"n{self.conversation.turns}"


def read_sheet(session: Session, *, reference: str, name: str, language: str, library: Library) -> Sheet:
    """The page of one conversation, for one person. Raises `NotFound`."""
    conversation = board.conversation_by_reference(session, reference=reference)
    handoff = wrapping_up(session, conversation_id=conversation.id, agent=name)
    current = current_handoff(session, conversation_id=conversation.id)
    handoff = current if current is not None or handoff is None else handoff
    ours = select(Turn).where(Turn.conversation_id == conversation.id).order_by(Turn.seq.desc()).limit(_LAST_TURNS)
    turns = list(session.scalars(ours))[::-1]
    return Sheet(
        conversation=conversation,
        handoff=handoff,
        held=handoff is not None and handoff.state == State.AGENT and handoff.accepted_by == name,
        lines=board.transcript(session, conversation_id=conversation.id),
        notes=notes_of(session, conversation_id=conversation.id),
        summary=summarise(told_by_resident(turns) or [turn.text for turn in turns], conversation.place),
        needs=needs_in([turn.text for turn in turns]),
        told=_told(session, conversation),
        marks=[turn for turn in turns if turn.level in ("hard", "crisis")],
        earlier=_earlier(session, conversation),
        requests=of_resident(session, conversation=conversation),
        alerts=of_conversation(session, conversation_id=conversation.id),
        suggested=suggestions(library, conversation=conversation, turns=turns, language=language),
        agents=_others(session, name),
        groups=groups(session),
        said=session.scalar(_last_by_agent(conversation)) or 0,
        call=read_call(session, conversation=conversation, handoff=handoff, city=library.city, name=name),
    )


def _last_by_agent(conversation: Conversation) -> Select[int]:
    return select(func.max(OutboundMessage.id)).where(
        OutboundMessage.conversation_id == conversation.id, OutboundMessage.speaker == "agent"
    )


def _others(session: Session, name: str) -> list[Seat]:
    """Who a conversation can be passed to: colleagues who are there, at our own desk."""
    here = [seat for seat in seats(session) if seat.state != "offline" and seat.agent.name != name]
    return [seat for seat in here if not is_outside(seat.agent.name)]


def _told(session: Session, conversation: Conversation) -> list[str]:
    left = select(OutboundMessage.message_ids).where(
        OutboundMessage.conversation_id == conversation.id, OutboundMessage.state.in_(("queued", "sent", "delivered"))
    )
    return list(dict.fromkeys(message for ids in session.scalars(left.order_by(OutboundMessage.id)) for message in ids))


def _earlier(session: Session, conversation: Conversation) -> list[tuple[Conversation, Handoff | None]]:
    if conversation.person is None:
        return []
    others = session.scalars(
        select(Conversation)
        .where(Conversation.person == conversation.person, Conversation.id != conversation.id)
        .order_by(Conversation.id.desc())
        .limit(5)
    ).all()
    newest = select(func.max(Handoff.id)).where(Handoff.conversation_id.in_([one.id for one in others]))
    known = session.scalars(select(Handoff).where(Handoff.id.in_(newest.group_by(Handoff.conversation_id))))
    by_conversation = {handoff.conversation_id: handoff for handoff in known}
    return [(one, by_conversation.get(one.id)) for one in others]


def mark_words(key: str, language: str) -> str:
    """The words of a key that comes from stored data. One that the catalogue lacks is shown as it is: a board with an odd word
    is better than no board."""
    return text(key, language) if has(key) else key.rpartition(".")[2].replace("_", " ")


def reason_words(reason: str, language: str) -> str:
    """What a reason is called; a reason that has no words yet is shown as it is."""
    return words("desk", language).get(f"reason_{reason}") or words("desk_agent", language).get(f"reason_{reason}") or reason
