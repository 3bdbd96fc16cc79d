"""Which messages say a fact, and how they read now on each channel: what staff look at before and after they change one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from knowledge.facts import LISTS, STATUS
from knowledge.library import Library
from knowledge.records import Situation
from knowledge.topics import CHANNELS, LANGUAGES

_LIST_OF: Final[Mapping[str, str]] = {type_: placeholder for placeholder, type_ in LISTS.items()}


@dataclass(frozen=True)
class Quote:
    """One live message that quotes a fact. `answers` tells that it is what its topic is answered with now; the others wait for
    another phase or hazard, or for a value that nobody vouches for now."""

    message_id: str
    version: int
    intent: str | None
    answers: bool
    texts: Mapping[str, Mapping[str, str]]
    """By language and channel, as residents get them; empty when it cannot be said now."""
    instead: Mapping[str, str]
    """By language, the text message that answers its topic when this one cannot."""


def quotes(library: Library, *, type: str, key: str, now: datetime, place: str | None = None) -> tuple[Quote, ...]:
    """The live messages that quote a fact, those that answer now first. `place` is where the resident is, the fact's own ZIP code
    mostly, so that the nearest site stands first as it does for them."""
    placeholder = key if type == STATUS else _LIST_OF.get(type)
    if placeholder is None:
        return ()
    found = []
    for message_id in library.quoting(placeholder, now):
        intent = next((name for name in library.topics if message_id.startswith(f"{name}.")), None)
        said = {
            language: {channel: library.say(message_id, Situation(language, channel, now, place)) for channel in CHANNELS}
            for language in LANGUAGES
        }
        first = said[LANGUAGES[0]][CHANNELS[0]]
        now_said = {name: library.answer(intent, Situation(name, "sms", now, place)) for name in LANGUAGES} if intent else {}
        answers = bool(now_said) and now_said[LANGUAGES[0]].message_id == message_id
        texts: dict[str, dict[str, str]] = {}
        if not first.missing:
            texts = {language: {channel: one.text for channel, one in held.items()} for language, held in said.items()}
        instead = {} if texts else {language: one.text for language, one in now_said.items()}
        found.append(Quote(message_id, first.version, intent, answers, texts, instead))
    return tuple(sorted(found, key=lambda one: not one.answers))
