"""The stream of our texts to an open page: what is stored here wakes it at once, what another process stores within seconds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sse_starlette import ServerSentEvent

from bot.channels.web import delivery
from bot.channels.web.history import conversations_of, outgoing_after, said_of
from bot.channels.web.wire import said_out
from server.conversations.models import Conversation
from server.conversations.signs import Sign, Signs
from server.conversations.wake import Wake
from server.database.engine import Sessions, reading
from server.http.while_read import WhileRead
from server.outbox.models import OutboundMessage

log = structlog.get_logger()

POLL_SECONDS: Final = 2.0
HEARTBEAT_SECONDS: Final = 15
STREAMS_PER_SESSION: Final = 6
_LOOK_ANYWAY: Final = 15.0
_WINDOW: Final = 1000


class Follower:
    """Looks every two seconds, once for all open pages of this process, whether another process stored a text for one of them."""

    def __init__(self, sessions: Sessions, wake: Wake, *, every: float = POLL_SECONDS) -> None:
        self._sessions, self._wake, self._every = sessions, wake, every
        self._looking = WhileRead(self._follow)

    def following(self) -> AbstractAsyncContextManager[None]:
        """Keeps looking while the block runs."""
        return self._looking.following()

    async def _follow(self) -> None:
        seen: set[int] | None = None
        while True:
            try:
                found = await asyncio.to_thread(self._newest)
            except SQLAlchemyError as error:
                log.warning("web.follow_failed", error=repr(error))
            else:
                for conversation in {found[number] for number in found.keys() - (found if seen is None else seen)}:
                    self._wake.stored(conversation)
                seen = set(found)
            await asyncio.sleep(self._every)

    def _newest(self) -> dict[int, int]:
        with reading(self._sessions) as session:
            top = session.scalar(select(func.max(OutboundMessage.id))) or 0
            rows = session.execute(
                select(OutboundMessage.id, OutboundMessage.conversation_id).where(OutboundMessage.id > top - _WINDOW)
            )
            return {row.id: row.conversation_id for row in rows}


class OpenStreams:
    """How many streams each browser holds, so that one cannot hold them all."""

    def __init__(self, most: int = STREAMS_PER_SESSION) -> None:
        self._most, self._open = most, Counter[str]()

    def full(self, key: str) -> bool:
        """True when a browser has enough of them."""
        return self._open[key] >= self._most

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        """Counts one stream while it is open."""
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if self._open[key] <= 0:
                del self._open[key]


@dataclass(frozen=True)
class Look:
    """What one look at the database found."""

    conversation_ids: tuple[int, ...]
    events: tuple[tuple[int, str], ...]
    owner: str
    reference: str | None


def look(sessions: Sessions, *, key: str, after: int) -> Look:
    """What a page has not been told: waiting texts are let out first, then all that left is read."""
    with reading(sessions) as session:
        ids = tuple(each.id for each in conversations_of(session, key=key))
        waiting = bool(ids) and delivery.anything_waits(session, conversation_ids=ids)
    if waiting:
        with sessions.begin() as session:
            delivery.let_out(session, conversation_ids=ids)
    with reading(sessions) as session:
        rows = outgoing_after(session, conversation_ids=ids, after=after)
        newest = session.get(Conversation, ids[0]) if ids else None
        events = tuple((row.id, said_out(said_of(row, key=key)).model_dump_json()) for row in rows)
        return Look(ids, events, newest.owner if newest else "bot", newest.reference if newest else None)


async def stream(
    *, sessions: Sessions, wake: Wake, follower: Follower, signs: Signs, key: str, after: int
) -> AsyncIterator[ServerSentEvent]:
    """Our texts with a number above `after`, as they come, a word when somebody else takes the conversation, and a sign while its
    agent writes."""
    told: set[int] = set()
    owner: str | None = None
    watched: tuple[int, ...] = ()
    agent_until = 0.0
    async with follower.following():
        while True:
            with wake.watch(watched) as watcher:
                try:
                    found = await asyncio.to_thread(look, sessions, key=key, after=after)
                except SQLAlchemyError as error:
                    # The page keeps what it has; the next look tells what was missed.
                    log.warning("web.stream_failed", error=repr(error))
                    await watcher.wait(POLL_SECONDS)
                    continue
                for number, data in found.events:
                    if number not in told:
                        told.add(number)
                        yield ServerSentEvent(data=data, id=str(number), event="message")
                if found.owner != owner:
                    owner = found.owner
                    yield ServerSentEvent(data=f'{{"owner": "{owner}"}}', event="owner")
                sign = signs.of(found.conversation_ids[0]) if found.conversation_ids and owner == "agent" else Sign()
                if sign.agent_until != agent_until:
                    agent_until = sign.agent_until
                    yield ServerSentEvent(data=f'{{"writing": {signs.left(agent_until)}}}', event="sign")
                if found.conversation_ids == watched:
                    await watcher.wait(_LOOK_ANYWAY)
                watched = found.conversation_ids


async def held(events: AsyncIterator[ServerSentEvent], streams: OpenStreams, key: str) -> AsyncIterator[ServerSentEvent]:
    """The events, counted as one open stream of a browser for as long as they flow."""
    with streams.hold(key):
        async for event in events:
            yield event
