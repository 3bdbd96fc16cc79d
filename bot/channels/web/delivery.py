"""Letting texts out to a browser. A browser cannot be called: a text of the web leaves when its reader looks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from server import clock
from server.conversations.models import Conversation
from server.metrics import OUTBOX
from server.outbox.models import OutboundMessage

_WAITING = (OutboundMessage.channel == "web") & (OutboundMessage.state == "queued")


def anything_waits(session: Session, *, conversation_ids: Sequence[int]) -> bool:
    """True when a text of these conversations has not left yet."""
    return bool(session.scalar(select(exists().where(_WAITING, OutboundMessage.conversation_id.in_(conversation_ids)))))


def let_out(session: Session, *, conversation_ids: Sequence[int]) -> list[OutboundMessage]:
    """Decides each waiting text once, in the caller's transaction, and gives those that leave now.

    A text of the assistant is dropped when a person took the conversation since it was made, and expires when it is too old to
    be true; an emergency text and a person's text always leave."""
    now, left = clock.now(), []
    found = session.execute(
        select(OutboundMessage, Conversation.owner_version)
        .join(Conversation, Conversation.id == OutboundMessage.conversation_id)
        .where(_WAITING, OutboundMessage.conversation_id.in_(conversation_ids))
        .order_by(OutboundMessage.id)
    )
    for row, owner_version in found.all():
        state = _state_of(row, owner_version=owner_version, expired=row.valid_until is not None and row.valid_until < now)
        values = {"state": state, "sent_at": now if state == "sent" else None, "attempts": OutboundMessage.attempts + 1}
        changed = session.scalar(
            update(OutboundMessage)
            .where(OutboundMessage.id == row.id, OutboundMessage.state == "queued")
            .values(values)
            .returning(OutboundMessage.id)
        )
        if changed is not None:
            OUTBOX.labels(channel="web", state=state).inc()
            left += [row] if state == "sent" else []
    return left


def _state_of(row: OutboundMessage, *, owner_version: int, expired: bool) -> str:
    if row.emergency or row.speaker == "agent":
        return "sent"
    if row.speaker == "bot" and row.owner_version != owner_version:
        return "dropped"
    return "expired" if expired else "sent"
