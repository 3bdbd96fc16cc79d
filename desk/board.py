"""What the desk's pages show, read in few queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Handoff
from server.alerts.models import Alert
from server.alerts.service import open_alerts
from server.conversations.models import Conversation, Turn
from server.errors import NotFound
from server.outbox.models import OutboundMessage


@dataclass(frozen=True)
class Waiting:
    """One conversation in line, as the queue shows it."""

    handoff: Handoff
    conversation: Conversation


@dataclass(frozen=True)
class Line:
    """One line of a transcript."""

    at: datetime
    speaker: Literal["resident", "bot", "agent", "system"]
    text: str
    language: str
    marks: tuple[str, ...]
    """Keys of the catalogue: what is to be known of it, such as how far it got."""
    messages: tuple[str, ...] = ()
    """The approved versions in it, as `message@version`."""


def queue(session: Session, *, state: str = "queued", limit: int = 200) -> list[Waiting]:
    """The conversations in line, the most urgent first, then by arrival."""
    rows = session.execute(
        select(Handoff, Conversation)
        .join(Conversation, Conversation.id == Handoff.conversation_id)
        .where(Handoff.state == state)
        .order_by(Handoff.priority, Handoff.id)
        .limit(limit)
    )
    return [Waiting(handoff, conversation) for handoff, conversation in rows]


def alerts(session: Session) -> list[tuple[Alert, Conversation | None]]:
    """What nobody has acknowledged yet, critical ones first, with the conversation it is about."""
    found = open_alerts(session)
    ids = [alert.conversation_id for alert in found if alert.conversation_id is not None]
    known = {row.id: row for row in session.scalars(select(Conversation).where(Conversation.id.in_(ids)))}
    pairs = [(alert, known.get(alert.conversation_id or 0)) for alert in found]
    return sorted(pairs, key=lambda pair: (pair[0].severity != "critical", -pair[0].id))


def conversation_by_reference(session: Session, *, reference: str) -> Conversation:
    """The conversation that people call by this reference. Raises `NotFound`."""
    conversation = session.scalar(select(Conversation).where(Conversation.reference == reference))
    if conversation is None:
        raise NotFound("There is no such conversation.", words="desk_refusal.no_conversation")
    return conversation


def transcript(session: Session, *, conversation_id: int, limit: int = 300) -> list[Line]:
    """What was said, by whom, with the approved versions and how far each text got."""
    turns = session.scalars(select(Turn).where(Turn.conversation_id == conversation_id).order_by(Turn.seq.desc()).limit(limit))
    ours = select(OutboundMessage).where(OutboundMessage.conversation_id == conversation_id)
    sent = session.scalars(ours.order_by(OutboundMessage.id.desc()).limit(limit))
    lines = [Line(turn.received_at, "resident", turn.text, turn.language, _turn_marks(turn)) for turn in turns]
    lines += [
        Line(
            row.created_at,
            _speaker(row),
            row.text,
            _language(row.parts),
            (f"desk_agent.sent_{row.state}",),
            tuple(row.message_ids),
        )
        for row in sent
    ]
    return sorted(lines, key=lambda line: (line.at, line.speaker != "resident"))


def _turn_marks(turn: Turn) -> tuple[str, ...]:
    marks = [f"desk_agent.kind_{turn.kind}"] if turn.kind != "text" else []
    if turn.level in ("hard", "crisis"):
        marks.append(f"danger.{turn.category or turn.level}")
    return tuple(marks)


def _speaker(row: OutboundMessage) -> Literal["bot", "agent", "system"]:
    return "agent" if row.speaker == "agent" else "system" if row.speaker == "system" else "bot"


def _language(parts: list[dict[str, Any]]) -> str:
    return str(parts[0].get("language", "en")) if parts else "en"
