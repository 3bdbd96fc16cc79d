"""Who may speak in a conversation now. One table of what may follow what, one function that makes the change and audits it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import update
from sqlalchemy.orm import Session

from server.audit.service import record
from server.conversations.models import Conversation
from server.errors import Conflict


class Owner(StrEnum):
    """`bot` answers; `queued` waits for a person; `agent` speaks; `closed` ended."""

    BOT = "bot"
    QUEUED = "queued"
    AGENT = "agent"
    CLOSED = "closed"


ALLOWED: Final[dict[Owner, frozenset[Owner]]] = {
    Owner.BOT: frozenset({Owner.QUEUED, Owner.AGENT, Owner.CLOSED}),
    Owner.QUEUED: frozenset({Owner.AGENT, Owner.BOT, Owner.CLOSED}),
    Owner.AGENT: frozenset({Owner.QUEUED, Owner.BOT, Owner.CLOSED}),
    Owner.CLOSED: frozenset(),
}
"""What may follow what. A closed conversation stays closed; the resident's next message opens a new one."""


def transfer(session: Session, *, conversation: Conversation, to: Owner, actor: str, reason: str) -> None:
    """Gives a conversation to another owner, only if nobody else did since it was read.

    Raises `Conflict` when the change is not allowed or another process was first; nothing is changed then."""
    owner = Owner(conversation.owner)
    if to not in ALLOWED[owner]:
        raise Conflict(f"A conversation cannot go from {owner} to {to}.")
    values: dict[str, object] = {"owner": to.value, "owner_version": Conversation.owner_version + 1}
    if to is Owner.CLOSED:
        values |= {"active_key": None, "closed_at": conversation.last_at}
    session.flush()
    changed = session.scalar(
        update(Conversation)
        .where(Conversation.id == conversation.id, Conversation.owner_version == conversation.owner_version)
        .values(values)
        .returning(Conversation.id)
        .execution_options(synchronize_session=False)
    )
    if changed is None:
        raise Conflict("Someone else took this conversation first.")
    session.refresh(conversation, ["owner", "owner_version", "active_key", "closed_at"])
    record(
        session,
        actor=actor,
        action=f"conversation.{to.value}",
        subject=conversation.reference,
        detail={"from": owner.value, "reason": reason},
    )
