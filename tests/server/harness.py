"""People who write, assistants that fail, and a program that runs: what the tests of the core are written with."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine, event, select
from sqlalchemy.exc import OperationalError

from server.assembly import Service
from server.conversations.models import Conversation, Turn
from server.conversations.spine import Spine
from server.conversations.turn import Answered, Asked, Channel, Inbound, Outcome, Part, Reply
from server.database.base import Base
from server.database.engine import reading

OURS = "+15555550100"
Row = TypeVar("Row", bound=Base)


@dataclass
class Resident:
    """Somebody who writes or calls. Every message has a claim of its own unless one is given."""

    spine: Spine
    channel: Channel = Channel.SMS
    key: str = field(default_factory=lambda: f"test:{uuid.uuid4().hex}")
    language: str | None = None

    @property
    def person(self) -> str:
        """The keyed hash that this resident is known by."""
        return self.key[-60:]

    def message(self, text: str, *, claim: str | None = None, **more: Any) -> Inbound:
        """What arrives when the resident writes `text`."""
        values: dict[str, Any] = {
            "channel": self.channel,
            "claim": claim or f"claim:{uuid.uuid4().hex}",
            "key": self.key,
            "text": text,
            "person": None if self.channel is Channel.WEB else self.person,
            "our_address": OURS,
            "language": self.language,
            "kind": "speech" if self.channel is Channel.IVR else "text",
        }
        return Inbound(**{**values, **more})

    async def says(self, text: str, *, claim: str | None = None, inline: bool = True, **more: Any) -> Reply:
        """Writes, and gives the reply."""
        return await self.spine.handle(self.message(text, claim=claim, **more), inline=inline)

    def conversation(self) -> Conversation:
        """The newest conversation of this resident."""
        with reading(self.spine.sessions) as session:
            found = session.scalar(select(Conversation).where(Conversation.key == self.key).order_by(Conversation.id.desc()))
            assert found is not None
            return found

    def turns(self) -> list[Turn]:
        """All turns of all conversations of this resident."""
        with reading(self.spine.sessions) as session:
            ours = select(Conversation.id).where(Conversation.key == self.key)
            return list(session.scalars(select(Turn).where(Turn.conversation_id.in_(ours)).order_by(Turn.id)))


def rows(service: Service | Spine, kind: type[Row], *where: Any) -> list[Row]:
    """The rows of a table."""
    with reading(service.sessions) as session:
        return list(session.scalars(select(kind).where(*where)))


# --- Assistants -----------------------------------------------------------------------------------------------------------


def answer(text: str = "The shelter is open.", **more: Any) -> Answered:
    """An answer as an assistant gives it."""
    part = Part("shelter_locations.open", 1, "en", text)
    return Answered(outcome=Outcome.ANSWER, parts=(part,), topic="shelter_locations", **more)


@dataclass
class Scripted:
    """An assistant that does what a test says; it stands where Rasa stands."""

    do: Callable[[Asked], Any]
    asked: list[Asked] = field(default_factory=list)

    async def respond(self, asked: Asked) -> Answered:
        """Notes the question and does as told."""
        self.asked.append(asked)
        done = self.do(asked)
        result: Answered = await done if asyncio.iscoroutine(done) else done
        return result


def raising(_asked: Asked) -> Answered:
    """An assistant that breaks."""
    raise RuntimeError("broken on purpose")


def with_assistant(spine: Spine, *assistants: Scripted, alone: bool = False) -> Spine:
    """The same spine with other assistants before its own, or instead of them."""
    return replace(spine, assistants=assistants if alone else (*assistants, *spine.assistants))


# --- Faults ---------------------------------------------------------------------------------------------------------------


@contextmanager
def failing(engine: Engine, *statements: str) -> Iterator[list[str]]:
    """Lets every statement that begins with one of these words fail as a lost connection does; gives those that failed."""
    hit: list[str] = []

    def fail(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if any(statement.lstrip().startswith(begin) for begin in statements):
            hit.append(statement)
            raise OperationalError(statement, parameters, Exception("lost on purpose"))

    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield hit
    finally:
        event.remove(engine, "before_cursor_execute", fail)


# --- The program over HTTP ------------------------------------------------------------------------------------------------


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the program, between its start and its stop. The program's own tasks live and end in one task."""
    started, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.router.lifespan_context(app):
            started.set()
            await stop.wait()

    life = asyncio.create_task(live())
    begun = asyncio.create_task(started.wait())
    await asyncio.wait({life, begun}, return_when=asyncio.FIRST_COMPLETED)
    begun.cancel()
    if life.done():
        life.result()
    try:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("127.0.0.1", 5555))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            yield client
    finally:
        stop.set()
        await life
