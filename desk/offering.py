"""Whom a waiting conversation is put to: language, then skill and group, then the one with the most room. Pure but for one read."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.line import order
from desk.models import DeskAgent, Handoff
from desk.presence import Seat, seats
from desk.states import State
from server.conversations.models import Conversation
from server.conversations.turn import Channel

_AT_ONCE: Final = 50


@dataclass(frozen=True)
class Fit:
    """How well an agent fits a conversation."""

    language: bool
    skill: bool
    group: bool

    @property
    def score(self) -> int:
        """Higher is better; the language weighs most."""
        return 4 * self.language + 2 * self.group + self.skill


def fit(agent: DeskAgent, *, language: str, reason: str, channel: str, group: str | None) -> Fit:
    """How an agent fits a conversation in a language, for a reason, on a channel, passed to a group or to nobody in particular."""
    skilled = bool({reason, channel} & set(agent.skills))
    return Fit(language in agent.languages, skilled, group is not None and agent.group == group)


def choose(free: Sequence[Seat], *, handoff: Handoff, language: str, channel: str, taken: dict[str, int]) -> Seat | None:
    """The agent that a conversation is put to; nobody when all are full or let it pass. Somebody without the language is asked
    when nobody with it has room: an agent with an interpreter is better than a longer wait."""
    able = [seat for seat in free if seat.room > taken.get(seat.agent.name, 0) and seat.agent.name not in handoff.refused]
    if handoff.group is not None:
        able = [seat for seat in able if seat.agent.group == handoff.group] or able

    def rank(seat: Seat) -> tuple[int, int, str]:
        name = seat.agent.name
        score = fit(seat.agent, language=language, reason=handoff.reason, channel=channel, group=handoff.group).score
        return (-score, seat.load + taken.get(name, 0), name)

    return min(able, key=rank, default=None)


def offers(session: Session, *, without_calls: Set[str] = frozenset()) -> list[tuple[int, str]]:
    """Which waiting conversations are put to whom now, the first in line first; no call to agents `without_calls`."""
    free = [seat for seat in seats(session) if seat.room]
    if not free:
        return []
    rows = session.execute(
        select(Handoff, Conversation.language, Conversation.channel)
        .join(Conversation, Conversation.id == Handoff.conversation_id)
        .where(Handoff.state == State.QUEUED.value)
        .order_by(*order())
        .limit(_AT_ONCE)
    ).all()
    found: list[tuple[int, str]] = []
    taken: dict[str, int] = {}
    for handoff, language, channel in rows:
        able = [seat for seat in free if seat.agent.name not in without_calls] if channel == Channel.IVR else free
        seat = choose(able, handoff=handoff, language=language, channel=channel, taken=taken)
        if seat is not None:
            found.append((handoff.id, seat.agent.name))
            taken[seat.agent.name] = taken.get(seat.agent.name, 0) + 1
    return found
