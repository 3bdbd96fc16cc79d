"""Tells open desk pages that something changed: one look each half second for all pages of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Final

import structlog
from fastapi import Request
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sse_starlette import ServerSentEvent

from desk.models import DeskAgent, DeskNote, Handoff
from desk.states import OPEN, State
from server.alerts.models import Alert
from server.conversations.models import Conversation
from server.database.engine import Sessions, reading
from server.http.while_read import WhileRead
from server.requests.models import ServiceRequest

log = structlog.get_logger()

LOOK_SECONDS: Final = 0.5
AGAIN_SECONDS: Final = 20.0
"""An open page is told at least so often, so that waiting times go on and lost agents show."""


class DeskFollower:
    """Looks while at least one page is open, and wakes them all."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._changed = asyncio.Condition()
        self._looking = WhileRead(self._follow)
        self.mark = ""

    def following(self) -> AbstractAsyncContextManager[None]:
        """Keeps looking while the block runs."""
        return self._looking.following()

    async def _follow(self) -> None:
        while True:
            try:
                mark = await asyncio.to_thread(self.look)
            except SQLAlchemyError as error:
                # The pages keep what they have; the next look tells what was missed.
                log.warning("desk.look_failed", error=repr(error))
            else:
                if mark != self.mark:
                    async with self._changed:
                        self.mark = mark
                        self._changed.notify_all()
            await asyncio.sleep(LOOK_SECONDS)

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
        return "|".join(str(value) for value in (*handoffs, ended, *alerts, agents, notes, *asked))

    async def stream(self, request: Request) -> AsyncIterator[ServerSentEvent]:
        """An event for every change. A page that comes back with the mark it had hears of what it missed."""
        before = request.headers.get("last-event-id", "")
        async with self.following():
            while True:
                async with self._changed:
                    if self.mark in ("", before):
                        try:
                            async with asyncio.timeout(AGAIN_SECONDS):
                                await self._changed.wait()
                        except TimeoutError:
                            pass
                before = self.mark
                if before:
                    yield ServerSentEvent(data="changed", id=before, event="changed")
