"""The way of a handoff: which state may follow which, who may speak to the resident in each, and the one function that moves it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Handoff
from server import clock
from server.audit.service import record
from server.conversations.models import Conversation
from server.conversations.ownership import Owner, transfer
from server.errors import Conflict


class State(StrEnum):
    """`queued` waits; `offered` is put to one agent, who has half a minute; `agent` speaks with one; `wrapup` is over for the
    resident while the agent notes what was settled; `callback` is to be called or written back; `closed` and `bot` are over, the
    second unsettled and with the assistant again; `lost` left the line before anybody came."""

    QUEUED = "queued"
    OFFERED = "offered"
    AGENT = "agent"
    WRAPUP = "wrapup"
    CALLBACK = "callback"
    CLOSED = "closed"
    BOT = "bot"
    LOST = "lost"


S = State

ALLOWED: Final[dict[State, frozenset[State]]] = {
    S.QUEUED: frozenset({S.OFFERED, S.AGENT, S.CALLBACK, S.LOST, S.BOT, S.CLOSED}),
    S.OFFERED: frozenset({S.AGENT, S.QUEUED, S.CALLBACK, S.LOST, S.BOT, S.CLOSED}),
    S.AGENT: frozenset({S.AGENT, S.QUEUED, S.OFFERED, S.WRAPUP, S.CALLBACK, S.BOT, S.CLOSED}),
    S.WRAPUP: frozenset({S.CLOSED, S.AGENT}),
    S.CALLBACK: frozenset({S.QUEUED, S.AGENT, S.LOST, S.CLOSED}),
    S.CLOSED: frozenset(),
    S.BOT: frozenset(),
    S.LOST: frozenset(),
}
"""What may follow what. From one agent to another is a take-over."""

OWNER: Final[dict[State, frozenset[Owner]]] = {
    S.QUEUED: frozenset({Owner.QUEUED}),
    S.OFFERED: frozenset({Owner.QUEUED}),
    S.AGENT: frozenset({Owner.AGENT}),
    S.WRAPUP: frozenset({Owner.BOT}),
    S.CALLBACK: frozenset({Owner.BOT}),
    S.CLOSED: frozenset({Owner.CLOSED, Owner.BOT}),
    S.BOT: frozenset({Owner.BOT}),
    S.LOST: frozenset({Owner.BOT}),
}
"""Who owns the conversation while its handoff is in a state. One that is closed after the wrap-up stays with the assistant."""

WAITING: Final = (S.QUEUED.value, S.OFFERED.value)
OPEN: Final = (S.QUEUED.value, S.OFFERED.value, S.AGENT.value, S.CALLBACK.value)
"""The states in which somebody still owes the resident something; a conversation has at most one such handoff."""
_LASTING: Final = frozenset({S.WRAPUP, S.CALLBACK})
"""After these the conversation lives a life of its own: it may be with anybody, or over."""


def hold(session: Session, *, conversation_ids: Iterable[int]) -> None:
    """Locks some conversations in one order until the transaction ends. What touches an agent's place or the record besides holds
    its conversations first, as every turn does, so that two never wait for each other."""
    wanted = select(Conversation.id).where(Conversation.id.in_(list(conversation_ids))).order_by(Conversation.id)
    session.execute(wanted.with_for_update()).all()


def lock(session: Session, *, handoff_id: int) -> tuple[Handoff, Conversation]:
    """A handoff and its conversation as they are now, held until the transaction ends. The conversation first, as every turn does
    it, so that two never wait for each other."""
    handoff = session.get_one(Handoff, handoff_id)
    session.flush()
    conversation = session.get_one(Conversation, handoff.conversation_id, with_for_update=True, populate_existing=True)
    session.refresh(handoff)
    return handoff, conversation


def move(
    session: Session,
    *,
    handoff_id: int,
    to: State,
    actor: str,
    reason: str,
    agent: str | None = None,
    owner: Owner | None = None,
    lease_until: datetime | None = None,
    only_from: State | None = None,
    only_of: str | None = None,
) -> Handoff:
    """Moves a handoff, and its conversation with it, in the caller's transaction, and puts both on record. `agent` is who has it
    afterwards; `owner` says who gets the conversation where the state leaves a choice; `only_from` and `only_of` name the state and
    the agent that the caller saw, so that what was decided on an older look does nothing.

    Raises `Conflict` when the move is not allowed from the state that it is in by now; nothing is changed then."""
    handoff, conversation = lock(session, handoff_id=handoff_id)
    before = State(handoff.state)
    taken_over = before is not to or (agent is not None and agent != handoff.accepted_by)
    seen = only_from in (None, before) and only_of in (None, handoff.accepted_by)
    if to not in ALLOWED[before] or not taken_over or not seen:
        raise Conflict(_refusal(before, to), words="desk_refusal.taken" if to is S.AGENT else "desk_refusal.not_now")
    now = clock.now()
    _own(session, conversation, before=before, to=to, owner=owner, actor=actor, reason=reason)
    record(
        session,
        actor=actor,
        action=f"handoff.{to.value}",
        subject=conversation.reference,
        detail={"from": before.value, "reason": reason, "agent": agent, "handoff": handoff.id},
    )
    handoff.state, handoff.state_at, handoff.lease_until = to.value, now, lease_until
    if agent is not None:
        handoff.accepted_by = agent
    if to is S.AGENT and handoff.accepted_at is None:
        handoff.accepted_at = now
    if to is S.QUEUED:
        handoff.accepted_by = None
    if to not in OPEN and to is not S.WRAPUP:
        handoff.ended_at = now
    session.flush()
    return handoff


def _own(
    session: Session, conversation: Conversation, *, before: State, to: State, owner: Owner | None, actor: str, reason: str
) -> None:
    if before is S.AGENT and to is S.AGENT:
        # Another agent: what the first one was about to say is no longer theirs to say.
        transfer(session, conversation=conversation, to=Owner.QUEUED, actor=actor, reason=reason)
    wanted = OWNER[to]
    if owner is not None and owner not in wanted:
        raise Conflict(f"A handoff that is {to.value} cannot be owned by {owner.value}.")
    now = Owner(conversation.owner)
    if before in _LASTING and to in (S.CLOSED, S.LOST):
        return
    if now not in (wanted if owner is None else {owner}):
        target = owner or (next(iter(wanted)) if len(wanted) == 1 else Owner.CLOSED)
        transfer(session, conversation=conversation, to=target, actor=actor, reason=reason)


def _refusal(before: State, to: State) -> str:
    if to is S.AGENT:
        return "Someone else took this conversation first."
    return f"A handoff cannot go from {before.value} to {to.value}."
