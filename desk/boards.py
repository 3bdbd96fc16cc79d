"""What the board shows: read once for everybody who looks, and then put together for each of them without another query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk import board
from desk.external.status import Down, at_their_desk, down
from desk.line import order
from desk.models import DeskAgent, Handoff
from desk.offering import Fit, fit
from desk.presence import Presence, present_state
from desk.states import State
from server import clock
from server.conversations.models import Conversation

MOST_SHOWN: Final = 60
SHORT: Final = 24
"""Words of the summary that a board shows."""


@dataclass(frozen=True)
class Item:
    """One conversation on the board."""

    handoff: Handoff
    conversation: Conversation
    fit: Fit | None = None
    unread: int = 0
    outside: bool = False
    """True when the agents of the city's own desk see it, too."""

    @property
    def short(self) -> str:
        """The first words of the summary."""
        said = str(self.handoff.packet.get("summary", "")).split()
        return " ".join(said[:SHORT]) + (" …" if len(said) > SHORT else "")


@dataclass(frozen=True)
class Snapshot:
    """Everything that any board shows, as it was at one moment."""

    line: list[board.Waiting]
    callbacks: list[board.Waiting]
    taken: list[board.Waiting]
    wrapping: list[board.Waiting]
    alerts: list[Any]
    agents: dict[str, DeskAgent]
    outside: frozenset[int]
    """The handoffs that the agents of the city's own desk see, too."""
    outside_down: Down | None


@dataclass(frozen=True)
class Board:
    """Everything on one person's board."""

    waiting: list[Item]
    total: int
    mine: list[Item]
    offered: list[Item]
    callbacks: list[Item]
    others: list[Item]
    alerts: list[Any]
    state: Presence
    outside_down: Down | None

    @property
    def rings(self) -> str:
        """What is new and calls: the page compares it with what it had."""
        return " ".join([*(f"w{item.handoff.id}" for item in self.waiting), *(f"o{item.handoff.id}" for item in self.offered)])

    @property
    def alarms(self) -> str:
        """What is an emergency: it rings with a sound of its own."""
        urgent = [f"e{item.handoff.id}" for item in self.waiting if item.handoff.priority == 0]
        return " ".join([*(f"a{alert.id}" for alert, _ in self.alerts if alert.severity == "critical"), *urgent])

    @property
    def unread(self) -> int:
        """How many things wait for this person."""
        return sum(item.unread for item in self.mine) + len(self.offered) + len(self.alerts)


def read_snapshot(session: Session) -> Snapshot:
    """Reads what the boards show: the line in its order, who has whom, and what rings."""
    rows = session.execute(
        select(Handoff, Conversation)
        .join(Conversation, Conversation.id == Handoff.conversation_id)
        .where(Handoff.state.in_((State.QUEUED.value, State.OFFERED.value, State.CALLBACK.value)))
        .order_by(*order())
    )
    waiting = [board.Waiting(handoff, conversation) for handoff, conversation in rows]
    return Snapshot(
        line=[one for one in waiting if one.handoff.state != State.CALLBACK],
        callbacks=[one for one in waiting if one.handoff.state == State.CALLBACK],
        taken=board.queue(session, state="agent"),
        wrapping=board.queue(session, state="wrapup"),
        alerts=board.alerts(session),
        agents={agent.name: agent for agent in session.scalars(select(DeskAgent))},
        outside=at_their_desk(session),
        outside_down=down(session),
    )


def board_of(snapshot: Snapshot, *, name: str) -> Board:
    """The board of one person: their own conversations, what is put to them, and the line."""
    me = snapshot.agents.get(name)
    taken = [Item(one.handoff, one.conversation, unread=_unread(one)) for one in snapshot.taken]
    wrapping = [Item(one.handoff, one.conversation) for one in snapshot.wrapping]
    offered = [one for one in snapshot.line if one.handoff.state == State.OFFERED and one.handoff.accepted_by == name]
    return Board(
        waiting=[_item(me, one, snapshot.outside) for one in snapshot.line[:MOST_SHOWN]],
        total=len(snapshot.line),
        mine=[item for item in (*taken, *wrapping) if item.handoff.accepted_by == name],
        offered=[_item(me, one, snapshot.outside) for one in offered],
        callbacks=[Item(one.handoff, one.conversation) for one in snapshot.callbacks[:MOST_SHOWN]],
        others=[item for item in taken if item.handoff.accepted_by != name],
        alerts=snapshot.alerts,
        state=present_state(me, now=clock.now()) if me is not None else "offline",
        outside_down=snapshot.outside_down,
    )


def read_board(session: Session, *, name: str) -> Board:
    """The board of one person, read anew."""
    return board_of(read_snapshot(session), name=name)


def _item(me: DeskAgent | None, one: board.Waiting, at_other_desk: frozenset[int]) -> Item:
    outside = one.handoff.id in at_other_desk
    if me is None:
        return Item(one.handoff, one.conversation, outside=outside)
    handoff, conversation = one.handoff, one.conversation
    fits = fit(me, language=conversation.language, reason=handoff.reason, channel=conversation.channel, group=handoff.group)
    return Item(handoff, conversation, fits, outside=outside)


def _unread(one: board.Waiting) -> int:
    return max(one.conversation.turns - one.handoff.read_turn, 0)
