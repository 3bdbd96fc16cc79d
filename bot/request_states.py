"""Telling residents how far the city is with what they reported."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date

from bot.language import ANSWERED
from bot.tracking import Tracking, tracking_in
from knowledge.library import Library, Situation
from server import clock
from server.conversations.models import Conversation
from server.conversations.ports import Assistant
from server.conversations.turn import Answered, Asked, Outcome, Part
from server.database.engine import Sessions, reading
from server.requests.service import OVER, Known, State, told_to

TOPIC: Final = "report_status_check"
MOST: Final = 2
"""A text message holds the states of so many requests; the ones that are not over come first."""


@dataclass(frozen=True)
class RequestStates:
    """Wraps an assistant. A tracking number, or the question what happened to a report, gets the state of the resident's own
    requests; everything else passes through.

    Whose they are is the contact that they were made for: the same telephone number or the same browser. To anybody else, and
    where somebody else may be watching, a number reveals nothing, not even whether it exists, and a person is offered."""

    inner: Assistant
    sessions: Sessions
    library: Callable[[], Library]

    @property
    def part(self) -> str:
        """The name of the assistant inside, for the step gauge."""
        return str(getattr(self.inner, "part", type(self.inner).__name__))

    async def respond(self, asked: Asked) -> Answered:
        """Answers one turn."""
        if asked.language not in ANSWERED or asked.kind not in ("text", "speech"):
            return await self.inner.respond(asked)
        number = tracking_in(asked.text, spoken=asked.kind == "speech")
        if number is not None:
            answer = self._by_number(asked, number, await asyncio.to_thread(self._known, asked))
            if answer is not None:
                return answer
        answered = await self.inner.respond(asked)
        asks = TOPIC in (answered.topic, *answered.topics) or asks_for_state(asked.text)
        if not asks or answered.handoff or answered.outcome is Outcome.CLARIFY:
            return answered
        known = await asyncio.to_thread(self._known, asked)
        if not known:
            return answered
        states = self._answer(asked, known)
        if len(answered.topics) > 1:
            return replace(answered, parts=(*states.parts, *answered.parts))
        return replace(states, tracker=answered.tracker, place=answered.place, language=answered.language)

    def _known(self, asked: Asked) -> list[Known]:
        if asked.memory.get("watched"):
            return []
        with reading(self.sessions) as session:
            return told_to(session, conversation=session.get_one(Conversation, asked.conversation_id), now=clock.now())

    def _by_number(self, asked: Asked, number: Tracking, known: Sequence[Known]) -> Answered | None:
        meant = [one for one in known if number.names(one.reference) or number.names(one.conversation)]
        if meant:
            return self._answer(asked, meant)
        if not number.sure or number.prefix == "HC":
            return None
        if asked.kind == "speech" and known:
            # A number that was misheard: whose requests they are is known by the telephone.
            return self._answer(asked, known)
        return _said(asked, (Part.of(self.library().say("system.request_unknown", _situation(asked)), "system"),))

    def _answer(self, asked: Asked, known: Sequence[Known]) -> Answered:
        library, situation = self.library(), _situation(asked)
        zone = ZoneInfo(str(library.city.get("time_zone", "UTC")))
        first = sorted(known, key=lambda one: one.state in OVER)[:MOST]
        parts = []
        for one in first:
            since = day_in_words(one.since, zone=zone, language=asked.language)
            said = library.say(MESSAGES[one.state], situation, reference=one.reference, since=since)
            parts.append(Part.of(said, "answer"))
        return _said(asked, tuple(parts))


_ASKS: Final = re.compile(
    r"\b(?:status|updates?|progress|news|estado|estatus|avances?|novedad(?:es)?|noticias)\b.{0,30}"
    r"\b(?:reports?|requests?|tickets?|reportes?|solicitud(?:es)?|folio)\b",
    re.IGNORECASE,
)
_OF_OTHERS: Final = re.compile(
    r"\b(?:fema|sba|insurance|claims?|aid|loan|assistance|unemployment|police|seguro|aseguranza|ayuda|préstamo|prestamo|desempleo)\b",
    re.IGNORECASE,
)


def asks_for_state(text: str) -> bool:
    """True for "any update on my damage report", which is about damage and still asks how far it is; what other offices keep the
    state of is none of ours."""
    return _ASKS.search(text) is not None and _OF_OTHERS.search(text) is None


MESSAGES: Final[dict[State, str]] = {
    State.OPEN: "system.request_open",
    State.IN_PROGRESS: "system.request_in_progress",
    State.DONE: "system.request_done",
    State.CANCELLED: "system.request_cancelled",
}
"""What is said of each state."""


def day_in_words(at: datetime, *, zone: ZoneInfo, language: str) -> str:
    """A day of the city's, such as "September 3"."""
    return format_date(at.astimezone(zone), "d 'de' MMMM" if language == "es" else "MMMM d", locale=language)


def _situation(asked: Asked) -> Situation:
    return Situation(language=asked.language, channel=asked.channel.words, now=clock.now(), place=asked.place)


def _said(asked: Asked, parts: tuple[Part, ...]) -> Answered:
    memory = {
        "options": [],
        "misses": 0,
        "topics_said": [TOPIC],
        "said": [[part.message_id, part.language] for part in parts],
        "more": [],
    }
    return Answered(Outcome.ANSWER, parts, TOPIC, engine="desk", tracker=asked.tracker, memory=memory)
