"""Answering a topic by its own examples from the moment it is published, before the model has learned it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from bot.language import ANSWERED
from bot.topics.choices import asks_for_person, chosen
from knowledge.library import Library, Situation
from knowledge.phrasings import Match
from server import clock
from server.conversations.ports import Assistant
from server.conversations.turn import Answered, Asked, Outcome, Part

Knows = Callable[[str, str], bool]
"""Whether the assistant inside has learned an example of a topic."""


class PublishedExamples:
    """Wraps an assistant. A message that repeats an example which the assistant inside has not learned yet is answered from the
    library; everything else passes through. The spine asks assistants only about what the triage does not hold for an emergency,
    and only while the conversation is the bot's."""

    def __init__(self, inner: Assistant, *, library: Callable[[], Library], knows: Knows) -> None:
        self.inner = inner
        self._library = library
        self._knows = knows

    @property
    def part(self) -> str:
        """The name of the assistant inside, for the step gauge."""
        return str(getattr(self.inner, "part", type(self.inner).__name__))

    async def respond(self, asked: Asked) -> Answered:
        """Answers one turn."""
        library = self._library()
        match = await asyncio.to_thread(matched, asked, library=library)
        if match is None or self._knows(match.intent, match.example):
            return await self.inner.respond(asked)
        return from_example(asked, match, library=library)


def matched(asked: Asked, *, library: Library) -> Match | None:
    """The published topic whose example the message repeats; nothing when the message steers the dialogue instead."""
    if asked.kind not in ("text", "speech") or asked.language not in ANSWERED:
        return None
    if asks_for_person(asked.text) or chosen(asked.text, asked.memory.get("options") or []):
        return None
    match = library.phrasings.match(asked.text)
    # A topic that has nothing to say now is left to the assistant inside.
    return match if match is not None and library.can_answer(match.intent, clock.now()) else None


def from_example(asked: Asked, match: Match, *, library: Library) -> Answered:
    """The answer to a topic, with what the next turn needs to know of it."""
    situation = Situation(language=asked.language, channel=asked.channel.words, now=clock.now(), place=asked.place)
    part = Part.of(library.answer(match.intent, situation), "answer")
    more = [
        {"message_id": part.message_id, "version": part.version, "language": part.language, "text": text, "missing": False}
        for text in part.more
    ]
    memory: dict[str, Any] = {
        "options": [],
        "misses": 0,
        "topics_said": [match.intent],
        "said": [[part.message_id, part.language]],
        "more": more,
    }
    return Answered(
        Outcome.ANSWER,
        (part,),
        match.intent,
        engine="menu",
        tracker=asked.tracker,
        memory=memory,
        confidence=1.0 if match.exact else None,
    )
