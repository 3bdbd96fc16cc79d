"""What agents do, each with what the resident is told of it, in one transaction of the caller's."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk import service
from desk.models import DeskAgent, Handoff
from desk.presence import choose, sit_down
from desk.states import State, hold
from desk.telling import shown, tell, tell_of_agent
from knowledge.library import Library
from server.alerts.service import taken_up
from server.conversations.models import Conversation
from server.conversations.ownership import Owner
from server.errors import Conflict


def take(session: Session, *, conversation: Conversation, agent: str, library: Library) -> Handoff:
    """Takes a conversation: the one in line, or one that the assistant has. The resident is told who is with them."""
    hold(session, conversation_ids=[conversation.id])
    sit_down(session, name=agent)
    handoff = service.wrapping_up(session, conversation_id=conversation.id, agent=agent)
    current = service.current_handoff(session, conversation_id=conversation.id)
    if handoff is not None and current is None:
        handoff = service.reopen(session, handoff_id=handoff.id, agent=agent)
    else:
        if current is None:
            current = service.open_handoff(session, conversation=conversation, reason="agent_pull", text="")
        handoff = service.accept(session, handoff_id=current.id, agent=agent)
    return _greeted(session, handoff, library)


def take_over(session: Session, *, conversation: Conversation, supervisor: str, library: Library) -> Handoff:
    """Takes a conversation from whoever has it."""
    hold(session, conversation_ids=[conversation.id])
    sit_down(session, name=supervisor)
    handoff = _current(session, conversation)
    return _greeted(session, service.take_over(session, handoff_id=handoff.id, supervisor=supervisor), library)


def pass_on(
    session: Session,
    *,
    conversation: Conversation,
    actor: str,
    note: str,
    library: Library,
    agent: str | None = None,
    group: str | None = None,
    supervises: bool = False,
) -> Handoff:
    """Passes a conversation on, with a note; only its agent or a supervisor can. The resident is told when they spoke with one."""
    handoff = _current(session, conversation)
    spoke = handoff.state == State.AGENT
    if not supervises and not (spoke and handoff.accepted_by == actor):
        raise Conflict("Take the conversation first.", words="desk_refusal.take_first")
    if agent is not None and session.get(DeskAgent, agent) is None:
        raise Conflict("That agent has no place at the desk yet.", words="desk_refusal.no_seat")
    handoff = service.pass_on(session, handoff_id=handoff.id, actor=actor, note=note, agent=agent, group=group)
    if spoke:
        _tell(session, handoff, library, "system.passed_on")
    return handoff


def lose_agent(session: Session, *, handoff_id: int, agent: str | None, library: Library, reason: str = "agent_lost") -> Handoff:
    """Puts a conversation whose agent is gone at the front of the line and tells the resident."""
    handoff = service.requeue(session, handoff_id=handoff_id, agent=agent, reason=reason)
    _tell(session, handoff, library, "system.agent_lost")
    return handoff


def choose_presence(session: Session, *, agent: str, state: str, library: Library) -> list[int]:
    """Sets what an agent is. What one who goes offline still has goes to the front of the line; gives those conversations."""
    if state != "offline":
        choose(session, name=agent, state=state)
        return []
    held = select(Handoff.id, Handoff.conversation_id).where(Handoff.state == State.AGENT.value, Handoff.accepted_by == agent)
    hold(session, conversation_ids=[row.conversation_id for row in session.execute(held)])
    # Looked up again: what this agent no longer has by now is not theirs to put back.
    ids = [row.id for row in session.execute(held.order_by(Handoff.id))]
    choose(session, name=agent, state=state)
    return [
        lose_agent(session, handoff_id=handoff_id, agent=agent, library=library, reason="agent_left").conversation_id
        for handoff_id in ids
    ]


def give_back(session: Session, *, conversation: Conversation, agent: str, library: Library) -> Handoff:
    """Returns a conversation to the assistant, unsettled, and says so."""
    handoff = service.give_back(session, handoff_id=_held(session, conversation, agent).id, agent=agent)
    _tell(session, handoff, library, "system.returned_to_bot")
    return handoff


def finish(session: Session, *, conversation: Conversation, agent: str, library: Library) -> Handoff:
    """Ends the talk: the resident gets the reference and is asked whether it helped; the assistant is there again."""
    handoff = service.finish(session, handoff_id=_held(session, conversation, agent).id, agent=agent)
    name = shown(session.get(DeskAgent, agent))
    _tell(session, handoff, library, "system.agent_done", agent=name, reference=conversation.reference)
    return handoff


def later(session: Session, *, handoff_id: int, actor: str, library: Library) -> Handoff:
    """Keeps a waiting conversation for when agents are there, and tells the resident when that is."""
    handoff = service.keep_for_later(session, handoff_id=handoff_id, actor=actor)
    conversation = session.get_one(Conversation, handoff.conversation_id)
    conversation.memory = {**conversation.memory, "kept_for_later": True}
    _tell(session, handoff, library, "system.handoff_after_hours")
    return handoff


def close(session: Session, *, conversation: Conversation, agent: str, supervises: bool) -> None:
    """Ends a conversation without another word. One that a colleague has can only be closed by a supervisor."""
    held_by = service.holder(session, conversation_id=conversation.id)
    if held_by not in (None, agent) and not supervises:
        raise Conflict("A colleague has this conversation.", words="desk_refusal.colleague_has")
    if conversation.owner == Owner.CLOSED:
        raise Conflict("That cannot be done with this conversation now.", words="desk_refusal.not_now")
    service.close(session, conversation=conversation, agent=agent)


def _greeted(session: Session, handoff: Handoff, library: Library) -> Handoff:
    conversation = session.get_one(Conversation, handoff.conversation_id)
    taken_up(session, conversation_id=conversation.id, by=handoff.accepted_by or "desk")
    tell_of_agent(session, conversation=conversation, library=library, handoff=handoff)
    return handoff


def _tell(session: Session, handoff: Handoff, library: Library, message_id: str, **values: str | int) -> None:
    conversation = session.get_one(Conversation, handoff.conversation_id)
    cause = f"{handoff.id}:{conversation.owner_version}"
    tell(session, conversation=conversation, library=library, message_id=message_id, cause=cause, **values)


def _current(session: Session, conversation: Conversation) -> Handoff:
    handoff = service.current_handoff(session, conversation_id=conversation.id)
    if handoff is None:
        raise Conflict("That cannot be done with this conversation now.", words="desk_refusal.not_now")
    return handoff


def _held(session: Session, conversation: Conversation, agent: str) -> Handoff:
    handoff = _current(session, conversation)
    if handoff.state != State.AGENT or handoff.accepted_by != agent:
        raise Conflict("Take the conversation first.", words="desk_refusal.take_first")
    return handoff
