"""Text into the numbers of its pieces: the unigram model of SentencePiece (Kudo 2018), over a vocabulary in a file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import marisa_trie
import numpy as np

SPACE: Final = "\u2581"
"""The sign that stands for a space in a piece."""
_TRIE: Final = "pieces.marisa"
_NUMBERS: Final = "pieces.npz"
_IMPOSSIBLE: Final = -1e30
_WORD: Final = re.compile(f"{SPACE}[^{SPACE}]*|[^{SPACE}]+")
REMEMBERED: Final = 8192
COMMON: Final = 24
"""Letters up to which a word is remembered; longer ones seldom come twice."""


def write_pieces(folder: Path, pieces: Sequence[str], scores: Sequence[float], *, unknown: int) -> None:
    """Writes a vocabulary, whose pieces are numbered in their order; `unknown` is the number of what no piece covers. Raises
    `ValueError` where a piece has a space inside."""
    if any(SPACE in piece[1:] for piece in pieces):
        raise ValueError("a piece goes on past the end of a word")
    trie = marisa_trie.Trie(pieces)
    numbers, logs = np.zeros(len(trie), dtype=np.int32), np.zeros(len(trie), dtype=np.float32)
    for number in reversed(range(len(pieces))):
        key = trie[pieces[number]]
        numbers[key], logs[key] = number, scores[number]
    # The unknown piece stands in no text.
    logs[trie[pieces[unknown]]] = _IMPOSSIBLE
    trie.save(str(folder / _TRIE))
    np.savez(folder / _NUMBERS, numbers=numbers, scores=logs, unknown=unknown, worst=min(scores), longest=max(map(len, pieces)))


class Pieces:
    """A vocabulary that was written by `write_pieces`; the trie stays in its file, of which a text touches little.

    With `always_unknown` a single character may be unknown even where it is a piece, as some ports of the model have it; the score
    is so low that it hardly ever is."""

    def __init__(self, folder: Path, *, always_unknown: bool) -> None:
        self._always_unknown = always_unknown
        self._of_common_word = lru_cache(REMEMBERED)(self._of_word)
        self._trie = marisa_trie.Trie().mmap(str(folder / _TRIE))
        with np.load(folder / _NUMBERS, allow_pickle=False) as arrays:
            self._numbers, self._scores = arrays["numbers"], arrays["scores"]
            self._unknown, self._longest = int(arrays["unknown"]), int(arrays["longest"])
            # SentencePiece's own distance of an unknown character from the rarest piece.
            self._penalty = float(arrays["worst"]) - 10.0

    def numbers(self, text: str) -> list[int]:
        """The likeliest pieces of a normalised text. No piece goes past the end of a word, so that each word is taken alone."""
        found: list[int] = []
        for word in _WORD.findall(text):
            found.extend(self._of_common_word(word) if len(word) <= COMMON else self._of_word(word))
        return found

    def _of_word(self, text: str) -> tuple[int, ...]:
        length = len(text)
        best, begin, piece = [0.0, *[_IMPOSSIBLE] * length], [0] * (length + 1), [self._unknown] * (length + 1)
        trie, scores = self._trie, self._scores
        for at in range(length):
            base = best[at]
            single = False
            for prefix in trie.iter_prefixes(text[at : at + self._longest]):
                key = trie[prefix]
                end = at + len(prefix)
                score = base + float(scores[key])
                if score > best[end]:
                    best[end], begin[end], piece[end] = score, at, int(self._numbers[key])
                single = single or end == at + 1
            if (self._always_unknown or not single) and base + self._penalty > best[at + 1]:
                best[at + 1], begin[at + 1], piece[at + 1] = base + self._penalty, at, self._unknown
        found = []
        while length > 0:
            found.append(piece[length])
            length = begin[length]
        return tuple(reversed(found))
