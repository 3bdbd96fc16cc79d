"""The way of a handoff at their desk: which state may follow which, and the one function that moves it and puts it on record."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy.orm import Session

from desk.external.models import OutsideThread
from server import clock
from server.audit.service import record
from server.conversations.models import Conversation


class Thread(StrEnum):
    """`new` is on its way; `open` is at their desk; `refused` they would not have, `closed` is over there. The handoff itself
    stays in our line until one of their agents writes, whatever becomes of the thread."""

    NEW = "new"
    OPEN = "open"
    REFUSED = "refused"
    CLOSED = "closed"


T = Thread

ALLOWED: Final[dict[Thread, frozenset[Thread]]] = {
    T.NEW: frozenset({T.OPEN, T.REFUSED, T.CLOSED}),
    T.OPEN: frozenset({T.CLOSED}),
    T.REFUSED: frozenset({T.CLOSED}),
    T.CLOSED: frozenset(),
}
"""What may follow what."""
LIVE: Final = (T.NEW.value, T.OPEN.value)
"""The states in which what is said goes to their desk."""


def reach(session: Session, *, thread: OutsideThread, to: Thread, reason: str, actor: str = "desk") -> bool:
    """Moves a thread on, in the caller's transaction; false, and nothing changes, when it cannot go there from where it is."""
    if to not in ALLOWED[Thread(thread.state)]:
        return False
    conversation = session.get_one(Conversation, thread.conversation_id)
    detail = {"from": thread.state, "reason": reason, "handoff": thread.handoff_id}
    record(session, actor=actor, action=f"outside.{to.value}", subject=conversation.reference, detail=detail)
    thread.state = to.value
    if to in (T.CLOSED, T.REFUSED):
        thread.ended_at = clock.now()
    session.flush()
    return True
