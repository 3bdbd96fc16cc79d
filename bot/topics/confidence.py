"""How sure the model may be, learned from predictions on examples it had not seen, and from which sureness it answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot.topics.learner import Matrix, softmax

MOST_WRONG: Final = 0.1
"""Part of all unseen training examples that may be answered wrongly. They are written to be hard: residents' messages are missed
about a fifth as often where they name what they ask about, and about as often where they do not."""
SCOPE_KEPT: Final = 0.95
"""Part of the unseen topic examples that must not be called out of scope."""
_TEMPERATURES: Final = np.geomspace(0.2, 8.0, 60)
_ROUNDS: Final = 30


@dataclass(frozen=True)
class Gate:
    """Turns scores into a calibrated confidence, and says from where on to answer.

    `sharpness` multiplies the scores; `offset`, `slope` and `margin` turn the best probability and its lead over the second into
    the probability of being right; a topic is answered from `answer_at` on, and otherwise the nearest are offered while
    together they have at least `offer_at` of the probability.
    """

    sharpness: float
    offset: float
    slope: float
    margin: float
    answer_at: float
    offer_at: float

    def probabilities(self, scores: Matrix) -> Matrix:
        """Probabilities of the intents."""
        return softmax(scores * np.float32(self.sharpness))

    def confidence(self, shares: Matrix) -> float:
        """The probability that the first choice of one row of probabilities is right."""
        return float(_confidences(shares[None], self.offset, self.slope, self.margin)[0])

    def data(self) -> dict[str, float]:
        """What is stored with the model."""
        return asdict(self)

    @classmethod
    def fit(cls, scores: Matrix, labels: NDArray[np.int64], *, topics: NDArray[np.bool_]) -> Gate:
        """Learn from the scores of unseen examples. `topics` says which columns are topics, not steps of the dialogue."""
        sharpness = float(min(_TEMPERATURES, key=lambda value: _loss(scores, labels, value)))
        shares = softmax(scores * np.float32(sharpness))
        right = shares.argmax(axis=1) == labels
        offset, slope, margin = _logistic(_inputs(shares), right)
        sure = _confidences(shares, offset, slope, margin)
        order = np.argsort(-sure)
        wrong = np.cumsum(~right[order]) <= MOST_WRONG * len(labels)
        answer_at = float(sure[order][max(int(wrong.sum()) - 1, 0)])
        unsure = topics[labels] & (sure < answer_at)
        part = np.sort(_topic_share(shares, topics)[unsure])
        allowed = int((1 - SCOPE_KEPT) * topics[labels].sum())
        offer_at = float(part[min(allowed, len(part) - 1)]) if len(part) else 0.2
        return cls(sharpness, offset, slope, margin, min(answer_at, 0.9), min(offer_at, 0.6))


def _topic_share(shares: Matrix, topics: NDArray[np.bool_]) -> Matrix:
    part: Matrix = np.sort(shares[:, topics], axis=1)[:, -3:].sum(axis=1)
    return part


def _loss(scores: Matrix, labels: NDArray[np.int64], sharpness: float) -> float:
    shares = softmax(scores * np.float32(sharpness))
    return float(-np.log(shares[np.arange(len(labels)), labels] + 1e-9).mean())


def _inputs(shares: Matrix) -> NDArray[np.float64]:
    best = np.sort(shares, axis=1)[:, -2:].astype(np.float64)
    second, first = best[:, 0], np.clip(best[:, 1], 1e-6, 1 - 1e-6)
    return np.stack([np.ones(len(first)), np.log(first / (1 - first)), np.log(first / np.maximum(second, 1e-6))], axis=1)


def _logistic(inputs: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Logistic regression by Newton's method, with a slight pull towards zero."""
    weights = np.zeros(3)
    for _ in range(_ROUNDS):
        guess = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (guess - right) + 1e-2 * weights
        curve = (inputs * (guess * (1 - guess))[:, None]).T @ inputs + 1e-2 * np.eye(3)
        weights = weights - np.linalg.solve(curve, slope)
    return float(weights[0]), float(weights[1]), float(weights[2])


def _confidences(shares: Matrix, offset: float, slope: float, margin: float) -> NDArray[np.float64]:
    result: NDArray[np.float64] = 1 / (1 + np.exp(-(_inputs(shares) @ np.array([offset, slope, margin]))))
    return result
