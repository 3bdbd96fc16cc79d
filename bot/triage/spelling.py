"""Spelling: message shorthand, recogniser slips, digits for letters, drawn-out letters and typing errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"})
_DRAWN = re.compile(r"([a-z])\1{2,}")
_DOUBLED = re.compile(r"([a-z])\1+")
SHORTEST_CORRECTED = 6
"""Words of fewer letters are never corrected: "gun" and "fun" are one letter apart."""


class Spelling:
    """Turns a written word into the form the patterns use.

    Correction works towards a closed list, the words of the patterns, and only where the written word is no known word
    itself: "turning" must not become "burning".
    """

    def __init__(
        self,
        *,
        phrases: Mapping[str, str],
        words: Mapping[str, str],
        vocabulary: Iterable[str],
        known: Iterable[str],
        turns: Iterable[str],
        joints: Iterable[str],
    ) -> None:
        self._phrases = dict(phrases)
        self._phrase_pattern = _any_of(self._phrases)
        self._words = {written: tuple(meant.split()) for written, meant in words.items()}
        self._vocabulary = frozenset(vocabulary)
        self._known = frozenset(known) | self._vocabulary | frozenset(self._words)
        self._neighbours = _deletions(word for word in self._vocabulary if len(word) >= SHORTEST_CORRECTED)
        self.turns = frozenset(turns)
        self.joints = frozenset(joints)

    def phrases(self, folded: str) -> str:
        """Replace sequences of words that mean one thing, such as "nine one one" or "can not"."""
        if self._phrase_pattern is None:
            return folded
        return self._phrase_pattern.sub(lambda match: self._phrases[" ".join(match.group().split())], folded)

    def words(self, written: Sequence[str]) -> list[str]:
        """Give the canonical words for the written ones."""
        meant: list[str] = []
        for word in written:
            meant.extend(self._one(word))
        return meant

    def _one(self, word: str) -> tuple[str, ...]:
        if word in self._words:
            return self._words[word]
        bare = word.replace("'", "")
        if not bare:
            return ()
        if bare in self._words:
            return self._words[bare]
        bare = re.sub(r"[@$!]+$", "", bare) if bare in self._known else self._plain(bare)
        return self._words.get(bare, (bare,))

    def _plain(self, word: str) -> str:
        if any(char in "0123456789@$!" for char in word) and any(char.isalpha() for char in word):
            for ones in ("i", "l"):
                decoded = word.replace("1", ones).translate(_LEET)
                if decoded in self._vocabulary or decoded in self._words:
                    return decoded
            return re.sub(r"[@$!]", "", word)
        if _DRAWN.search(word):
            twice, once = _DRAWN.sub(r"\1\1", word), _DRAWN.sub(r"\1", word)
            for candidate in (once, twice, _DOUBLED.sub(r"\1", word)):
                if candidate in self._known:
                    return candidate
            word = once
        if word.isalpha() and len(word) >= SHORTEST_CORRECTED:
            return self._corrected(word)
        return word

    def _corrected(self, word: str) -> str:
        if word in self._known:
            return word
        for key in (word, *_shortened(word)):
            for candidate in self._neighbours.get(key, ()):
                if _one_edit_apart(word, candidate):
                    return candidate
        return word


def _any_of(phrases: Mapping[str, str]) -> re.Pattern[str] | None:
    if not phrases:
        return None
    longest_first = sorted(phrases, key=len, reverse=True)
    return re.compile(r"(?<![\w'])(?:" + "|".join(r"\s+".join(map(re.escape, p.split())) for p in longest_first) + r")(?![\w'])")  # fmt: skip  # noqa: E501


def _shortened(word: str) -> list[str]:
    return [word[:index] + word[index + 1 :] for index in range(len(word))]


def _deletions(words: Iterable[str]) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for word in sorted(words):
        for key in {word, *_shortened(word)}:
            index.setdefault(key, []).append(word)
    return index


def _one_edit_apart(left: str, right: str) -> bool:
    """Whether one insertion, deletion, replacement or swap of neighbours turns one word into the other."""
    if left == right:
        return True
    if left[0] != right[0]:
        return False
    if len(left) == len(right):
        differing = [index for index in range(len(left)) if left[index] != right[index]]
        if len(differing) == 1:
            return True
        return (
            len(differing) == 2
            and differing[1] == differing[0] + 1
            and left[differing[0]] == right[differing[1]]
            and left[differing[1]] == right[differing[0]]
        )
    shorter, longer = sorted((left, right), key=len)
    return len(longer) - len(shorter) == 1 and shorter in _shortened(longer)
