"""How often things are said and taken: the place in line, the notice to those who get no answer, bursts of texts. Values in,
values out; what is kept stands in the conversation's memory."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from server.conversations import words
from server.conversations.models import Conversation
from server.conversations.ownership import Owner
from server.conversations.plan import Plan
from server.conversations.turn import Channel, Inbound

STILL_WAITING_EVERY: Final = timedelta(seconds=60)
NOTICE_EVERY: Final = timedelta(hours=1)
"""So long a resident who gets no answer is not told so again."""
BURST: Final = timedelta(minutes=1)
MOST_IN_A_BURST: Final = 30
"""Texts of one number in a minute, more than a person writes; beyond them they are stored and looked at by the triage, but not
answered. The web chat has limits of its own, and a call cannot hurry."""


def hurried(inbound: Inbound, conversation: Conversation, now: datetime) -> bool:
    """Whether this text is one too many in its burst."""
    return _burst(inbound, conversation, now)[1] >= MOST_IN_A_BURST


def counted(inbound: Inbound, conversation: Conversation, now: datetime) -> list[Any]:
    """The present burst with this text in it, as it is kept."""
    began, count = _burst(inbound, conversation, now)
    return [began.isoformat(), count + 1]


def told_now(plan: Plan, conversation: Conversation, inbound: Inbound, now: datetime) -> bool:
    """Whether a resident who gets no answer is told so: once in a while, by phone always, since silence there is a dead line, and
    never over an agent."""
    if plan.step not in words.NOTICES or conversation.owner == Owner.AGENT:
        return False
    said = conversation.memory.get(f"{plan.step}_said")
    return inbound.channel is Channel.IVR or said is None or now - datetime.fromisoformat(said) >= NOTICE_EVERY


def may_speak_again(conversation: Conversation, now: datetime) -> bool:
    """Whether somebody in line may be told their place again."""
    said = conversation.memory.get("waiting_said")
    return said is None or now - datetime.fromisoformat(said) >= STILL_WAITING_EVERY


def _burst(inbound: Inbound, conversation: Conversation, now: datetime) -> tuple[datetime, int]:
    began, count = conversation.memory.get("burst") or (None, 0)
    if inbound.channel is not Channel.SMS or began is None or now - datetime.fromisoformat(began) >= BURST:
        return now, 0
    return datetime.fromisoformat(began), int(count)
