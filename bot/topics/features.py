"""What the classifier sees of the words: words and pairs of them, runs of letters, concepts and pairs of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bot.topics.words import Concepts, pieces

Sparse = tuple[NDArray[np.int32], NDArray[np.float32]]
"""The columns and the values of one row."""

WEIGHTS: Final = {"w": 0.3, "p": 0.3, "c": 1.0}
"""How much words, pieces of words and concepts count beside each other."""
RAREST: Final = {"w": 1, "p": 2, "c": 1}
"""In how many training texts a feature must stand to be kept."""
MOST_CONCEPTS: Final = 12


def raw(tokens: Sequence[str], concepts: Concepts) -> dict[str, Counter[str]]:
    """The features of one text, counted, by group; each name begins with its group."""
    pairs = [f"w:{left} {right}" for left, right in pairwise(tokens)]
    found = concepts.of(tokens)[:MOST_CONCEPTS]
    both = [f"c:{left}+{right}" for left, right in combinations(sorted(found), 2)]
    return {
        "w": Counter([*(f"w:{token}" for token in tokens), *pairs]),
        "p": Counter([piece for token in tokens for piece in _marked_pieces(token)]),
        "c": Counter([*(f"c:{concept}" for concept in found), *both]),
    }


@lru_cache(maxsize=50_000)
def _marked_pieces(token: str) -> tuple[str, ...]:
    return tuple(f"p:{piece}" for piece in pieces(token))


@dataclass(frozen=True)
class Vocabulary:
    """Every known feature with its column and its weight (rare ones weigh more)."""

    columns: dict[str, int]
    rarity: NDArray[np.float32]

    @classmethod
    def fit(cls, texts: Iterable[dict[str, Counter[str]]]) -> Vocabulary:
        """Learns which features exist from the training texts."""
        seen: dict[str, Counter[str]] = {group: Counter() for group in WEIGHTS}
        total = 0
        for text in texts:
            total += 1
            for group, counts in text.items():
                seen[group].update(counts.keys())
        names = [
            (name, count) for group, counts in seen.items() for name, count in sorted(counts.items()) if count >= RAREST[group]
        ]
        rarity = np.array([np.log((1 + total) / (1 + count)) + 1 for _, count in names], dtype=np.float32)
        return cls({name: column for column, (name, _) in enumerate(names)}, rarity)

    def row(self, text: dict[str, Counter[str]]) -> Sparse:
        """One text as columns and values: each group of length one times the root of its weight."""
        columns: list[NDArray[np.int32]] = []
        values: list[NDArray[np.float32]] = []
        for group, counts in text.items():
            known = [(self.columns[name], count) for name, count in counts.items() if name in self.columns]
            if not known:
                continue
            where = np.array([column for column, _ in known], dtype=np.int32)
            value = (1 + np.log(np.array([count for _, count in known], dtype=np.float32))) * self.rarity[where]
            columns.append(where)
            values.append((value * (np.sqrt(WEIGHTS[group]) / np.linalg.norm(value))).astype(np.float32))
        if not columns:
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        return np.concatenate(columns), np.concatenate(values)

    def matrix(self, rows: Sequence[Sparse]) -> Any:
        """The rows as one scipy matrix, for training."""
        from scipy.sparse import csr_matrix  # deferred: only training needs scipy

        ends = np.cumsum([0, *(len(columns) for columns, _ in rows)])
        columns = np.concatenate([columns for columns, _ in rows]) if rows else np.zeros(0, np.int32)
        values = np.concatenate([values for _, values in rows]) if rows else np.zeros(0, np.float32)
        return csr_matrix((values, columns, ends), shape=(len(rows), len(self.rarity)))
