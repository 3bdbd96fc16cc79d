"""The understanding that works without a model: each topic's own keywords, and the number menu."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from knowledge.facts import folded
from knowledge.topics import Topic

MENU_SIZE: Final = 9


def _stem(word: str) -> str:
    # Enough for plurals in both languages: shelters, cierres, crutches.
    if len(word) > 4 and word.endswith("es"):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith(("s", "e")) else word


def tokens(text: str) -> tuple[str, ...]:
    """The words of a text, without case, accents, marks and plural endings."""
    return tuple(_stem(word) for word in folded(text).split())


class Keywords:
    """Matches a message against the keywords of all topics. Answers only when one topic stands out; the menu is for the rest."""

    def __init__(self, topics: Iterable[Topic]) -> None:
        self._index: dict[str, dict[tuple[str, ...], list[str]]] = {}
        self._longest = 1
        for topic in topics:
            for language, keywords in topic.keywords.items():
                for keyword in keywords:
                    key = tokens(keyword)
                    if key:
                        intents = self._index.setdefault(language, {}).setdefault(key, [])
                        if topic.intent not in intents:
                            intents.append(topic.intent)
                        self._longest = max(self._longest, len(key))

    def match(self, text: str, language: str, *, preferred: Sequence[str]) -> str | None:
        """The topic whose keywords the text holds most of; of equals, the one the menu offers first; else nothing."""
        for tongue in dict.fromkeys((language, *self._index)):
            scores = self._scores(tokens(text[:1000]), tongue)
            if scores:
                return _best(scores, preferred)
        return None

    def _scores(self, words: tuple[str, ...], language: str) -> dict[str, int]:
        index = self._index.get(language, {})
        scores: dict[str, int] = {}
        for size in range(1, self._longest + 1):
            for start in range(len(words) - size + 1):
                for intent in index.get(words[start : start + size], ()):
                    # Two words together say more than the same two apart.
                    scores[intent] = scores.get(intent, 0) + size * size
        return scores


def _best(scores: Mapping[str, int], preferred: Sequence[str]) -> str | None:
    top = max(scores.values())
    best = [intent for intent, score in scores.items() if score == top]
    if len(best) == 1:
        return best[0]
    offered = [intent for intent in preferred if intent in best]
    return offered[0] if len(offered) == 1 else None


def menu(
    topics: Mapping[str, Topic], menus: Mapping[str, Mapping[str, Sequence[str]]], *, hazards: Sequence[str], phase: str
) -> tuple[str, ...]:
    """The topics of the number menu: the list written for the hazard and phase, filled up with the general one."""
    wanted: list[str] = []
    for hazard in (*hazards, "all"):
        lists = menus.get(hazard, {})
        wanted.extend((*lists.get(phase, ()), *lists.get("all", ())))
    known = [intent for intent in dict.fromkeys(wanted) if intent in topics]
    fitting = (topic.intent for topic in topics.values() if topic.fits(hazards=frozenset(hazards), phase=phase) and hazards)
    return tuple(dict.fromkeys((*known, *fitting)))[:MENU_SIZE]
