"""Tells open desk pages that something changed: one look for all pages of this process, at once after a change made in it, and
every half second for what other processes did."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import structlog
from fastapi import Request
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sse_starlette import ServerSentEvent

from desk.boards import Snapshot, read_snapshot
from desk.models import DeskAgent, DeskNote, Handoff
from desk.pieces import Pieces, Viewer
from desk.states import OPEN, State
from desk.voice.models import VoiceLeg
from server.alerts.models import Alert
from server.conversations.models import Conversation
from server.conversations.signs import Sign, Signs
from server.conversations.wake import Wake
from server.database.engine import Sessions, reading
from server.http.while_read import WhileRead
from server.requests.models import ServiceRequest

log = structlog.get_logger()

LOOK_SECONDS: Final = 0.5
REST_SECONDS: Final = 0.1
"""Between two looks, however much happens."""
AGAIN_SECONDS: Final = 20.0
"""An open page is told at least so often, so that lost agents show; who was signed out since hears no more."""

NO_SIGN: Final = Sign()
Still = Callable[[], bool]
"""Whether who looks may still look."""


class DeskFollower:
    """Looks while at least one page is open, and wakes them all."""

    def __init__(self, sessions: Sessions, wake: Wake, pieces: Pieces, signs: Signs) -> None:
        self._sessions = sessions
        self._signs = signs
        self._wake = wake
        self._pieces = pieces
        self._changed = asyncio.Condition()
        self._looking = WhileRead(self._follow)
        self._snapshot: Snapshot | None = None
        self.mark = ""

    def following(self) -> AbstractAsyncContextManager[None]:
        """Keeps looking while the block runs."""
        return self._looking.following()

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        read_at, signs = float("-inf"), self._signs.changes
        with self._wake.watch_all() as watcher:
            while True:
                try:
                    mark = await asyncio.to_thread(self.look)
                    if mark != self.mark or loop.time() - read_at > AGAIN_SECONDS / 4:
                        self._snapshot, read_at = await asyncio.to_thread(self._read), loop.time()
                except SQLAlchemyError as error:
                    # The pages keep what they have; the next look tells what was missed.
                    log.warning("desk.look_failed", error=repr(error))
                else:
                    given, signs = self._signs.changes != signs, self._signs.changes
                    if mark != self.mark or given:
                        async with self._changed:
                            self.mark = mark
                            self._changed.notify_all()
                await asyncio.sleep(REST_SECONDS)
                await watcher.wait(LOOK_SECONDS - REST_SECONDS)

    def _read(self) -> Snapshot:
        with reading(self._sessions) as session:
            return read_snapshot(session)

    def look(self) -> str:
        """A short text that differs whenever a page of the desk would."""
        alive = (*OPEN, State.WRAPUP.value)
        with reading(self._sessions) as session:
            handoffs = session.execute(
                select(
                    func.max(Handoff.state_at), func.max(Handoff.id), func.max(Conversation.last_at), func.sum(Conversation.turns)
                )
                .join(Conversation, Conversation.id == Handoff.conversation_id)
                .where(Handoff.state.in_(alive))
            ).one()
            ended = session.scalar(select(func.max(Handoff.ended_at)))
            alerts = session.execute(select(func.max(Alert.id), func.max(Alert.seen_at))).one()
            agents = session.scalar(select(func.max(DeskAgent.state_at)))
            notes = session.scalar(select(func.max(DeskNote.id)))
            asked = session.execute(select(func.max(ServiceRequest.id), func.max(ServiceRequest.state_at))).one()
            legs = session.scalar(select(func.max(VoiceLeg.phase_at)))
        return "|".join(str(value) for value in (*handoffs, ended, *alerts, agents, notes, *asked, legs))

    async def boards(self, viewer: Viewer, still: Still) -> AsyncGenerator[ServerSentEvent]:
        """The whole board at first, then what changed on it, as it changes."""
        before = ""
        async with self.following():
            while True:
                if not await self._next(before) and not await asyncio.to_thread(still):
                    return
                before = self.mark
                if self._snapshot is not None:
                    yield ServerSentEvent(data=self._pieces.news(self._snapshot, viewer), event="board")

    async def stream(self, request: Request, still: Still, *, reference: str | None = None) -> AsyncIterator[ServerSentEvent]:
        """An event for every change, with `reference` for every change of that conversation, and its signs. A page that comes back
        with the mark that it had hears of what it missed."""
        before = request.headers.get("last-event-id", "")
        seen = before if reference is None else ""
        about, sign = await asyncio.to_thread(self._number, reference), NO_SIGN
        async with self.following():
            while True:
                changed = await self._next(seen, about=about, sign=sign)
                if not changed and not await asyncio.to_thread(still):
                    return
                if not changed or self.mark != seen:
                    seen = self.mark
                    mark = seen if reference is None else await asyncio.to_thread(self._mark_of, reference)
                    if mark and (mark != before or not changed):
                        before = mark
                        yield ServerSentEvent(data="changed", id=mark, event="changed")
                if self._sign(about) != sign:
                    sign = self._sign(about)
                    shown = {"writing": self._signs.left(sign.resident_until), "read": sign.read}
                    yield ServerSentEvent(data=json.dumps(shown), event="sign")

    async def _next(self, seen: str, *, about: int | None = None, sign: Sign = NO_SIGN) -> bool:
        """Waits for a mark or a sign other than those that were seen; false when there was none for long."""
        async with self._changed:
            try:
                async with asyncio.timeout(AGAIN_SECONDS):
                    await self._changed.wait_for(lambda: self.mark not in ("", seen) or self._sign(about) != sign)
            except TimeoutError:
                return False
        return True

    def _sign(self, about: int | None) -> Sign:
        return self._signs.of(about) if about is not None else NO_SIGN

    def _number(self, reference: str | None) -> int | None:
        if reference is None:
            return None
        with reading(self._sessions) as session:
            return session.scalar(select(Conversation.id).where(Conversation.reference == reference))

    def _mark_of(self, reference: str) -> str:
        """A short text that differs whenever the page of one conversation would."""
        with reading(self._sessions) as session:
            ours = Conversation.reference == reference
            found = session.execute(
                select(
                    Conversation.id, Conversation.turns, Conversation.owner_version, Conversation.last_at, Conversation.person
                ).where(ours)
            ).one_or_none()
            if found is None:
                return ""
            one = found.id
            handoff = session.execute(
                select(func.max(Handoff.id), func.max(Handoff.state_at)).where(Handoff.conversation_id == one)
            ).one()
            note = session.scalar(select(func.max(DeskNote.id)).where(DeskNote.conversation_id == one))
            alert = session.execute(select(func.max(Alert.id), func.max(Alert.seen_at)).where(Alert.conversation_id == one)).one()
            asked = select(func.max(ServiceRequest.id), func.max(ServiceRequest.state_at))
            request = session.execute(asked.where(ServiceRequest.conversation_id == one)).one()
            leg = session.scalar(select(func.max(VoiceLeg.phase_at)).where(VoiceLeg.conversation_id == one))
        return "|".join(str(value) for value in (*found[:4], *handoff, note, *alert, *request, leg))
