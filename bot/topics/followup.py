"""What a message means as the continuation of another: "and pets?" after a question about shelters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.topics.learner import Matrix

TOPIC_WORDS: Final = 3
"""Words that stand for the topic before when its name is put in front of a message."""
SHORTEST_NAME: Final = 3
ALONE: Final = 0.7
WITH_TOPIC: Final = 0.4
"""How much the message by itself and the message with the topic's words count."""
SAME: Final = 1.2
"""How much more likely the topic before is than an unrelated one, as a logarithm."""
RELATED: Final = 3.0
"""How much a topic gains for each unit of likeness to the topic before."""
OFF_TOPIC: Final = -2.0
"""What steps of the dialogue and out of scope lose: they are seldom meant by a continuation."""
_FLOOR: Final = 1e-4


@dataclass(frozen=True)
class Continuations:
    """For each topic the words that name it in each language, and its likeness to the others."""

    names: Mapping[str, Mapping[str, str]]
    likeness: Matrix

    @classmethod
    def fit(
        cls, tokens: Sequence[Sequence[str]], intents: Sequence[str], languages: Sequence[str | None], likeness: Matrix
    ) -> Continuations:
        """Finds the words that stand for each topic: frequent in it, rare in others."""
        counts: dict[tuple[str, str], Counter[str]] = {}
        for words, intent, language in zip(tokens, intents, languages, strict=True):
            for code in (language or "", "*"):
                counts.setdefault((intent, code), Counter()).update({word for word in words if len(word) >= SHORTEST_NAME})
        homes: Counter[str] = Counter()
        for (_, code), words_of in counts.items():
            if code == "*":
                homes.update(word for word, count in words_of.items() if count > 1)
        total = len({intent for intent, _ in counts})
        names: dict[str, dict[str, str]] = {}
        for (intent, code), words_of in sorted(counts.items()):
            weights = {word: -count * np.log((1 + total) / (1 + homes[word])) for word, count in words_of.items()}
            ranked = sorted(weights, key=lambda word: (weights[word], word))
            names.setdefault(intent, {})[code] = " ".join(ranked[:TOPIC_WORDS])
        return cls(names, likeness)

    def named(self, text: str, *, topic: str, language: str) -> str:
        """The message with the words of the topic before in front."""
        names = self.names.get(topic, {})
        return f"{names.get(language) or names.get('*', '')} {text}".strip()

    def together(self, alone: Matrix, with_topic: Matrix, *, previous: int, topics: NDArray[np.bool_]) -> Matrix:
        """Probabilities of what is meant, given the probabilities of the message alone and with the topic before."""
        chances = ALONE * np.log(alone + _FLOOR) + WITH_TOPIC * np.log(with_topic + _FLOOR)
        chances = chances + np.where(topics, RELATED * self.likeness[previous], OFF_TOPIC)
        chances[previous] += SAME
        powers = np.exp(chances - chances.max())
        shares: Matrix = (powers / powers.sum()).astype(np.float32)
        return shares
