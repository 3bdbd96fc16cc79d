"""Puts typing errors right, towards the words that the training examples use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

SHORTEST: Final = 4
"""Words of fewer letters are left: too many are one letter apart."""
TWO_ERRORS: Final = 8
"""From this length on two errors may be put right."""

SURE_LENGTH: Final = 6
USUAL: Final = 20
"""A word seen once is itself taken for a slip, if it is long and a word used this often is one letter away."""


class Speller:
    """Knows the words of the training examples and how often each was used."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = dict(counts)
        self._by_letter: dict[str, list[str]] = {}
        for word in sorted(self.counts):
            if len(word) >= SHORTEST and self.counts[word] > 1:
                self._by_letter.setdefault(word[0], []).append(word)

    def correct(self, tokens: Sequence[str]) -> tuple[str, ...]:
        """The words with each unknown one replaced by a known one that is a slip away, if there is one."""
        return tuple(self._one(token) for token in tokens)

    def _one(self, word: str) -> str:
        seen = self.counts.get(word, 0)
        if len(word) < SHORTEST or seen > 1 or not word.isalpha() or (seen and len(word) < SURE_LENGTH):
            return word
        reach = 2 if len(word) >= TWO_ERRORS and not seen else 1
        near = process.extract(word[:40], self._by_letter.get(word[0], []), scorer=OSA.distance, score_cutoff=reach, limit=8)
        usual = [found for found in near if not seen or self.counts[found[0]] >= USUAL]
        if not usual:
            return word
        return min(usual, key=lambda found: (found[1], -self.counts[found[0]], found[0]))[0]
