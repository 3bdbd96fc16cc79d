"""What a caller hears around a talk with an agent, read from where the call stands. The caller owns the transaction."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from desk.models import DeskAgent, Handoff
from desk.service import current_handoff, open_handoff
from desk.states import State
from desk.telling import shown
from desk.voice.models import VoiceLeg
from desk.voice.rules import with_911
from desk.voice.service import caller_joins
from desk.voice.states import WITH_CALLER, Phase, leg_of, newest_leg
from ivr import calls
from ivr.calls import Call, Standing
from server.conversations.models import Conversation
from server.conversations.ownership import Owner
from server.conversations.ports import Desk

NOT_REACHED, PASSED_ON = "system.agent_not_reached", "system.passed_on"


@dataclass(frozen=True)
class Talk:
    """Where a call stands with an agent's telephone."""

    at_911: bool = False
    """True while nothing may break off the way to 911."""
    leg: bool = False
    """True when an agent's own telephone has to do with this call."""
    token: str = ""
    """The leg whose conference the caller belongs into now."""
    not_reached: bool = False
    """True once, for a caller whose agent could not be reached."""


def talk_of(session: Session, *, call: Call, psaps: tuple[str, ...]) -> Talk:
    """Where a call stands with an agent's telephone; what has to be told is told by who asks."""
    conversation = calls.find(session, call)
    leg = newest_leg(session, conversation_id=conversation.id) if conversation is not None else None
    if conversation is None:
        return Talk()
    at_911 = with_911(conversation, psaps=psaps)
    if leg is None:
        return Talk(at_911)
    owed = leg.phase == Phase.FAILED and not leg.told
    leg.told = leg.told or owed
    into = leg.phase in (Phase.JOINING, *WITH_CALLER) and conversation.owner == Owner.AGENT and not at_911
    return Talk(at_911, leg.handoff_id == _handoff_id(session, conversation), leg.token if into else "", owed)


def _handoff_id(session: Session, conversation: Conversation) -> int | None:
    handoff = current_handoff(session, conversation_id=conversation.id)
    return handoff.id if handoff is not None else None


def join(session: Session, *, call: Call, token: str, psaps: tuple[str, ...]) -> bool:
    """Takes a caller into the conference of a leg. False when they do not belong there any more."""
    conversation, leg = calls.find(session, call), leg_of(session, token=token)
    if conversation is None or leg is None or leg.conversation_id != conversation.id or with_911(conversation, psaps=psaps):
        return False
    return caller_joins(session, leg=leg)


@dataclass(frozen=True)
class After:
    """Where a call goes on after a talk, and the approved text that says so."""

    stands: Standing | None
    at_911: bool = False
    say: str = "system.returned_to_bot"
    values: dict[str, str | int] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """True for a caller who goes back to the line."""
        return self.stands is not None and self.stands.owner in (Owner.QUEUED, Owner.AGENT)


def after(session: Session, *, call: Call, desk: Desk, psaps: tuple[str, ...]) -> After:
    """What a caller hears who comes back from a talk, or from one that did not come about."""
    conversation = calls.find(session, call)
    stands = calls.standing(session, call=call, desk=desk)
    if conversation is None or stands is None:
        return After(None)
    at_911 = with_911(conversation, psaps=psaps)
    leg = newest_leg(session, conversation_id=conversation.id)
    if stands.owner == Owner.BOT:
        handoff = session.get(Handoff, leg.handoff_id) if leg is not None else None
        if handoff is not None and handoff.state == State.WRAPUP and conversation.memory.get("helped_for") == handoff.id:
            name = shown(session.get(DeskAgent, handoff.accepted_by or ""))
            return After(stands, at_911, "system.agent_done", {"agent": name, "reference": conversation.reference})
        return After(stands, at_911)
    if stands.owner == Owner.QUEUED and leg is not None and leg.phase == Phase.FAILED:
        leg.told = True
        return After(stands, at_911, NOT_REACHED)
    return After(stands, at_911, PASSED_ON)


def office_silent(session: Session, *, call: Call) -> None:
    """Nobody answered at the office: the caller goes to the front of the line."""
    conversation = calls.find(session, call)
    if conversation is not None:
        open_handoff(session, conversation=conversation, reason="transfer_failed", text="").front = True


def whispered(session: Session, leg: VoiceLeg) -> tuple[Conversation, Handoff]:
    """What the agent is told of."""
    return session.get_one(Conversation, leg.conversation_id), session.get_one(Handoff, leg.handoff_id)
