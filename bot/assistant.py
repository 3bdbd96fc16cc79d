"""The assistant as the spine knows it: Rasa in a thread of its own, with a limit on how long a turn may take."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict
from typing import Any, Final

import structlog

from bot.language import ANSWERED
from bot.runtime.rasa_core import RasaAgent, Spoken
from bot.topics.model import TopicModel
from knowledge.library import Library, Situation
from server import clock
from server.conversations.turn import Answered, Asked, Option, Outcome, Part, Role
from server.errors import NotReady

log = structlog.get_logger()

REPLACE_AFTER: Final = 10.0
"""Seconds that a stuck thread is given before another one takes over."""


class _Worker:
    """A thread with an event loop, in which one turn after the other runs."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, name="rasa", daemon=True).start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def ping(self) -> Future[None]:
        async def nothing() -> None:
            return None

        return asyncio.run_coroutine_threadsafe(nothing(), self.loop)


class RasaAssistant:
    """Answers turns with Rasa. A turn that takes longer than the limit fails, and while the thread is stuck every further turn
    fails at once, so that the resident gets the next assistant down and not a silence."""

    def __init__(self, agent: RasaAgent, *, library: Callable[[], Library], timeout: float) -> None:
        self._agent = agent
        self._library = library
        self._timeout = timeout
        self._worker = _Worker()
        self._stuck: tuple[float, Future[None]] | None = None

    def replace_agent(self, agent: RasaAgent) -> RasaAgent:
        """Swaps the model in place and gives back the old one."""
        old, self._agent = self._agent, agent
        return old

    def warm_up(self, *, limit: float = 60.0) -> None:
        """Takes one turn through everything, so that the first resident does not wait for what is loaded at first use.

        Raises whatever is wrong with the model."""
        self.try_agent(self._agent, limit=limit)

    def try_agent(self, agent: RasaAgent, *, limit: float = 60.0) -> None:
        """Takes one turn with a model that may not answer yet. Raises whatever is wrong with it."""
        metadata = {"language": "en", "words": "web", "now": clock.now().isoformat()}
        turn = agent.turn(sender="warm-up", text="where is a shelter", channel="web", state=None, metadata=metadata)
        asyncio.run_coroutine_threadsafe(turn, self._worker.loop).result(limit)

    def knows(self, intent: str, text: str) -> bool:
        """Whether the model that answers now has learned an example of a topic."""
        return self._agent.knows(intent, text)

    @property
    def topic_model(self) -> TopicModel | None:
        """What tells topics apart in the model that answers now."""
        return self._agent.topic_model

    @property
    def agent(self) -> RasaAgent:
        """The model that answers now."""
        return self._agent

    async def respond(self, asked: Asked) -> Answered:
        """Answers one turn. Raises `NotReady` when Rasa is stuck, too slow, or said nothing."""
        if asked.language not in ANSWERED:
            return self._language_line(asked)
        self._check()
        future = asyncio.run_coroutine_threadsafe(self._turn(asked), self._worker.loop)
        try:
            spoken = await asyncio.wait_for(asyncio.wrap_future(future), self._timeout)
        except TimeoutError as error:
            self._stuck = (time.monotonic(), self._worker.ping())
            raise NotReady("The assistant took too long.") from error
        return understood_reply(asked, spoken)

    def _language_line(self, asked: Asked) -> Answered:
        situation = Situation(language=asked.language, channel=asked.channel.words, now=clock.now())
        said = self._library().say("system.language_other", situation)
        return Answered(Outcome.AGENT, (Part.of(said, "system"),), handoff="language_unsupported", tracker=asked.tracker)

    def _check(self) -> None:
        if self._stuck is None:
            return
        since, ping = self._stuck
        if ping.done():
            self._stuck = None
        elif time.monotonic() - since > REPLACE_AFTER:
            log.error("assistant.thread_replaced")
            self._worker, self._stuck = _Worker(), None
        else:
            raise NotReady("The assistant is stuck.")

    async def _turn(self, asked: Asked) -> Spoken:
        named = self._library().place_in(asked.text, asked=bool(asked.memory.get("place_for")))
        metadata: dict[str, Any] = {
            "language": asked.language,
            "words": asked.channel.words,
            "now": clock.now().isoformat(),
            # The dialogue state holds a newer place when the resident corrects it in this very message.
            "place": asked.place if asked.tracker is None else None,
            "topic": asked.topic,
            "options": asked.memory.get("options") or [],
            "memory": asked.memory,
            "triage": {"level": asked.level, "category": asked.category},
            "reference": asked.reference,
            # Places are the city's of now, not those that the model was trained with.
            "named": {**asdict(named), "kept": named.kept} if named is not None else None,
            "place_before": asked.place,
        }
        return await self._agent.turn(
            sender=str(asked.conversation_id),
            text=neutral(asked.text),
            channel=asked.channel.value,
            state=asked.tracker,
            metadata=metadata,
        )


def neutral(text: str) -> str:
    """The text as Rasa may see it: a leading slash is a command to Rasa and a character to a resident."""
    return text.lstrip(" \t\r\n/\\")[:2000].replace("\x00", "") or "…"


def understood_reply(asked: Asked, spoken: Spoken) -> Answered:
    """What the spine needs of what Rasa said. Raises `NotReady` when an action failed and nothing was said."""
    parts: list[Part] = []
    turn: dict[str, Any] = {}
    for utterance in spoken.utterances:
        custom = utterance.get("custom") or {}
        for said in custom.get("said") or ():
            role: Role = "system" if said["message_id"].startswith(("system.", "card.")) else "answer"
            parts.append(Part(**{**said, "more": tuple(said["more"])}, role=role))
        turn = _merge(turn, custom.get("turn") or {})
    if not turn:
        raise NotReady("The assistant said nothing.")
    memory = {**turn.get("memory", {})}
    memory["options"] = turn.get("options", [])
    if parts:
        memory["said"] = [[part.message_id, part.language] for part in parts]
        memory["more"] = [
            {"message_id": part.message_id, "version": part.version, "language": part.language, "text": text, "missing": False}
            for part in parts
            for text in part.more
        ]
    place = spoken.slots.get("place")
    return Answered(
        outcome=Outcome(turn["outcome"]),
        parts=tuple(parts),
        topic=turn.get("topic"),
        topics=tuple(turn.get("topics", ())),
        options=tuple(Option(**option) for option in turn.get("options", ())),
        handoff=turn.get("handoff"),
        slots={name: value for name, value in spoken.slots.items() if name in ("place",)},
        place=str(place) if place and place != asked.place else None,
        language=turn.get("language"),
        memory=memory,
        tracker=spoken.state,
        confidence=(spoken.understood.get("understanding") or {}).get("confidence"),
    )


def _merge(first: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    """Two actions may speak in one turn; the first one's outcome stands, what the second adds is kept."""
    merged = {**then, **first}
    if first and then:
        merged["memory"] = {**first.get("memory", {}), **then.get("memory", {})}
    return merged
