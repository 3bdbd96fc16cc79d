"""Which published topic a message asks about in the very words of one of its examples, so that a topic is answered from the
moment it is published and not only after the assistant has learned it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import OSA

from knowledge.facts import folded
from knowledge.topics import Topic

LONGEST: Final = 200
"""Characters; a longer message tells a story, and no example is one."""
FEWEST_WORDS: Final = 2
"""A single word such as `yes` steers the dialogue and is nobody's question."""
SLIP_FROM: Final = 6
"""From this many letters on a word that nobody else uses may be one slip of the finger away from the one that was meant."""
_APOSTROPHE: Final = re.compile("['\u2018\u2019\u02bc`\u00b4]")
_EMPTY: Final = frozenset(
    (
        "a an the is are was be been am do does did of from for in on at to by with and or if it its that this there here i me my "
        "we our us you your can could may might will would should please hi hello hey tell know about so just any some have has "
        "got im ive id whats wheres hows theres "
        "el la los las un una unos unas es esta estan son era ser estar hay de del desde para por en a al con y o si lo le les me "
        "mi mis nos nuestro su sus usted ustedes puedo puede podria hola favor diga digame sabe saber sobre ya algun alguna tengo "
        "tiene he ha se"
    ).split()
)
"""Words without which a question stays the same one. No word that asks (where, when) or denies (not, no) is among them."""


@dataclass(frozen=True)
class Match:
    """A topic, the example that the message repeats, and whether word for word."""

    intent: str
    example: str
    exact: bool


class Phrasings:
    """The examples of all topics of one snapshot of the library. Two topics with the same example have no match by it."""

    def __init__(self, topics: Iterable[Topic]) -> None:
        self._exact: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self._near: dict[frozenset[str], set[tuple[str, str]]] = defaultdict(set)
        self._known: set[str] = set()
        for topic in topics:
            for texts in topic.examples.values():
                for text in texts:
                    words = _words(text)
                    self._exact[" ".join(words)].add((topic.intent, text))
                    self._near[_bag(words)].add((topic.intent, text))
                    self._known.update(words)
        self._bags: dict[int, list[frozenset[str]]] = defaultdict(list)
        for bag in self._near:
            self._bags[len(bag)].append(bag)

    def match(self, text: str) -> Match | None:
        """The topic that an example names in the same words, or in the same words that carry meaning, in any order and with one
        slip of the finger in a long word; nothing when no topic or more than one does."""
        words = _words(text[: LONGEST + 1])
        if len(text) > LONGEST or len(words) < FEWEST_WORDS:
            return None
        same = self._exact.get(" ".join(words))
        if same is not None:
            return _one(same, exact=True)
        bag = _bag(words)
        if len(bag) < FEWEST_WORDS:
            return None
        near = self._near.get(bag)
        if near is None:
            near = self._near.get(self._mended(bag))
        return None if near is None else _one(near, exact=False)

    def _mended(self, bag: frozenset[str]) -> frozenset[str]:
        """The bag of an example that differs only by slips, in words that no example uses; else the bag as it is."""
        odd = {word for word in bag if word not in self._known and len(word) >= SLIP_FROM}
        if not odd:
            return bag
        plain = bag - odd
        found = [
            other
            for other in self._bags.get(len(bag), ())
            if plain < other and all(any(_slip(word, meant) for meant in other - plain) for word in odd)
        ]
        return found[0] if len(found) == 1 else bag


def _words(text: str) -> list[str]:
    # An apostrophe holds a word together: people write dont as often as don't.
    return folded(_APOSTROPHE.sub("", text)).split()


def _bag(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word for word in words if word not in _EMPTY)


def _slip(word: str, meant: str) -> bool:
    return len(meant) >= SLIP_FROM and OSA.distance(word, meant, score_cutoff=1) <= 1


def _one(found: set[tuple[str, str]], *, exact: bool) -> Match | None:
    if len({intent for intent, _ in found}) != 1:
        return None
    intent, example = min(found)
    return Match(intent, example, exact)
