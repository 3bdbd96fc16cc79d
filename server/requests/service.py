"""Making, finding and settling requests. The caller owns the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from server import clock
from server.audit.service import record
from server.conversations.ledger import new_reference
from server.conversations.models import Conversation
from server.errors import Conflict, NotFound
from server.requests.kinds import KINDS, Filled
from server.requests.models import ServiceRequest


class State(StrEnum):
    """`open` waits for the office; `in_progress` is being worked on; `done` and `cancelled` are over and can be opened again."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"


ALLOWED: Final[dict[State, frozenset[State]]] = {
    State.OPEN: frozenset({State.IN_PROGRESS, State.DONE, State.CANCELLED}),
    State.IN_PROGRESS: frozenset({State.OPEN, State.DONE, State.CANCELLED}),
    State.DONE: frozenset({State.OPEN}),
    State.CANCELLED: frozenset({State.OPEN}),
}
"""What may follow what."""
OVER: Final = frozenset({State.DONE, State.CANCELLED})
TOLD_FOR: Final = timedelta(days=180)
"""After this long a telephone number may be somebody else's: older requests are told by a person only."""
MOST_OF_ONE: Final = 10
MOST_LISTED: Final = 100


def make(
    session: Session,
    *,
    conversation: Conversation,
    kind: str,
    filled: Filled,
    made_by: str,
    contact: str | None = None,
    once: str | None = None,
) -> ServiceRequest:
    """Stores a filled-in form with a new tracking number. `contact` is the sealed number to call; `once` names the form, see
    `by_form`."""
    now = clock.now()
    row = ServiceRequest(
        reference=new_reference(KINDS[kind].prefix),
        kind=kind,
        fields=filled.fields,
        contact=contact,
        state=State.OPEN.value,
        state_at=now,
        conversation_id=conversation.id,
        person=conversation.person,
        made_by=made_by,
        made_at=now,
        once=once,
    )
    session.add(row)
    session.flush()
    detail = {"kind": kind, "conversation": conversation.reference}
    record(session, actor=made_by, action="request.made", subject=row.reference, detail=detail)
    return row


def by_form(session: Session, *, once: str) -> ServiceRequest | None:
    """The request that a form has led to, if it was sent before."""
    return session.scalar(select(ServiceRequest).where(ServiceRequest.once == once))


def by_reference(session: Session, *, reference: str) -> ServiceRequest:
    """The request with this tracking number. Raises `NotFound`."""
    row = session.scalar(select(ServiceRequest).where(ServiceRequest.reference == reference.strip().upper()))
    if row is None:
        raise NotFound("There is no such request.", words="desk_requests.no_request")
    return row


def move(session: Session, *, reference: str, to: str, actor: str, seen: str | None = None) -> ServiceRequest:
    """Takes a request to another state, on record. `seen` is the state that the caller had before them. Raises `Conflict` when it
    is in another one by now, or when that state cannot follow."""
    row = by_reference(session, reference=reference)
    session.refresh(row, with_for_update=True)
    before = State(row.state)
    if seen not in (None, before.value) or to not in {state.value for state in ALLOWED[before]}:
        raise Conflict("Somebody else changed this request first.", words="desk_requests.changed")
    row.state, row.state_at = to, clock.now()
    session.flush()
    record(session, actor=actor, action="request.moved", subject=row.reference, detail={"from": before.value, "to": to})
    return row


def of_resident(session: Session, *, conversation: Conversation) -> list[ServiceRequest]:
    """What this resident asked for, the newest first: in this conversation, and in others from the same number or browser."""
    return [row for row, _ in _of_contact(session, conversation)]


@dataclass(frozen=True)
class Known:
    """What a resident may be told of a request of theirs."""

    reference: str
    conversation: str
    """The reference of the conversation in which it was made, which residents were told too."""
    state: State
    since: datetime


def told_to(session: Session, *, conversation: Conversation, now: datetime) -> list[Known]:
    """The requests whose state may be told in this conversation, the newest first. One that was made where somebody else may have
    been watching is told by nobody but a person."""
    return [
        Known(row.reference, made_in.reference, State(row.state), row.made_at if row.state == State.OPEN.value else row.state_at)
        for row, made_in in _of_contact(session, conversation)
        if row.made_at >= now - TOLD_FOR and not made_in.memory.get("watched")
    ]


def _of_contact(session: Session, conversation: Conversation) -> list[tuple[ServiceRequest, Conversation]]:
    ours = Conversation.key == conversation.key
    if conversation.person is not None:
        ours = or_(ours, ServiceRequest.person == conversation.person)
    query = select(ServiceRequest, Conversation).join(Conversation, Conversation.id == ServiceRequest.conversation_id)
    rows = session.execute(query.where(ours).order_by(ServiceRequest.id.desc()).limit(MOST_OF_ONE))
    return [(row, made_in) for row, made_in in rows]


def listed(
    session: Session, *, kind: str = "", state: str = "", reference: str = "", most: int | None = MOST_LISTED
) -> list[tuple[ServiceRequest, str]]:
    """Requests with the reference of their conversation, the newest first; each filter is left out when it is empty."""
    query = select(ServiceRequest, Conversation.reference).join(Conversation, Conversation.id == ServiceRequest.conversation_id)
    if kind:
        query = query.where(ServiceRequest.kind == kind)
    if state:
        query = query.where(ServiceRequest.state == state)
    if reference:
        query = query.where(ServiceRequest.reference.contains(reference.strip().upper(), autoescape=True))
    rows = session.execute(query.order_by(ServiceRequest.id.desc()).limit(most))
    return [(row, conversation) for row, conversation in rows]
