"""The words of a message that a search found: which of its texts has them, the part around them, and which words they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from knowledge.models import search_words
from knowledge.topics import CHANNELS, Texts

LONGEST: Final = 180
BEFORE: Final = 50
"""Characters that are shown before the first word that was found, where the text is too long to be shown whole."""


_MARKS: Final = re.compile(r"\*\*|^\s*- ", re.MULTILINE)
"""What makes words bold and lines a list in the web chat."""


@dataclass(frozen=True)
class Excerpt:
    """A part of one text, in pieces: each with whether it was looked for."""

    language: str
    channel: str
    pieces: tuple[tuple[str, bool], ...]
    found: bool


def excerpt(texts: Texts, *, query: str, language: str) -> Excerpt:
    """The text with the most of what was looked for; among equals the reader's language and the shortest channel come first."""
    terms = search_words(query).split()
    own_first = dict.fromkeys((language, "en", *texts))
    ordered = [(tongue, channel) for tongue in own_first for channel in CHANNELS if texts.get(tongue, {}).get(channel, "").strip()]
    if not ordered:
        return Excerpt(language, "sms", (), found=False)
    tongue, channel = max(ordered, key=lambda one: _held(texts, one, terms))
    text = texts[tongue][channel]
    return Excerpt(tongue, channel, _pieces(text, terms), found=_held(texts, (tongue, channel), terms) > 0)


def _held(texts: Mapping[str, Mapping[str, str]], place: tuple[str, str], terms: list[str]) -> int:
    words = search_words(texts[place[0]][place[1]])
    return sum(term in words for term in terms)


def _pieces(text: str, terms: list[str]) -> tuple[tuple[str, bool], ...]:
    text = " ".join(_MARKS.sub("", text).split())
    hits = [word.span() for word in re.finditer(r"\w+", text) if any(term in search_words(word[0]) for term in terms)]
    start, end = _window(text, hits[0][0] if hits else 0)
    pieces: list[tuple[str, bool]] = [("… ", False)] if start else []
    at = start
    for begin, stop in hits:
        if begin >= at and stop <= end:
            pieces += [(text[at:begin], False), (text[begin:stop], True)]
            at = stop
    pieces.append((text[at:end] + (" …" if end < len(text) else ""), False))
    return tuple((part, found) for part, found in pieces if part)


def _window(text: str, first: int) -> tuple[int, int]:
    """Where the part that is shown begins and ends, at the edges of words."""
    if len(text) <= LONGEST:
        return 0, len(text)
    start = text.rfind(" ", 0, first - BEFORE) + 1 if first > LONGEST - BEFORE else 0
    end = start + LONGEST
    return start, len(text) if end >= len(text) else max(text.rfind(" ", start, end), start + LONGEST // 2)
