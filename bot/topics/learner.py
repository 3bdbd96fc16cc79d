"""A linear classifier over the sentence vector and the words together, trained in seconds on one core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bot.topics.features import Sparse

Matrix = NDArray[np.float32]

EPOCHS: Final = 8
BATCH: Final = 256
STEP: Final = 0.05
WORDS_STEP: Final = 5.0
"""Words are rare, so that their weights take longer steps."""
DENSE_SCALE: Final = 0.2
SMOOTHING: Final = 0.1
"""Part of each training label spread over all intents, since topics border on one another."""
DROPPED: Final = 0.2
"""Part of the inputs hidden at random at each step, so that no single word decides."""
_TINY: Final = 1e-8


def softmax(scores: Matrix) -> Matrix:
    """Scores as probabilities, row by row."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Matrix = powers / powers.sum(axis=-1, keepdims=True)
    return shares


@dataclass(frozen=True)
class Linear:
    """Weights for the sentence vector and for each word feature."""

    centre: Matrix
    dense: Matrix
    sparse: Matrix | NDArray[np.float16]
    bias: Matrix

    def scores(self, vectors: Matrix, rows: list[Sparse]) -> Matrix:
        """One row of scores, an intent a column, for each text."""
        result: Matrix = ((vectors - self.centre) @ self.dense + self.bias).astype(np.float32)
        for number, (columns, values) in enumerate(rows):
            if len(columns):
                result[number] += (values @ self.sparse[columns].astype(np.float32)).astype(np.float32)
        return result


def train(
    vectors: Matrix,
    words: Any,
    labels: NDArray[np.int64],
    intents: int,
    *,
    seed: int = 0,
) -> Linear:
    """Fit by AdaGrad on the cross entropy; `words` is a scipy CSR matrix. The same input gives the same weights."""
    from scipy.sparse import csr_matrix  # deferred: only training needs scipy

    chance = np.random.default_rng(seed)
    centre = vectors.mean(axis=0)
    scale = np.float32(DENSE_SCALE / max(float(vectors.std()), _TINY))
    inputs = (vectors - centre) * scale
    dense = np.zeros((vectors.shape[1], intents), np.float32)
    sparse = np.zeros((words.shape[1], intents), np.float32)
    bias = np.zeros(intents, np.float32)
    dense_sum, sparse_sum = np.full_like(dense, _TINY), np.full_like(sparse, _TINY)
    kept = np.float32(1 / (1 - DROPPED))
    for epoch in range(EPOCHS):
        step = np.float32(STEP * (1 - epoch / EPOCHS))
        order = chance.permutation(len(labels))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            batch = inputs[chosen] * (chance.random((len(chosen), inputs.shape[1]), dtype=np.float32) > DROPPED) * kept
            columns, rows, values = _picked(words, chosen, chance)
            known, place = np.unique(columns, return_inverse=True)
            texts = csr_matrix((values * kept, (rows, place)), shape=(len(chosen), len(known)))
            weights = sparse[known]
            error = softmax(batch @ dense + texts @ weights + bias) - np.float32(SMOOTHING / intents)
            error[np.arange(len(chosen)), labels[chosen]] -= np.float32(1 - SMOOTHING)
            error /= np.float32(len(chosen))
            slope = batch.T @ error
            dense_sum += slope * slope
            dense -= step * slope / np.sqrt(dense_sum)
            slope = np.asarray(texts.T @ error, dtype=np.float32)
            total = sparse_sum[known] + slope * slope
            sparse_sum[known] = total
            sparse[known] = weights - step * np.float32(WORDS_STEP) * slope / np.sqrt(total)
            bias -= step * error.sum(axis=0)
    return Linear(centre=centre, dense=dense * scale, sparse=sparse, bias=bias)


def mean(runs: Sequence[Linear]) -> Linear:
    """Several runs as one: their scores are averaged, which for linear weights is the average of the weights.

    The word weights are kept in half precision; they are most of the model."""
    share = np.float32(1 / len(runs))
    dense, sparse, bias = np.zeros_like(runs[0].dense), np.zeros_like(runs[0].sparse), np.zeros_like(runs[0].bias)
    for run in runs:
        dense += run.dense * share
        sparse += run.sparse * share
        bias += run.bias * share
    return Linear(centre=runs[0].centre, dense=dense, sparse=sparse.astype(np.float16), bias=bias)


def _picked(words: Any, chosen: NDArray[np.int64], chance: np.random.Generator) -> tuple[Any, Any, Any]:
    """The word features of the chosen rows, less the dropped ones: columns, row numbers and values."""
    lengths = np.diff(words.indptr)[chosen]
    offsets = np.repeat(words.indptr[chosen] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    places = offsets + np.arange(int(lengths.sum()))
    stays = chance.random(len(places), dtype=np.float32) > DROPPED
    rows = np.repeat(np.arange(len(chosen)), lengths)
    return words.indices[places][stays], rows[stays], words.data[places][stays]
