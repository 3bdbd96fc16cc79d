"""The way of an agent's leg of a call: which phase may follow which, and the one function that moves it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.states import lock
from desk.voice.models import VoiceLeg
from server import clock
from server.audit.service import record
from server.conversations.models import Conversation


class Phase(StrEnum):
    """`wanted` is to be dialed; `dialing` was given to Twilio and rings; `whisper` was picked up and hears who is calling;
    `joining` pressed 1 and waits for the caller; `talking` has the caller; `held` has the caller on hold; `over` ended as it
    should, `failed` before the two spoke."""

    WANTED = "wanted"
    DIALING = "dialing"
    WHISPER = "whisper"
    JOINING = "joining"
    TALKING = "talking"
    HELD = "held"
    OVER = "over"
    FAILED = "failed"


P = Phase

ALLOWED: Final[dict[Phase, frozenset[Phase]]] = {
    P.WANTED: frozenset({P.DIALING, P.WHISPER, P.OVER, P.FAILED}),
    P.DIALING: frozenset({P.WHISPER, P.OVER, P.FAILED}),
    P.WHISPER: frozenset({P.JOINING, P.OVER, P.FAILED}),
    P.JOINING: frozenset({P.TALKING, P.OVER, P.FAILED}),
    P.TALKING: frozenset({P.HELD, P.OVER}),
    P.HELD: frozenset({P.TALKING, P.OVER}),
    P.OVER: frozenset(),
    P.FAILED: frozenset(),
}
"""What may follow what. Only a key that was pressed leads from `whisper` to `joining`: a mailbox presses none."""

LIVE: Final = tuple(phase.value for phase in P if ALLOWED[phase])
"""The phases in which the leg is going on; a conversation has at most one such leg."""
RINGS: Final = (P.WANTED, P.DIALING, P.WHISPER)
"""Before the agent said that they are there."""
WITH_CALLER: Final = (P.TALKING, P.HELD)


def look(session: Session, *, leg: VoiceLeg) -> Phase:
    """The phase of a leg as it is now, held with its conversation until the transaction ends."""
    lock(session, handoff_id=leg.handoff_id)
    session.flush()
    session.refresh(leg)
    return Phase(leg.phase)


def move(session: Session, *, leg: VoiceLeg, to: Phase, actor: str, reason: str = "", only_from: tuple[Phase, ...] = ()) -> bool:
    """Moves a leg in the caller's transaction and puts it on record; `only_from` names the phases that the caller means.

    False when that phase cannot follow: what Twilio tells late or twice changes nothing."""
    before = look(session, leg=leg)
    if to not in ALLOWED[before] or (only_from and before not in only_from):
        return False
    conversation = session.get_one(Conversation, leg.conversation_id)
    record(
        session,
        actor=actor,
        action=f"voice.{to.value}",
        subject=conversation.reference,
        detail={"from": before.value, "reason": reason, "agent": leg.agent, "leg": leg.id},
    )
    leg.phase, leg.phase_at, leg.reason = to.value, clock.now(), reason
    if not ALLOWED[to]:
        # The number was needed for this call only; the account keeps it.
        leg.phone = ""
    session.flush()
    return True


def live_leg(session: Session, *, conversation_id: int) -> VoiceLeg | None:
    """The leg of a conversation that is going on."""
    return session.scalar(
        select(VoiceLeg)
        .where(VoiceLeg.conversation_id == conversation_id, VoiceLeg.phase.in_(LIVE))
        .order_by(VoiceLeg.id.desc())
        .limit(1)
    )


def newest_leg(session: Session, *, conversation_id: int) -> VoiceLeg | None:
    """The last leg of a conversation, going on or not."""
    return session.scalar(select(VoiceLeg).where(VoiceLeg.conversation_id == conversation_id).order_by(VoiceLeg.id.desc()).limit(1))


def leg_of(session: Session, *, token: str) -> VoiceLeg | None:
    """The leg that Twilio's requests name by this token."""
    return session.scalar(select(VoiceLeg).where(VoiceLeg.token == token[:32])) if token else None


def on_a_call(session: Session) -> set[str]:
    """The agents who have a leg going on."""
    return set(session.scalars(select(VoiceLeg.agent).where(VoiceLeg.phase.in_(LIVE))))
