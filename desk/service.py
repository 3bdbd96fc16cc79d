"""What is done with a handoff: into the line, to an agent, on to another, back, and to its end. The caller owns the transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Handoff
from desk.needs import needs_in, priority_of
from desk.notes import add_note
from desk.packet import build_packet
from desk.states import OPEN, State, lock, move
from server import clock
from server.audit.service import record
from server.conversations.models import Conversation
from server.conversations.ownership import Owner, transfer
from server.errors import BadInput, Conflict

PRIORITY: Final[dict[str, int]] = {
    "emergency": 0,
    "emergency_failed_transfer": 0,
    "opted_out_emergency": 0,
    "distress": 1,
    "vulnerable": 1,
    "welfare_check": 1,
}
"""The priority of a reason for a handoff; every other reason is 2."""
OFFER: Final = timedelta(seconds=30)
"""How long an agent has to take what is offered."""
PASSED_ON: Final = timedelta(seconds=60)
"""How long an agent has to take what a colleague passes on."""
WRAPUP: Final = timedelta(minutes=2)
"""After so long a wrap-up ends by itself, and the agent has room for the next."""
SAME_MATTER: Final = timedelta(minutes=30)
"""Who asks again so soon after the end goes before the others, not behind them."""
SETTLED: Final = ("answered", "referred", "request", "callback", "no_answer", "other")
"""What can have become of a handoff; the words stand in the catalogue as `desk_agent.settled_*`."""


def open_handoff(
    session: Session,
    *,
    conversation: Conversation,
    reason: str,
    text: str,
    slots: dict[str, Any] | None = None,
    later: bool = False,
) -> Handoff:
    """Queues a conversation for a person and stores its packet; with `later` it is kept for when the agents are there.

    The place in the line is kept when it is already in it, and one that was kept for later joins the line by its first arrival."""
    waiting = current_handoff(session, conversation_id=conversation.id)
    if waiting is not None:
        if waiting.state == State.CALLBACK and not later:
            move(session, handoff_id=waiting.id, to=State.QUEUED, actor="assistant", reason=reason)
        return waiting
    now = clock.now()
    if conversation.owner == Owner.BOT and not later:
        transfer(session, conversation=conversation, to=Owner.QUEUED, actor="assistant", reason=reason)
    elif later:
        record(session, actor="assistant", action="handoff.callback", subject=conversation.reference, detail={"reason": reason})
    packet = build_packet(session, conversation=conversation, reason=reason, text=text, slots=slots or {}, now=now)
    handoff = Handoff(
        conversation_id=conversation.id,
        reason=reason,
        priority=priority_of(PRIORITY.get(reason, 2), emergency=_in_danger(conversation, now), needs=packet["needs"]),
        front=_same_matter(session, conversation=conversation, now=now),
        state=(State.CALLBACK if later else State.QUEUED).value,
        state_at=now,
        packet=packet,
        queued_at=now,
    )
    session.add(handoff)
    session.flush()
    return handoff


def _same_matter(session: Session, *, conversation: Conversation, now: datetime) -> bool:
    before = session.scalar(
        select(Handoff.id)
        .where(Handoff.conversation_id == conversation.id, Handoff.ended_at > now - SAME_MATTER, Handoff.accepted_at.is_not(None))
        .limit(1)
    )
    return before is not None


def current_handoff(session: Session, *, conversation_id: int) -> Handoff | None:
    """The handoff that is waiting, being handled or kept for later, if there is one."""
    return session.scalar(
        select(Handoff)
        .where(Handoff.conversation_id == conversation_id, Handoff.state.in_(OPEN))
        .order_by(Handoff.id.desc())
        .limit(1)
    )


def wrapping_up(session: Session, *, conversation_id: int, agent: str) -> Handoff | None:
    """The handoff of a conversation that this agent has just ended and not yet filed."""
    return session.scalar(
        select(Handoff)
        .where(Handoff.conversation_id == conversation_id, Handoff.state == State.WRAPUP.value, Handoff.accepted_by == agent)
        .order_by(Handoff.id.desc())
        .limit(1)
    )


def append_message(session: Session, *, conversation: Conversation, text: str) -> None:
    """Adds what a resident wrote meanwhile to the packet. Their place in line changes only for the better: when it tells of a need,
    or of an emergency."""
    handoff = current_handoff(session, conversation_id=conversation.id)
    if handoff is not None:
        needs = list(dict.fromkeys([*handoff.packet.get("needs", []), *needs_in([text])]))
        since = [*handoff.packet.get("since", []), text]
        handoff.packet = {**handoff.packet, "since": since, "last_message": text, "needs": needs}
        in_danger = _in_danger(conversation, clock.now())
        handoff.priority = priority_of(handoff.priority, emergency=in_danger, needs=needs)


def _in_danger(conversation: Conversation, now: datetime) -> bool:
    return conversation.latch_until is not None and conversation.latch_until > now


def offer(session: Session, *, handoff_id: int, agent: str, actor: str = "desk", allow: timedelta = OFFER) -> Handoff:
    """Puts a waiting conversation to one agent, for as long as `allow`."""
    until = clock.now() + allow
    return move(
        session,
        handoff_id=handoff_id,
        to=State.OFFERED,
        actor=actor,
        reason="offered",
        agent=agent,
        lease_until=until,
        only_from=State.QUEUED,
    )


def refuse(session: Session, *, handoff_id: int, agent: str, reason: str = "refused") -> Handoff:
    """Puts an offer that was not taken back where it was in the line; this agent is not asked again."""
    handoff = move(
        session,
        handoff_id=handoff_id,
        to=State.QUEUED,
        actor=agent,
        reason=reason,
        only_from=State.OFFERED,
        only_of=agent,
    )
    handoff.refused = [*handoff.refused, agent]
    return handoff


def accept(session: Session, *, handoff_id: int, agent: str) -> Handoff:
    """Gives a waiting conversation to one agent. Raises `Conflict` when another agent was first, or is being asked just now."""
    handoff, _ = lock(session, handoff_id=handoff_id)
    _follow(session, handoff)
    if handoff.state == State.OFFERED and handoff.accepted_by != agent:
        raise Conflict("This conversation is being offered to a colleague.", words="desk_refusal.being_offered")
    if handoff.state == State.AGENT:
        raise Conflict("Someone else took this conversation first.", words="desk_refusal.taken")
    return move(session, handoff_id=handoff_id, to=State.AGENT, actor=agent, reason="accepted", agent=agent)


def _follow(session: Session, handoff: Handoff) -> None:
    """A matter kept for later goes with the resident, who may have opened a new conversation since."""
    if handoff.state != State.CALLBACK:
        return
    conversation = session.get_one(Conversation, handoff.conversation_id)
    if conversation.owner == Owner.CLOSED:
        newer = session.scalar(select(Conversation).where(Conversation.active_key == conversation.key))
        if newer is None or current_handoff(session, conversation_id=newer.id) is not None:
            raise Conflict(
                "This conversation is over. Reach the resident by phone and file the callback.", words="desk_refusal.over"
            )
        handoff.conversation_id = newer.id
        session.flush()


def take_over(session: Session, *, handoff_id: int, supervisor: str) -> Handoff:
    """Gives a conversation to a supervisor, whoever has it or is asked."""
    return move(session, handoff_id=handoff_id, to=State.AGENT, actor=supervisor, reason="taken_over", agent=supervisor)


def pass_on(
    session: Session, *, handoff_id: int, actor: str, note: str, agent: str | None = None, group: str | None = None
) -> Handoff:
    """Passes a conversation to another agent, who has a minute to take it, or to whoever in a group takes it first.

    It goes to the front of the line, so that the resident does not wait twice. Raises `BadInput` without a note: nobody should have
    to ask them again."""
    note = note.strip()
    if not note or (agent is None) == (group is None):
        raise BadInput("Name one agent or one group, and write what they must know.", words="desk_refusal.pass_whom")
    handoff, _ = lock(session, handoff_id=handoff_id)
    add_note(session, conversation_id=handoff.conversation_id, kind="transfer", author=actor, text=note)
    if agent is None:
        handoff = move(session, handoff_id=handoff_id, to=State.QUEUED, actor=actor, reason="passed_on")
    else:
        until = clock.now() + PASSED_ON
        handoff = move(
            session, handoff_id=handoff_id, to=State.OFFERED, actor=actor, reason="passed_on", agent=agent, lease_until=until
        )
    handoff.front, handoff.group, handoff.refused = True, group, [] if agent else [actor]
    return handoff


def requeue(session: Session, *, handoff_id: int, agent: str | None, reason: str, actor: str = "desk") -> Handoff:
    """Puts a conversation whose agent is gone at the front of the line, unless somebody else has it by now."""
    handoff = move(
        session,
        handoff_id=handoff_id,
        to=State.QUEUED,
        actor=actor,
        reason=reason,
        only_from=State.AGENT,
        only_of=agent,
    )
    handoff.front = True
    return handoff


def give_back(session: Session, *, handoff_id: int, agent: str) -> Handoff:
    """Returns a conversation to the assistant, unsettled."""
    return move(session, handoff_id=handoff_id, to=State.BOT, actor=agent, reason="returned", only_from=State.AGENT, only_of=agent)


def leave_line(session: Session, *, handoff_id: int) -> Handoff:
    """Takes a resident who no longer wants to wait out of the line."""
    return move(session, handoff_id=handoff_id, to=State.LOST, actor="resident", reason="left")


def keep_for_later(session: Session, *, handoff_id: int, actor: str) -> Handoff:
    """Turns waiting into a callback: the resident has the assistant again, and an agent comes back to them later."""
    return move(session, handoff_id=handoff_id, to=State.CALLBACK, actor=actor, reason="callback")


def finish(session: Session, *, handoff_id: int, agent: str) -> Handoff:
    """Ends the talk: the assistant has the conversation again and knows what it was about; the agent files what was settled."""
    until = clock.now() + WRAPUP
    handoff = move(
        session,
        handoff_id=handoff_id,
        to=State.WRAPUP,
        actor=agent,
        reason="finished",
        lease_until=until,
        only_from=State.AGENT,
        only_of=agent,
    )
    conversation = session.get_one(Conversation, handoff.conversation_id)
    settled = {"handoff": handoff.id, "by": agent, "reason": handoff.reason, "at": clock.now().isoformat()}
    conversation.memory = {**conversation.memory, "settled": settled, "helped_for": handoff.id, "misses": 0}
    return handoff


def file(session: Session, *, handoff_id: int, agent: str, settled: str, note: str = "") -> Handoff:
    """Ends the wrap-up with what was settled. Raises `BadInput` for an outcome that is not one of ours."""
    if settled not in SETTLED:
        raise BadInput("Choose what became of it.", words="desk_refusal.choose_outcome")
    handoff = move(
        session,
        handoff_id=handoff_id,
        to=State.CLOSED,
        actor=agent,
        reason=settled,
        only_from=State.WRAPUP,
        only_of=agent,
    )
    if note.strip():
        add_note(session, conversation_id=handoff.conversation_id, kind="note", author=agent, text=note)
    handoff.settled = settled
    return handoff


def end_wrapup(session: Session, *, handoff_id: int) -> Handoff:
    """Ends a wrap-up that nobody filed."""
    return move(session, handoff_id=handoff_id, to=State.CLOSED, actor="desk", reason="not_filed", only_from=State.WRAPUP)


def reopen(session: Session, *, handoff_id: int, agent: str) -> Handoff:
    """Takes a conversation up again during the wrap-up. Raises `Conflict` when the resident is in the line again by now."""
    handoff, _ = lock(session, handoff_id=handoff_id)
    if current_handoff(session, conversation_id=handoff.conversation_id) is not None:
        raise Conflict("The resident is in the line again; take them from there.", words="desk_refusal.in_line_again")
    return move(
        session,
        handoff_id=handoff_id,
        to=State.AGENT,
        actor=agent,
        reason="reopened",
        agent=agent,
        only_from=State.WRAPUP,
        only_of=agent,
    )


def close(session: Session, *, conversation: Conversation, agent: str) -> None:
    """Ends a conversation without another word; the resident's next message opens a new one."""
    handoff = current_handoff(session, conversation_id=conversation.id)
    if handoff is not None and handoff.state != State.CALLBACK:
        move(session, handoff_id=handoff.id, to=State.CLOSED, actor=agent, reason="closed", owner=Owner.CLOSED)
    else:
        if handoff is not None:
            move(session, handoff_id=handoff.id, to=State.CLOSED, actor=agent, reason="closed")
        transfer(session, conversation=conversation, to=Owner.CLOSED, actor=agent, reason="closed")


def holder(session: Session, *, conversation_id: int) -> str | None:
    """The agent who has a conversation now."""
    handoff = current_handoff(session, conversation_id=conversation_id)
    return handoff.accepted_by if handoff is not None and handoff.state == State.AGENT else None
