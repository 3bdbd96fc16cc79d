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


MOST: Final = 30
"""How many messages are shown in full; hardly any fact is quoted by more."""


@dataclass(frozen=True)
class Quote:
    """One live message that quotes a fact. `answers` tells that it is what its topic is answered with now; the others wait for
    another phase or hazard, or for a value that nobody vouches for now, or belong to a topic that residents cannot ask about."""

    message_id: str
    version: int
    intent: str | None
    asleep: bool
    """True when its topic is switched off, so that no resident hears it."""
    answers: bool
    texts: Mapping[str, Mapping[str, str]]
    """By language and channel, as residents get them; empty when it cannot be said now."""
    instead: Mapping[str, str]
    """By language, the text message that answers its topic when this one cannot."""


def quotes(
    library: Library, *, type: str, key: str, now: datetime, place: str | None = None, most: int = MOST
) -> tuple[tuple[Quote, ...], int]:
    """The live messages that quote a fact, those that answer now first, and how many more there are. `place` is where the resident
    is, the fact's own ZIP code mostly, so that the nearest site stands first as it does for them."""
    placeholder = key if type == STATUS else _LIST_OF.get(type)
    if placeholder is None:
        return (), 0
    of_message = dict(library.quoting(placeholder, now))
    answering = {
        intent: {name: library.answer(intent, Situation(name, "sms", now, place)) for name in LANGUAGES}
        for intent in dict.fromkeys(of_message.values())
        if intent is not None and intent in library.topics
    }

    def answers(message_id: str) -> bool:
        intent = of_message[message_id]
        return intent is not None and intent in answering and answering[intent][LANGUAGES[0]].message_id == message_id

    first = sorted(of_message, key=lambda message_id: not answers(message_id))
    found = []
    for message_id in first[:most]:
        said = {
            language: {channel: library.say(message_id, Situation(language, channel, now, place)) for channel in CHANNELS}
            for language in LANGUAGES
        }
        shown = said[LANGUAGES[0]][CHANNELS[0]]
        texts: dict[str, dict[str, str]] = {}
        if not shown.missing:
            texts = {language: {channel: one.text for channel, one in held.items()} for language, held in said.items()}
        intent = of_message[message_id]
        asleep = intent is not None and intent not in answering
        other = {} if texts or intent is None or asleep else {language: one.text for language, one in answering[intent].items()}
        found.append(Quote(message_id, shown.version, intent, asleep, answers(message_id), texts, other))
    return tuple(found), len(first) - len(found)
