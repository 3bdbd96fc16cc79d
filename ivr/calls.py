"""One call as the routes see it, and what is stored about it besides its turns. The caller owns the transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.voice.effects import Effect
from desk.voice.rules import not_at_911
from desk.voice.service import caller_gone
from ivr.flow import Heard
from ivr.links import Position
from server import clock
from server.alerts.service import raise_alert
from server.conversations import ledger
from server.conversations.models import Conversation
from server.conversations.ownership import Owner, transfer
from server.conversations.ports import Desk
from server.conversations.turn import Channel, Inbound, Kind
from server.errors import BadInput
from server.identity.keys import Keys
from server.twilio.addresses import is_number
from server.voicemail import service as voicemail
from server.voicemail.models import Voicemail

_SID: Final = re.compile(r"[A-Za-z0-9]{1,64}")
LONGEST_SPEECH: Final = 4000
ANSWERED: Final = frozenset({"completed", "answered"})
"""`DialCallStatus` of a transfer that somebody took."""


@dataclass(frozen=True)
class Call:
    """Who calls whom. A call is known by its CallSid alone: withheld callers share a number, never a state."""

    sid: str
    caller: str
    ours: str

    @classmethod
    def of(cls, form: dict[str, str]) -> Call:
        """The call in Twilio's fields. Raises `BadInput` without a usable CallSid."""
        sid = form.get("CallSid", "")
        if not _SID.fullmatch(sid):
            raise BadInput("CallSid is missing.")
        return cls(sid, form.get("From", "").strip(), form.get("To", "").strip()[:64])

    @property
    def key(self) -> str:
        """What the conversation is known by."""
        return f"ivr:{self.sid}"

    @property
    def number(self) -> str | None:
        """The caller's number, or nothing when it is withheld."""
        return self.caller if is_number(self.caller) else None

    def inbound(
        self, position: Position, *, keys: Keys, kind: Kind, text: str, language: str | None, confidence: float | None
    ) -> Inbound:
        """What the caller did, for the spine; the step number makes a repeated request the same turn."""
        return Inbound(
            channel=Channel.IVR,
            claim=f"{self.key}:{position.step}",
            key=self.key,
            text=text[:LONGEST_SPEECH],
            kind=kind,
            person=keys.hash(self.number) if self.number else None,
            contact=keys.seal(self.number) if self.number else None,
            our_address=self.ours,
            language=language,
            confidence=confidence,
        )


def heard_in(form: dict[str, str]) -> Heard:
    """What a gathering brought. `Confidence` may be missing, and is no number one can rely on when it is."""
    try:
        told = float(form.get("Confidence", ""))
    except ValueError:
        told = 0.0
    confidence = told if 0.0 < told <= 1.0 else None
    return Heard(form.get("Digits", "").strip()[:64], form.get("SpeechResult", "").strip()[:LONGEST_SPEECH], confidence)


def find(session: Session, call: Call) -> Conversation | None:
    """The open conversation of a call."""
    return session.scalar(select(Conversation).where(Conversation.active_key == call.key))


def latest(session: Session, call: Call) -> Conversation | None:
    """The last conversation of a call, also after the caller hung up."""
    return session.scalar(select(Conversation).where(Conversation.key == call.key).order_by(Conversation.id.desc()).limit(1))


@dataclass(frozen=True)
class Standing:
    """Where a call's conversation stands."""

    owner: str
    language: str
    place_in_line: int
    turns: int
    latch_card: str | None
    place: str | None


def standing(session: Session, *, call: Call, desk: Desk) -> Standing | None:
    """Where a call stands, with its place in line while it waits; nothing before its first turn."""
    conversation = find(session, call)
    if conversation is None:
        return None
    waits = conversation.owner == Owner.QUEUED
    place = desk.queue(session, conversation=conversation, reason="user_request", text="").place if waits else 0
    return _standing(conversation, place)


def _standing(conversation: Conversation, place_in_line: int) -> Standing:
    return Standing(
        conversation.owner, conversation.language, place_in_line, conversation.turns, conversation.latch_card, conversation.place
    )


def latched(session: Session, *, call: Call) -> bool:
    """True when the caller has been given the 911 line in this call, and has not said that it is no emergency."""
    conversation = find(session, call)
    return conversation is not None and conversation.latch_until is not None and conversation.latch_until > clock.now()


def transfer_reached(session: Session, *, call: Call) -> Conversation | None:
    """Somebody at the 911 center picked up; from then on a hang-up is no alarm."""
    conversation = find(session, call)
    if conversation is not None:
        conversation.memory = {**conversation.memory, "transfer_reached": clock.now().isoformat()}
    return conversation


def transfer_over(session: Session, *, call: Call) -> None:
    """The talk with the 911 center is over: what the caller says next is no longer treated as the same emergency."""
    conversation = find(session, call)
    if conversation is not None:
        ledger.release(conversation)


def transfer_failed(session: Session, *, call: Call, position: Position, status: str, another: bool, desk: Desk) -> Standing | None:
    """A number of the 911 center could not be reached: staff are told once. Without `another` number to try the call goes
    to the front of the line for a person."""
    conversation = find(session, call)
    detail = {"status": status[:16], "number": position.rounds + 1}
    if conversation is None:
        raise_alert(session, kind="psap_transfer_failed", severity="critical", detail=detail)
        return None
    if conversation.memory.get("transfer_failed") != position.step:
        conversation.memory = {**conversation.memory, "transfer_failed": position.step}
        raise_alert(session, kind="psap_transfer_failed", severity="critical", conversation_id=conversation.id, detail=detail)
    if not another:
        not_at_911(conversation)
    place = 0 if another else desk.queue(session, conversation=conversation, reason="emergency", text="").place
    return _standing(conversation, place)


def ended(session: Session, *, call: Call) -> list[Effect]:
    """The caller hung up. A call that waits for a person stays in line, to be called back; a hang-up in an emergency that the 911
    center did not take is put in front of staff."""
    conversation = find(session, call)
    if conversation is None or conversation.memory.get("hung_up"):
        return []
    effects = caller_gone(session, conversation=conversation)
    now = clock.now()
    conversation.memory = {**conversation.memory, "hung_up": now.isoformat()}
    if _in_danger(conversation, now):
        raise_alert(session, kind="emergency_hangup", severity="critical", conversation_id=conversation.id)
    elif conversation.owner == Owner.QUEUED:
        raise_alert(session, kind="hung_up_waiting", severity="warning", conversation_id=conversation.id)
    if conversation.owner == Owner.BOT and not voicemail.awaited(session, conversation=conversation):
        conversation.last_at = now
        transfer(session, conversation=conversation, to=Owner.CLOSED, actor="caller", reason="hung_up")
    return effects


def recorded(session: Session, *, call: Call, form: dict[str, str]) -> Voicemail | None:
    """Notes a message that the caller recorded. Without a conversation, lost with the database, staff are told all the same."""
    sid, length = form.get("RecordingSid", ""), form.get("RecordingDuration", "")
    if not _SID.fullmatch(sid):
        return None
    conversation = latest(session, call)
    if conversation is None:
        raise_alert(session, kind="voicemail_unread", severity="critical", detail={"recording": sid})
        return None
    seconds = int(length) if length.isascii() and length.isdigit() and len(length) < 6 else 0
    return voicemail.keep(session, conversation=conversation, recording=sid, seconds=seconds)


def over_after_all(session: Session, *, call: Call) -> None:
    """Closes the conversation of a caller who hung up before the words of their message came."""
    conversation = find(session, call)
    hung_up = conversation is not None and conversation.memory.get("hung_up") and conversation.owner == Owner.BOT
    if conversation is not None and hung_up and not voicemail.awaited(session, conversation=conversation):
        transfer(session, conversation=conversation, to=Owner.CLOSED, actor="caller", reason="hung_up")


def _in_danger(conversation: Conversation, now: datetime) -> bool:
    if conversation.latch_until is None or conversation.latch_until <= now:
        return False
    reached = conversation.memory.get("transfer_reached")
    return reached is None or datetime.fromisoformat(reached) < conversation.latch_until - ledger.LATCH
