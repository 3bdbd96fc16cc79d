"""The assistant that needs no model: numbers and keywords, from the same approved messages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from bot.topics.choices import asks_for_person, chosen
from knowledge.library import Library, Said, Situation
from server import clock
from server.conversations.turn import Answered, Asked, Option, Outcome, Part

_PERSON: Final = re.compile(
    r"\b(?:agents?|agentes?|humans?|humano|operator|operador\w*|representatives?|representante|asesor\w*)\b|"
    r"\b(?:talk|speak|chat|connect|transfer|real|live|hablar?|comunic\w+|p[aá]s[ae]\w*|quiero)\b.{0,30}"
    r"\b(?:person|persona|people|someone|somebody|alguien)\b|^\W*(?:(?:with|con)\s+)?(?:an?\s+|una\s+)?persona?(?:\s+please|\s+por\s+favor)?\W*$",
    re.IGNORECASE,
)
_LONGEST_WISH: Final = 12
"""A longer message that happens to hold such words is a story, not a wish; so is `a shelter for five people`."""


_FEWEST: Final = 2


class KeywordAssistant:
    """Answers by option number, by keyword, or with the number menu. It is what residents get while the model is down, slow or
    missing."""

    def __init__(self, library: Callable[[], Library]) -> None:
        self._library = library

    async def respond(self, asked: Asked) -> Answered:
        """Answers one turn from the messages in force."""
        library = self._library()
        named = library.place_in(asked.text, asked=bool(asked.memory.get("place_for")))
        place = named.kept if named is not None and named.known else asked.place
        situation = Situation(language=asked.language, channel=asked.channel.words, now=clock.now(), place=place)
        choice = chosen(asked.text, asked.memory.get("options") or [])
        if asks_for_person(asked.text) or self._wants_person(asked.text) or choice == "talk_to_agent":
            return Answered(
                Outcome.AGENT,
                topic="talk_to_agent",
                handoff="user_request",
                engine="menu",
                tracker=asked.tracker,
                memory={"options": []},
            )
        topic = choice or library.match_keywords(asked.text, asked.language)
        if topic is not None and topic in library.topics:
            parts = tuple(Part.of(said, "answer") for said in library.answers(topic, situation))
            return Answered(
                Outcome.MENU_CHOICE if choice else Outcome.ANSWER,
                parts,
                topic,
                place=place if place != asked.place else None,
                engine="menu",
                tracker=asked.tracker,
                memory={"options": [], "topics_said": [topic]},
            )
        return self._menu(library, situation, asked)

    @staticmethod
    def _wants_person(text: str) -> bool:
        return len(text.split()) <= _LONGEST_WISH and _PERSON.search(text) is not None

    @staticmethod
    def _menu(library: Library, situation: Situation, asked: Asked) -> Answered:
        options = tuple(Option(intent, library.title(intent, situation.language)) for intent in library.menu(situation.language))
        said = _listed(library, situation, options)
        while said.more and len(options) > _FEWEST:
            # A list that is cut in the middle would offer numbers that nobody can read.
            options = options[:-1]
            said = _listed(library, situation, options)
        memory = {"options": [{"value": option.value, "label": option.label} for option in options]}
        return Answered(
            Outcome.MENU, (Part.of(said, "system"),), options=options, engine="menu", tracker=asked.tracker, memory=memory
        )


def _listed(library: Library, situation: Situation, options: tuple[Option, ...]) -> Said:
    lines = "\n".join(f"{number}. {option.label}" for number, option in enumerate(options, 1))
    return library.say("system.degraded", situation, options=lines)
