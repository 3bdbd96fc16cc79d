"""What the desk does by itself every two seconds: lost agents, offers that ran out, wrap-ups, closing time, and offering."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from desk import acts, service
from desk.desk import anybody
from desk.models import Handoff
from desk.offering import offers
from desk.presence import LOST_AFTER, seats
from desk.states import State
from desk.voice.rules import Rules
from desk.voice.service import no_calls, without_call
from knowledge.library import Library
from server import clock
from server.conversations.models import Conversation
from server.conversations.turn import Channel
from server.database.engine import Sessions, reading
from server.errors import Conflict
from server.http.deps import ChannelDeps
from server.metrics import STEP

log = structlog.get_logger()

EVERY: Final = 2.0
_AT_ONCE: Final = 200

Act = Callable[[Session], Handoff]


class DeskRounds:
    """Goes round the desk. Any number of processes may: who comes second finds nothing left to do."""

    def __init__(self, deps: ChannelDeps) -> None:
        self._deps = deps
        self._sessions: Sessions = deps.sessions
        self._library = deps.library
        self._wake = deps.wake

    async def run(self, stop: asyncio.Event) -> None:
        """Goes round until `stop` is set. Whatever fails is tried again in the next round."""
        while not stop.is_set():
            try:
                await asyncio.to_thread(self.once)
                STEP.labels(part="desk").set(0)
            except Exception as error:
                # Nothing is lost by going on: everything stays where it is and is looked at again in the next round.
                log.error("desk.round_failed", error=repr(error))
                STEP.labels(part="desk").set(1)
            try:
                async with asyncio.timeout(EVERY):
                    await stop.wait()
            except TimeoutError:
                continue

    def once(self) -> int:
        """One round; gives how many handoffs were moved."""
        with reading(self._sessions) as session:
            library = self._library.get(session)
            due = [*_ended(session, library), *_closing_time(session, library)]
        moved = sum(self._do(act) for act in due)
        if library.city.get("desk_auto_offer") is True:
            with reading(self._sessions) as session:
                wanted = offers(session, without_calls=no_calls(session, rules=Rules.of(self._deps, library.city)))
            moved += sum(self._do(_offer(handoff_id, agent)) for handoff_id, agent in wanted)
        return moved

    def _do(self, act: Act) -> bool:
        try:
            with self._sessions.begin() as session:
                conversation_id = act(session).conversation_id
        except Conflict:
            # Somebody was first: an agent, the resident, or another process.
            return False
        self._wake.stored(conversation_id)
        return True


def _offer(handoff_id: int, agent: str) -> Act:
    return lambda session: service.offer(session, handoff_id=handoff_id, agent=agent)


def _ended(session: Session, library: Library) -> list[Act]:
    """What is owed for agents who are gone and times that ran out."""
    now = clock.now()
    here = {seat.agent.name for seat in seats(session) if seat.state != "offline"}
    rows = session.execute(
        select(Handoff, Conversation.channel)
        .join(Conversation, Conversation.id == Handoff.conversation_id)
        .where(Handoff.state.in_((State.AGENT.value, State.OFFERED.value, State.WRAPUP.value)))
        .order_by(Handoff.id)
        .limit(_AT_ONCE)
    ).all()
    due: list[Act] = []
    over = without_call(session, [handoff.id for handoff, channel in rows if channel == Channel.IVR])
    for handoff, channel in rows:
        gone = handoff.accepted_by not in here and now - handoff.state_at >= LOST_AFTER
        ran_out = handoff.lease_until is not None and handoff.lease_until <= now
        match State(handoff.state):
            # Who speaks on the telephone is there, whatever their browser does.
            case State.AGENT if gone and (channel != Channel.IVR or handoff.id in over):
                due.append(_lost(handoff.id, handoff.accepted_by, library))
            case State.OFFERED if gone or ran_out:
                due.append(_expired(handoff.id, handoff.accepted_by or ""))
            case State.WRAPUP if gone or ran_out:
                due.append(_filed(handoff.id))
    return due


def _lost(handoff_id: int, agent: str | None, library: Library) -> Act:
    return lambda session: acts.lose_agent(session, handoff_id=handoff_id, agent=agent, library=library)


def _expired(handoff_id: int, agent: str) -> Act:
    return lambda session: service.refuse(session, handoff_id=handoff_id, agent=agent, reason="expired")


def _filed(handoff_id: int) -> Act:
    return lambda session: service.end_wrapup(session, handoff_id=handoff_id)


def _closing_time(session: Session, library: Library) -> list[Act]:
    """Who still waits when the last agent is gone for the day gets the assistant back, and an agent in the morning. An emergency
    stays in the line."""
    if anybody(session, city=library.city):
        return []
    waiting = session.execute(
        select(Handoff.id, Conversation.channel)
        .join(Conversation, Conversation.id == Handoff.conversation_id)
        .where(Handoff.state == State.QUEUED.value, Handoff.priority > 0)
        .limit(_AT_ONCE)
    ).all()
    return [_kept(row.id, library) for row in waiting if row.channel != Channel.IVR]


def _kept(handoff_id: int, library: Library) -> Act:
    return lambda session: acts.later(session, handoff_id=handoff_id, actor="desk", library=library)
