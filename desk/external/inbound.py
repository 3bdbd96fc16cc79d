"""What their desk tells us: an agent of theirs takes a conversation, writes, gives it back or ends it. The caller owns the
transaction; whose conversation it is is looked at in it, under the lock that every turn takes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from desk import acts, service
from desk.external.models import OutsideEvent, OutsideThread
from desk.external.port import Event, Said
from desk.external.seats import is_outside, sit
from desk.external.states import LIVE, Thread, reach
from desk.models import Handoff
from desk.reply import say_typed
from desk.states import WAITING, State, lock
from knowledge.library import Library
from server import clock
from server.alerts.service import raise_alert
from server.conversations.models import Conversation
from server.errors import Conflict, NotFound

UNSETTLED: Final = "other"


@dataclass(frozen=True)
class Heard:
    """What became of an event."""

    conversation_id: int
    repeated: bool = False


def take(session: Session, *, event: Event, library: Library, languages: Sequence[str]) -> Heard:
    """Does what an event says, once. What an agent wrote goes out as our own agents' words do, marked as a person's.

    Raises `NotFound` for a conversation that their desk was not given, `Conflict` when it is not theirs now, and `BadInput` for
    words that cannot be sent; nothing is changed then."""
    thread = find(session, event)
    handoff, conversation = lock(session, handoff_id=thread.handoff_id)
    session.refresh(thread, with_for_update=True)
    if not _first(session, event):
        return Heard(conversation.id, repeated=True)
    if event.outside_id and thread.outside_id is None:
        thread.outside_id = event.outside_id[:64]
    match event.said:
        case Said.TAKEN:
            _hold(session, thread, handoff, conversation, event, library, languages)
        case Said.MESSAGE:
            name = _hold(session, thread, handoff, conversation, event, library, languages)
            once = hashlib.sha256(event.id.encode()).hexdigest()[:32]
            say_typed(session, conversation=conversation, agent=name, text=event.text, once=once)
        case Said.RETURNED | Said.CLOSED:
            _end(session, thread, handoff, conversation, event, library)
    if thread.state == Thread.NEW:
        # They have it, although the answer that told us so was lost. Last, as places are taken before the record is written.
        reach(session, thread=thread, to=Thread.OPEN, reason="heard")
    return Heard(conversation.id)


def find(session: Session, event: Event) -> OutsideThread:
    """The newest thread that an event is about. Raises `NotFound`."""
    query = select(OutsideThread).order_by(OutsideThread.id.desc()).limit(1)
    if event.outside_id:
        found = session.scalar(query.where(OutsideThread.outside_id == event.outside_id[:64]))
        if found is not None:
            return found
    if event.reference:
        joined = query.join(Conversation, Conversation.id == OutsideThread.conversation_id)
        found = session.scalar(joined.where(Conversation.reference == event.reference[:16]))
        if found is not None:
            return found
    raise NotFound("There is no such conversation.")


def holds(session: Session, event: Event) -> int | None:
    """The conversation that an event is about when their desk has it now."""
    thread = find(session, event)
    handoff = session.get_one(Handoff, thread.handoff_id)
    return thread.conversation_id if handoff.state == State.AGENT and is_outside(handoff.accepted_by) else None


def _first(session: Session, event: Event) -> bool:
    """Notes an event under its own id; false when it was told before."""
    key = event.id[:140]
    if session.get(OutsideEvent, key) is not None:
        return False
    try:
        with session.begin_nested():
            session.add(OutsideEvent(key=key, received_at=clock.now()))
    except IntegrityError:
        # Another process was told the same just now, and was first.
        return False
    return True


def _hold(
    session: Session,
    thread: OutsideThread,
    handoff: Handoff,
    conversation: Conversation,
    event: Event,
    library: Library,
    languages: Sequence[str],
) -> str:
    """Makes sure that this agent of theirs has the conversation, and tells the resident who is with them when that is new."""
    if thread.state not in LIVE or handoff.state not in (*WAITING, State.AGENT.value):
        raise Conflict("This conversation is over, or somebody else has it.")
    name = sit(session, agent=event.agent, languages=languages)
    if handoff.state != State.AGENT:
        acts.take(session, conversation=conversation, agent=name, library=library)
    elif not is_outside(handoff.accepted_by):
        raise Conflict("An agent of the city's own desk has this conversation.")
    elif handoff.accepted_by != name:
        acts.take_over(session, conversation=conversation, supervisor=name, library=library)
    return name


def _end(
    session: Session, thread: OutsideThread, handoff: Handoff, conversation: Conversation, event: Event, library: Library
) -> None:
    """Ends their part. Who was never answered stays in our line, where our own agents see it."""
    if handoff.state == State.AGENT and is_outside(handoff.accepted_by):
        name = handoff.accepted_by or ""
        if event.said is Said.RETURNED:
            acts.give_back(session, conversation=conversation, agent=name, library=library)
        else:
            settled = event.settled if event.settled in service.SETTLED else UNSETTLED
            acts.finish(session, conversation=conversation, agent=name, library=library)
            service.file(session, handoff_id=handoff.id, agent=name, settled=settled)
    elif handoff.state in WAITING and thread.state in LIVE:
        detail = {"reason": handoff.reason}
        raise_alert(session, kind="outside_desk_passed", severity="warning", conversation_id=conversation.id, detail=detail)
    reach(session, thread=thread, to=Thread.CLOSED, reason=event.said.value, actor="outside")
