"""What a call with an agent depends on: the agent's telephone, the city's numbers, and whether the caller is on the way to 911."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import clock
from server.conversations import ledger
from server.conversations.models import Conversation
from server.conversations.turn import Channel
from server.http.deps import ChannelDeps
from server.identity.keys import Keys
from server.staff.models import StaffUser
from server.twilio.addresses import ten_digit, ten_digits

PRACTICE_PHONE: Final = "+12025550190"
"""The agent's telephone of the simulator, for who has no number on their account. 555-01xx is kept for fiction by the North
American Numbering Plan."""
_KEY: Final = "ivr:"
_BACK: Final = "transfer_back"


@dataclass(frozen=True)
class Number:
    """One telephone number that callers may be transferred to."""

    key: str
    name: Mapping[str, str]
    number: str

    def named(self, language: str) -> str:
        """What it is called."""
        return self.name.get(language) or next(iter(self.name.values()), self.key)


@dataclass(frozen=True)
class Rules:
    """What holds for calls in this installation now."""

    keys: Keys
    psaps: tuple[str, ...]
    agents_line: bool
    practice: bool
    """True when the stand-in is the telephone network."""
    numbers: tuple[Number, ...]

    @classmethod
    def of(cls, deps: ChannelDeps, city: Mapping[str, Any]) -> Rules:
        """The rules by the city's values."""
        return cls(
            keys=deps.keys,
            psaps=ten_digits(city.get("psap_transfer")),
            agents_line=ten_digit(city.get("agent_line")) is not None,
            practice=not deps.settings.live and not deps.settings.twilio_api_base,
            numbers=numbers(city),
        )

    def phone_of(self, session: Session, agent: str) -> str | None:
        """The sealed telephone of an agent, or nothing."""
        sealed = session.scalar(select(StaffUser.phone).where(StaffUser.name == agent))
        return sealed or (self.keys.seal(PRACTICE_PHONE) if self.practice else None)


def numbers(city: Mapping[str, Any]) -> tuple[Number, ...]:
    """The city's list of numbers that callers may be transferred to, `transfer_numbers`. An entry that cannot be read, or leads to
    911 itself, is left out."""
    listed = city.get("transfer_numbers")
    found: list[Number] = []
    for key, entry in (listed if isinstance(listed, Mapping) else {}).items():
        number = ten_digit(entry.get("number")) if isinstance(entry, Mapping) else None
        if number is not None:
            name = entry.get("name")
            names = {str(k): str(v) for k, v in name.items()} if isinstance(name, Mapping) else {"en": str(name or key)}
            found.append(Number(str(key), names, number))
    return tuple(found)


def sid_of(conversation: Conversation) -> str:
    """The CallSid of a call; nothing for any other conversation."""
    known = conversation.channel == Channel.IVR and conversation.key.startswith(_KEY)
    return conversation.key.removeprefix(_KEY) if known else ""


def hung_up(conversation: Conversation) -> bool:
    """True when the caller is no longer there."""
    return "hung_up" in conversation.memory


def with_911(conversation: Conversation, *, psaps: tuple[str, ...]) -> bool:
    """True while a caller is given the 911 line or is being transferred: nothing may break that off. It is over once the caller
    says that it is no emergency, the talk ended, or no number of the 911 center answered."""
    if not psaps or conversation.latch_until is None:
        return False
    began = conversation.latch_until - ledger.LATCH

    def since(what: str) -> bool:
        at = conversation.memory.get(what)
        return at is not None and datetime.fromisoformat(at) >= began

    # A talk with the 911 center may last longer than the latch; its end takes the latch away.
    return not since(_BACK) and (since("transfer_reached") or conversation.latch_until > clock.now())


def not_at_911(conversation: Conversation) -> None:
    """Notes that the transfer to 911 did not come about and the caller is with us again."""
    conversation.memory = {**conversation.memory, _BACK: clock.now().isoformat()}
