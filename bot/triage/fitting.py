"""Fits the learners of both looks, and scores every example by learners that had not seen it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import get_reusable_executor
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from bot.triage.classifier import (
    CRISIS,
    HARD,
    LEVELS,
    NETWORK_ARRAYS,
    VECTOR_SCALE,
    Array,
    second_features,
    second_stack_features,
    stack_features,
)
from bot.triage.combine import Scores
from bot.triage.features import BUCKETS, grams
from bot.triage.network import Network, Plan, fit_several, opinion
from bot.triage.second import SecondEncoder

if TYPE_CHECKING:
    from bot.triage.training import Corpus

FOLDS = 3
SEED = 311
NETWORKS = 3
SECOND_NETWORKS = 8
"""The second look has few rows to learn from, so that one network alone varies more; they take no time beside its encoder."""
BAND = (0.1, 0.9)
"""Chances of an emergency between which the first look is in doubt."""

FIRST_PLAN = Plan()
SECOND_PLAN = Plan(left_out=0.4)
MANY = 8_000
"""From this many examples on the folds are worth processes of their own."""
FEWEST_DOUBTFUL = 200
"""With fewer doubtful examples no second look is learned."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Fitted:
    """The numbers of the final learners, and the scores of each example out of fold, by the first look alone and by both."""

    arrays: dict[str, Array]
    categories: tuple[str, ...]
    first: list[Scores]
    both: list[Scores] | None


@dataclass(frozen=True)
class _First:
    """The first look on every example, out of fold: what its last learner sees, and what it says."""

    stacked: Array
    levels: Array
    arrays: dict[str, Any]


def fit_all(corpus: Corpus, second: SecondEncoder, say: Say) -> Fitted:
    """Fit on folds for honest scores, then on everything for use; the second look only where its encoder is."""
    categories, category_scores, category_arrays = _fit_categories(corpus)
    first = _fit_first(corpus, say)
    arrays = {**first.arrays, **category_arrays}
    both: Array | None = None
    looked = np.zeros(len(corpus.labels), dtype=bool)
    danger = first.levels[:, HARD] + first.levels[:, CRISIS]
    rows = np.flatnonzero((danger >= BAND[0]) & (danger <= BAND[1]))
    if len(rows) >= FEWEST_DOUBTFUL and second.ready():
        say(f"a second look at {len(rows)} examples")
        others = second.encode_many([corpus.examples[row].text.strip() for row in rows])
        levels, second_arrays = _fit_second(corpus, others, rows, first)
        both = first.levels.copy()
        both[rows] = levels
        looked[rows] = True
        arrays |= second_arrays

    def scores(levels: Array, again: NDArray[np.bool_]) -> list[Scores]:
        return [
            Scores(
                float(row[3]), float(row[2]), float(row[1]), dict(zip(categories, map(float, chances), strict=True)), bool(twice)
            )
            for row, chances, twice in zip(levels, category_scores, again, strict=True)
        ]

    return Fitted(
        arrays={name: np.asarray(array, dtype=np.float32) for name, array in arrays.items()},
        categories=categories,
        first=scores(first.levels, np.zeros_like(looked)),
        both=None if both is None else scores(both, looked),
    )


def _fit_first(corpus: Corpus, say: Say) -> _First:
    labels = corpus.labels
    words = hstack([_sparse([grams(reading.normal.words) for reading in corpus.readings]), csr_matrix(corpus.patterns)]).tocsr()
    whole = np.concatenate([corpus.vectors * VECTOR_SCALE, corpus.patterns], axis=1)
    parts = [part for message in corpus.parts for part in message]
    owner = np.repeat(np.arange(len(labels)), [len(message) for message in corpus.parts])
    blank = np.zeros((len(parts), corpus.patterns.shape[1]), dtype=np.float32)
    part_words = hstack([_sparse([grams(part) for part in parts]), csr_matrix(blank)]).tocsr()
    part_vectors = np.concatenate([*corpus.part_vectors, np.zeros((0, corpus.vectors.shape[1]), np.float32)])
    part_whole = np.concatenate([part_vectors * VECTOR_SCALE, blank], axis=1)

    by_words = np.zeros((len(labels), len(LEVELS)), dtype=np.float32)
    by_vector = np.zeros_like(by_words)
    worst_words = np.zeros((len(parts), len(LEVELS)), dtype=np.float32)
    worst_vector = np.zeros_like(worst_words)
    folds = [(np.arange(len(labels)), np.arange(0)), *_folds(labels, SEED)]
    say(f"all, and {FOLDS} folds")
    fitted = _beside(
        len(labels), (delayed(_fit_learners)(words[seen], whole[seen], labels[seen], FIRST_PLAN) for seen, _unseen in folds)
    )
    for (linear, networks), (_seen, unseen) in zip(fitted[1:], folds[1:], strict=True):
        mine = np.isin(owner, unseen)
        by_words[unseen] = linear.predict_log_proba(words[unseen])
        by_vector[unseen] = opinion(networks, whole[unseen])
        if mine.any():
            worst_words[mine] = linear.predict_log_proba(part_words[mine])
            worst_vector[mine] = opinion(networks, part_whole[mine])
    ends = np.searchsorted(owner, np.arange(len(labels) + 1))
    stacked = np.stack(
        [
            stack_features(
                by_words[row],
                by_vector[row],
                list(worst_words[ends[row] : ends[row + 1]]),
                list(worst_vector[ends[row] : ends[row + 1]]),
                corpus.patterns[row],
            )
            for row in range(len(labels))
        ]
    )
    linear, networks = fitted[0]
    stack = _fit_stack(stacked, labels)
    arrays = {
        "words": linear.coef_.T[:BUCKETS],
        "words_patterns": linear.coef_.T[BUCKETS:],
        "words_bias": linear.intercept_,
        **_network_arrays(networks, ""),
        "stack": stack.coef_.T,
        "stack_bias": stack.intercept_,
    }
    return _First(stacked=stacked, levels=_stacked_out_of_fold(stacked, labels), arrays=arrays)


def _fit_second(corpus: Corpus, others: Array, rows: NDArray[np.int64], first: _First) -> tuple[Array, dict[str, Any]]:
    """Learn on the doubtful examples alone, since no other is ever looked at again."""
    labels = corpus.labels[rows]
    mean = others.mean(axis=0)
    whole = second_features(corpus.vectors[rows], others - mean, corpus.patterns[rows])
    heard = np.zeros((len(rows), len(LEVELS)), dtype=np.float32)
    folds = [(np.arange(len(labels)), np.arange(0)), *_folds(labels, SEED + 2)]
    fitted = _beside(
        len(corpus.labels),
        (delayed(_fit_networks)(whole[seen], labels[seen], SECOND_PLAN, SECOND_NETWORKS) for seen, _unseen in folds),
    )
    for networks, (_seen, unseen) in zip(fitted[1:], folds[1:], strict=True):
        heard[unseen] = opinion(networks, whole[unseen])
    stacked = second_stack_features(first.stacked[rows], heard)
    stack = _fit_stack(stacked, labels)
    arrays = {
        "second_mean": mean,
        **_network_arrays(fitted[0], "second_"),
        "second_stack": stack.coef_.T,
        "second_stack_bias": stack.intercept_,
    }
    return _stacked_out_of_fold(stacked, labels), arrays


def _fit_learners(words: Any, whole: Array, labels: NDArray[np.int64], plan: Plan) -> tuple[Any, list[Network]]:
    return _fit_words(words, labels), _fit_networks(whole, labels, plan)


def _beside(rows: int, tasks: Iterable[Any]) -> list[Any]:
    """The results of independent fits, each on one core; a few rows are not worth the processes."""
    cores = min(os.cpu_count() or 1, FOLDS + 1) if rows >= MANY else 1
    if cores == 1:
        return [fit(*given, **named) for fit, given, named in tasks]
    try:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            found: list[Any] = Parallel(n_jobs=cores)(tasks)
    finally:
        # Left alone they would stay for five minutes, and this process with them.
        get_reusable_executor().shutdown(wait=True)
    return found


def _folds(labels: NDArray[np.int64], seed: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    yield from StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(labels, labels)


def _stacked_out_of_fold(stacked: Array, labels: NDArray[np.int64]) -> Array:
    levels = np.zeros((len(labels), len(LEVELS)), dtype=np.float32)
    for seen, unseen in _folds(labels, SEED + 1):
        levels[unseen] = _fit_stack(stacked[seen], labels[seen]).predict_proba(stacked[unseen])
    return levels


def _fit(learner: Any, features: Any, labels: Any) -> Any:
    """Fit for the fixed number of rounds; that the learner could go on is expected, not a fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return learner.fit(features, labels)


def _fit_words(features: Any, labels: NDArray[np.int64]) -> Any:
    return _fit(LogisticRegression(C=5.0, max_iter=60, tol=1e-3), features, labels)


def _fit_networks(features: Array, labels: NDArray[np.int64], plan: Plan, number: int = NETWORKS) -> list[Network]:
    return fit_several(features, labels, levels=len(LEVELS), seeds=range(SEED, SEED + number), plan=plan)


def _network_arrays(networks: list[Network], prefix: str) -> dict[str, Array]:
    return {prefix + name: np.stack([getattr(network, name) for network in networks]) for name in NETWORK_ARRAYS}


def _fit_stack(features: Array, labels: NDArray[np.int64]) -> Any:
    return _fit(LogisticRegression(C=0.3, max_iter=300), features, labels)


def _category_rows(corpus: Corpus) -> tuple[NDArray[np.int64], list[str]]:
    rows = [n for n, example in enumerate(corpus.examples) if example.level in ("hard", "crisis") and example.category]
    return np.asarray(rows), [corpus.examples[row].category for row in rows]


def _fit_categories(corpus: Corpus) -> tuple[tuple[str, ...], Array, dict[str, Any]]:
    """Learn which category an emergency belongs to; the categories serve for words and statistics, not for the level."""
    rows, names = _category_rows(corpus)
    features = np.concatenate([corpus.vectors, corpus.patterns], axis=1)
    model = _fit(LogisticRegression(C=5.0, max_iter=80, tol=1e-3), features[rows], names)
    width = corpus.vectors.shape[1]
    arrays = {
        "category_vector": model.coef_.T[:width],
        "category_patterns": model.coef_.T[width:],
        "category_bias": model.intercept_,
    }
    return tuple(map(str, model.classes_)), np.asarray(model.predict_proba(features), dtype=np.float32), arrays


def _sparse(rows: list[tuple[NDArray[np.int64], Array]]) -> Any:
    """Rows of hashed grams; two grams in one bucket add up, as they do when a message is scored."""
    ends = np.cumsum([0, *(len(indices) for indices, _ in rows)])
    indices = np.concatenate([indices for indices, _ in rows]) if rows else np.zeros(0, np.int64)
    weights = np.concatenate([weights for _, weights in rows]) if rows else np.zeros(0, np.float32)
    return csr_matrix((weights, indices, ends), shape=(len(rows), BUCKETS))
