"""What happens to an agent's part of a call, whoever tells of it: the desk, Twilio, or the clock. The caller owns the transaction
and performs the effects after its commit."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from desk import presence
from desk import service as handoffs
from desk.models import DeskAgent, Handoff
from desk.states import State
from desk.voice.effects import BACK, JOIN, Dial, Effect, End, Lead
from desk.voice.models import VoiceLeg
from desk.voice.rules import Rules, hung_up, sid_of, with_911
from desk.voice.states import ALLOWED, LIVE, RINGS, WITH_CALLER, Phase, live_leg, look, move, on_a_call
from server import clock
from server.conversations.models import Conversation
from server.errors import Conflict
from server.staff.models import StaffUser

RING_SECONDS: Final = 25
STALE: Final = timedelta(seconds=75)
"""A telephone that neither rings out nor is picked up for so long is not coming; what Twilio told of it was lost."""
UNDIALED: Final = timedelta(seconds=4)
LEADING: Final = ("to_911", "transferred")
"""Why a leg that is going on will end: its agent sent the caller elsewhere."""
REFUSED: Final = {"busy": "busy", "no-answer": "no_answer", "failed": "not_placed", "canceled": "no_answer"}
"""`CallStatus` of a telephone that nobody picked up, and our word for it."""


def begin(session: Session, *, conversation: Conversation, handoff: Handoff, rules: Rules) -> list[Effect]:
    """Opens the leg of an agent who has just taken a call. Without a telephone the agents' line of the city rings instead.

    Raises `Conflict` when the caller is on the way to 911, the agent is on another call, or there is no telephone at all."""
    if not sid_of(conversation) or hung_up(conversation):
        return []
    agent = handoff.accepted_by or ""
    if with_911(conversation, psaps=rules.psaps):
        raise Conflict("This caller is being connected to 911.", words="voice.with_911")
    if agent in on_a_call(session):
        raise Conflict("You are on a call. Finish it first.", words="voice.on_a_call")
    phone = rules.phone_of(session, agent)
    if phone is None:
        if rules.agents_line:
            return []
        raise Conflict("Put your telephone number on your account page first.", words="voice.no_phone")
    now = clock.now()
    leg = VoiceLeg(
        token=secrets.token_hex(16),
        conversation_id=conversation.id,
        handoff_id=handoff.id,
        agent=agent,
        phone=phone,
        phase=Phase.WANTED.value,
        phase_at=now,
        made_at=now,
    )
    session.add(leg)
    session.flush()
    return [Dial(leg.id)]


def follow(session: Session, *, conversation: Conversation, rules: Rules, reason: str) -> list[Effect]:
    """Lets the call follow its handoff: a leg whose agent no longer has the conversation ends, and the caller is led back."""
    leg = live_leg(session, conversation_id=conversation.id)
    if leg is None:
        return []
    before = look(session, leg=leg)
    if _has(session.get_one(Handoff, leg.handoff_id), leg):
        return []
    if not move(session, leg=leg, to=Phase.OVER, actor="desk", reason=reason):
        return []
    effects: list[Effect] = []
    if before not in RINGS:
        effects += back(conversation, rules=rules)
    if before not in WITH_CALLER and leg.call_sid:
        effects.append(End(leg.call_sid))
    return effects


def back(conversation: Conversation, *, rules: Rules) -> list[Effect]:
    """Leads a caller back into the flow, unless they are gone or on the way to 911."""
    if hung_up(conversation) or with_911(conversation, psaps=rules.psaps):
        return []
    return [Lead(conversation.id, sid_of(conversation), BACK)]


def picked_up(session: Session, *, leg: VoiceLeg, call_sid: str) -> bool:
    """Somebody or something picked up the agent's telephone. False when the call is no longer wanted."""
    look(session, leg=leg)
    if leg.call_sid is None:
        leg.call_sid = call_sid[:64]
    move(session, leg=leg, to=Phase.WHISPER, actor=leg.agent)
    return leg.phase == Phase.WHISPER


def pressed(session: Session, *, leg: VoiceLeg, rules: Rules) -> list[Effect] | None:
    """The agent pressed 1: the caller is led to the conference. Nothing when it cannot be any more."""
    look(session, leg=leg)
    conversation = session.get_one(Conversation, leg.conversation_id)
    if hung_up(conversation) or not _has(session.get_one(Handoff, leg.handoff_id), leg):
        return None
    move(session, leg=leg, to=Phase.JOINING, actor=leg.agent)
    if leg.phase not in (Phase.JOINING, *WITH_CALLER):
        return None
    if leg.phase != Phase.JOINING or with_911(conversation, psaps=rules.psaps):
        return []
    return [Lead(conversation.id, sid_of(conversation), JOIN, token=leg.token)]


def caller_joins(session: Session, *, leg: VoiceLeg) -> bool:
    """The caller is on the way into the conference. False when there is nobody in it."""
    move(session, leg=leg, to=Phase.TALKING, actor="caller", only_from=(Phase.JOINING,))
    return leg.phase in WITH_CALLER


def both_in(leg: VoiceLeg) -> None:
    """The conference has both in it."""
    leg.joined_at = leg.joined_at or clock.now()


def agent_gone(session: Session, *, leg: VoiceLeg, rules: Rules, caller_here: bool = False) -> list[Effect]:
    """The agent's part is over: the talk ended, or it never came to one. A caller who might be alone in the conference is led
    back; `caller_here` says that they are back already."""
    if look(session, leg=leg) not in WITH_CALLER:
        return not_reached(session, leg=leg, rules=rules, reason="lost" if leg.phase == Phase.JOINING else "no_key")
    reason = leg.reason if leg.reason in LEADING else "agent_left"
    if not move(session, leg=leg, to=Phase.OVER, actor=leg.agent, reason=reason):
        return []
    _finish(session, leg)
    conversation = session.get_one(Conversation, leg.conversation_id)
    return [] if caller_here or leg.joined_at is not None else back(conversation, rules=rules)


def progress(session: Session, *, leg: VoiceLeg, status: str, rules: Rules) -> list[Effect]:
    """How the call to the agent's telephone goes. Late, repeated and unknown words change nothing."""
    if status in REFUSED:
        return not_reached(session, leg=leg, rules=rules, reason=REFUSED[status])
    return agent_gone(session, leg=leg, rules=rules) if status == "completed" else []


def not_reached(session: Session, *, leg: VoiceLeg, rules: Rules, reason: str) -> list[Effect]:
    """The agent and the caller did not come together: the caller goes to the front of the line and is told, the agent is on a
    break."""
    before = look(session, leg=leg)
    if Phase.FAILED not in ALLOWED[before]:
        return []
    agent = session.get(DeskAgent, leg.agent)
    if agent is not None and agent.state != "offline":
        # Before anything goes on record: whoever writes the record holds everything else already.
        presence.choose(session, name=leg.agent, state="break")
    move(session, leg=leg, to=Phase.FAILED, actor="desk", reason=reason)
    handoff = session.get_one(Handoff, leg.handoff_id)
    if _has(handoff, leg):
        handoffs.requeue(session, handoff_id=handoff.id, agent=leg.agent, reason=f"phone_{reason}")
        if not _ever_spoke(session, handoff):
            # Nobody answered yet: the service level goes on counting.
            handoff.accepted_at = None
    return back(session.get_one(Conversation, leg.conversation_id), rules=rules) if before is Phase.JOINING else []


def caller_gone(session: Session, *, conversation: Conversation) -> list[Effect]:
    """The caller hung up. A talk goes to its wrap-up; an agent whose telephone rings keeps the packet, to call them back."""
    leg = live_leg(session, conversation_id=conversation.id)
    if leg is None:
        return []
    before = look(session, leg=leg)
    if not move(session, leg=leg, to=Phase.OVER, actor="caller", reason="caller_gone"):
        return []
    if before in WITH_CALLER:
        _finish(session, leg)
        return []
    return [End(leg.call_sid)] if leg.call_sid and before is not Phase.WHISPER else []


def handed_on(session: Session, *, conversation: Conversation, reason: str) -> list[Effect]:
    """The caller left the agent for 911 or for another office: the agent files it, and nobody asks the caller whether it helped."""
    leg = live_leg(session, conversation_id=conversation.id)
    handoff = handoffs.current_handoff(session, conversation_id=conversation.id)
    effects: list[Effect] = []
    if leg is not None:
        before = look(session, leg=leg)
        if move(session, leg=leg, to=Phase.OVER, actor=leg.agent, reason=reason) and before not in WITH_CALLER and leg.call_sid:
            effects.append(End(leg.call_sid))
    if handoff is not None and handoff.state == State.AGENT and handoff.accepted_by:
        handoffs.finish(session, handoff_id=handoff.id, agent=handoff.accepted_by)
    conversation.memory = {key: value for key, value in conversation.memory.items() if key != "helped_for"}
    return effects


def overdue(session: Session) -> list[VoiceLeg]:
    """Legs that nobody moves any more: not dialed because a process stopped, or no word from Twilio."""
    now = clock.now()
    undialed = (VoiceLeg.phase == Phase.WANTED.value) & (VoiceLeg.phase_at < now - UNDIALED)
    ringing = (Phase.DIALING.value, Phase.WHISPER.value)
    silent = VoiceLeg.phase.in_(ringing) & (VoiceLeg.phase_at < now - STALE)
    return list(session.scalars(select(VoiceLeg).where(or_(undialed, silent)).order_by(VoiceLeg.id).limit(50)))


def no_calls(session: Session, *, rules: Rules) -> set[str]:
    """The agents to whom no call can be put now: on a call already, or without a telephone."""
    phoneless = select(StaffUser.name).where(StaffUser.phone.is_(None))
    without = set() if rules.practice or rules.agents_line else set(session.scalars(phoneless))
    return on_a_call(session) | without


def without_call(session: Session, handoff_ids: Sequence[int]) -> set[int]:
    """The handoffs, of these, whose agent had the caller on the telephone and has not any more."""
    legs = session.execute(select(VoiceLeg.handoff_id, VoiceLeg.phase).where(VoiceLeg.handoff_id.in_(handoff_ids))).all()
    return {leg.handoff_id for leg in legs} - {leg.handoff_id for leg in legs if leg.phase in LIVE}


def astray(session: Session) -> list[Conversation]:
    """Conversations with a leg of an agent who no longer has them, whoever took them away."""
    moved = (Handoff.state != State.AGENT.value) | (Handoff.accepted_by != VoiceLeg.agent)
    found = (
        select(Conversation)
        .join(VoiceLeg, VoiceLeg.conversation_id == Conversation.id)
        .join(Handoff, Handoff.id == VoiceLeg.handoff_id)
        .where(VoiceLeg.phase.in_(LIVE), moved)
    )
    return list(session.scalars(found.order_by(Conversation.id).limit(50)))


def _has(handoff: Handoff, leg: VoiceLeg) -> bool:
    return handoff.state == State.AGENT and handoff.accepted_by == leg.agent


def _finish(session: Session, leg: VoiceLeg) -> None:
    if _has(session.get_one(Handoff, leg.handoff_id), leg):
        handoffs.finish(session, handoff_id=leg.handoff_id, agent=leg.agent)


def _ever_spoke(session: Session, handoff: Handoff) -> bool:
    spoke = select(VoiceLeg.id).where(VoiceLeg.handoff_id == handoff.id, VoiceLeg.joined_at.is_not(None)).limit(1)
    return session.scalar(spoke) is not None
