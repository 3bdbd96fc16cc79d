"""What an agent does with a call they have: hold, 911 in one step, another office."""

from __future__ import annotations

from sqlalchemy.orm import Session

from desk.service import current_handoff
from desk.states import State, lock
from desk.voice.effects import DIAL, PSAP, Effect, Hold, Lead
from desk.voice.rules import Rules, hung_up, sid_of
from desk.voice.states import Phase, live_leg, move
from server import clock
from server.alerts.service import raise_alert
from server.audit.service import record
from server.conversations import ledger
from server.conversations.models import Conversation
from server.errors import Conflict


def hold(session: Session, *, conversation: Conversation, agent: str, on: bool) -> list[Effect]:
    """Puts the caller on hold, or takes them back. Pressed twice it changes nothing more."""
    _held(session, conversation, agent)
    leg = live_leg(session, conversation_id=conversation.id)
    to, before = (Phase.HELD, Phase.TALKING) if on else (Phase.TALKING, Phase.HELD)
    if leg is None or Phase(leg.phase) not in (to, before):
        raise Conflict("The caller is not with you now.", words="voice.not_connected")
    return [Hold(leg.id, on)] if move(session, leg=leg, to=to, actor=agent, only_from=(before,)) else []


def to_911(session: Session, *, conversation: Conversation, agent: str, rules: Rules) -> list[Effect]:
    """Leads the caller to the 911 center's own number, in one step, from wherever they are; every desk rings.

    The agent keeps the call until the caller has left it: a transfer that cannot even begin takes nobody away from them."""
    _held(session, conversation, agent)
    _there(conversation)
    if not rules.psaps:
        raise Conflict(
            "The city has no transfer number of the 911 center. Tell the caller to hang up and dial 911.", words="voice.no_psap"
        )
    ledger.latch(conversation, card="card.emergency", now=clock.now())
    _leading(session, conversation, "to_911")
    raise_alert(session, kind="agent_to_911", severity="critical", conversation_id=conversation.id, detail={"agent": agent})
    record(session, actor=agent, action="voice.to_911", subject=conversation.reference)
    return [Lead(conversation.id, sid_of(conversation), PSAP)]


def to_number(session: Session, *, conversation: Conversation, agent: str, key: str, rules: Rules) -> list[Effect]:
    """Leads the caller to a number of the city's list."""
    _held(session, conversation, agent)
    _there(conversation)
    if all(number.key != key for number in rules.numbers):
        raise Conflict("Choose a number of the city's list.", words="voice.choose_number")
    _leading(session, conversation, "transferred")
    record(session, actor=agent, action="voice.to_number", subject=conversation.reference, detail={"number": key})
    return [Lead(conversation.id, sid_of(conversation), DIAL, to=key)]


def _held(session: Session, conversation: Conversation, agent: str) -> None:
    handoff = current_handoff(session, conversation_id=conversation.id)
    if handoff is not None:
        handoff, _ = lock(session, handoff_id=handoff.id)
    if handoff is None or handoff.state != State.AGENT or handoff.accepted_by != agent:
        raise Conflict("Take the conversation first.", words="desk_refusal.take_first")


def _leading(session: Session, conversation: Conversation, reason: str) -> None:
    leg = live_leg(session, conversation_id=conversation.id)
    if leg is not None:
        leg.reason, leg.phase_at = reason, clock.now()


def _there(conversation: Conversation) -> None:
    if not sid_of(conversation) or hung_up(conversation):
        raise Conflict("The caller has hung up.", words="voice.caller_gone")
