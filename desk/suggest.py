"""Approved messages for one conversation: those that fit what was said, and those that a search finds. Filled, in the resident's
language and beside it in the agent's."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from knowledge.library import Library, Situation
from knowledge.rendering.segments import measure
from server import clock
from server.conversations.models import Conversation, Turn
from server.conversations.turn import Channel
from server.errors import NotFound

MOST_SUGGESTED: Final = 3
MOST_FOUND: Final = 6
_LAST_TURNS: Final = 6
OTHER: Final = {"en": "es", "es": "en"}


@dataclass(frozen=True)
class Offered:
    """One approved message as it would go out, and what it says in the other language."""

    intent: str
    title: str
    reference: str
    language: str
    text: str
    beside: str
    segments: int


def offered(library: Library, *, conversation: Conversation, intent: str, language: str) -> Offered | None:
    """An approved answer filled for a conversation; nothing when none may be said now. `language` is the agent's."""
    channel = Channel(conversation.channel).words
    now, place = clock.now(), conversation.place
    said = library.answer(intent, Situation(conversation.language, channel, now, place))
    if said.missing:
        return None
    other = OTHER.get(said.language, "en")
    beside = library.answer(intent, Situation(other, channel, now, place))
    return Offered(
        intent=intent,
        title=library.title(intent, language),
        reference=f"{said.message_id}@{said.version}",
        language=said.language,
        text=said.text,
        beside="" if beside.missing or beside.language == said.language else beside.text,
        segments=measure(said.text).segments,
    )


def suggestions(library: Library, *, conversation: Conversation, turns: Iterable[Turn], language: str) -> list[Offered]:
    """What fits the conversation: the topic of the last messages by their words, then what was asked before."""
    intents: list[str] = []
    for turn in sorted(turns, key=lambda turn: -turn.seq)[:_LAST_TURNS]:
        found = library.match_keywords(turn.text, turn.language)
        intents += [intent for intent in (found, turn.topic, *turn.topics) if intent]
    if conversation.topic:
        intents.append(conversation.topic)
    return _offers(library, conversation=conversation, intents=intents, language=language, most=MOST_SUGGESTED)


def search(library: Library, *, conversation: Conversation, query: str, language: str) -> list[Offered]:
    """The approved answers that a search finds: by title in either language, by name, by the residents' own words for it."""
    wanted = plain(query).split()
    if not wanted:
        return []
    scored: list[tuple[int, str]] = []
    for intent in library.topics:
        words = plain(" ".join((intent.replace("_", " "), library.title(intent, "en"), library.title(intent, "es"))))
        hits = sum(word in words for word in wanted)
        if hits:
            scored.append((-hits, intent))
    first = library.match_keywords(query, language)
    intents = ([first] if first else []) + [intent for _, intent in sorted(scored)]
    return _offers(library, conversation=conversation, intents=intents, language=language, most=MOST_FOUND)


def _offers(library: Library, *, conversation: Conversation, intents: list[str], language: str, most: int) -> list[Offered]:
    found: list[Offered] = []
    for intent in dict.fromkeys(intents):
        if intent == "talk_to_agent" or intent not in library.topics:
            continue
        try:
            one = offered(library, conversation=conversation, intent=intent, language=language)
        except NotFound:
            continue
        if one is not None:
            found.append(one)
        if len(found) == most:
            break
    return found


def plain(text: str) -> str:
    """Lower case without accents, for comparing."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in letters if not unicodedata.combining(character))
