"""Fits the three learners, and scores every example by learners that had not seen it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier

from bot.triage.classifier import LEVELS, VECTOR_SCALE, Array, stack_features
from bot.triage.combine import Scores
from bot.triage.features import BUCKETS, grams

if TYPE_CHECKING:
    from bot.triage.training import Corpus

FOLDS = 3
SEED = 311
HIDDEN = 64


@dataclass(frozen=True)
class Fitted:
    """The numbers of the final learners, and the scores of each example out of fold."""

    arrays: dict[str, Array]
    categories: tuple[str, ...]
    out_of_fold: list[Scores]


def fit_all(corpus: Corpus, say: Callable[[str], None]) -> Fitted:
    """Fit on folds for honest scores, then on everything for use."""
    labels = corpus.labels
    words = _sparse([grams(reading.normal.words) for reading in corpus.readings])
    parts = [part for message in corpus.parts for part in message]
    owner = np.repeat(np.arange(len(labels)), [len(message) for message in corpus.parts])
    part_words = _sparse([grams(part) for part in parts])
    part_vectors = np.concatenate([*corpus.part_vectors, np.zeros((0, corpus.vectors.shape[1]), np.float32)])
    whole = np.concatenate([corpus.vectors * VECTOR_SCALE, corpus.patterns], axis=1)
    blank = np.zeros((len(parts), corpus.patterns.shape[1]), dtype=np.float32)
    part_whole = np.concatenate([part_vectors * VECTOR_SCALE, blank], axis=1)

    by_words = np.zeros((len(labels), len(LEVELS)), dtype=np.float32)
    by_vector = np.zeros_like(by_words)
    worst_words = np.zeros((len(parts), len(LEVELS)), dtype=np.float32)
    worst_vector = np.zeros_like(worst_words)
    categories, category_scores, category_arrays = _fit_categories(corpus)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for number, (seen, unseen) in enumerate(folds.split(words, labels), start=1):
        say(f"fold {number} of {FOLDS}")
        linear = _fit_words(hstack([words, csr_matrix(corpus.patterns)]).tocsr()[seen], labels[seen])
        network = _fit_network(whole[seen], labels[seen])
        mine = np.isin(owner, unseen)
        by_words[unseen] = linear.predict_log_proba(hstack([words[unseen], csr_matrix(corpus.patterns[unseen])]))
        by_vector[unseen] = network.predict_log_proba(whole[unseen])
        if mine.any():
            worst_words[mine] = linear.predict_log_proba(hstack([part_words[mine], csr_matrix(blank[mine])]))
            worst_vector[mine] = network.predict_log_proba(part_whole[mine])
    stacked = np.stack(
        [
            stack_features(
                by_words[row],
                by_vector[row],
                list(worst_words[owner == row]),
                list(worst_vector[owner == row]),
                corpus.patterns[row],
            )
            for row in range(len(labels))
        ]
    )
    levels = np.zeros_like(by_words)
    for seen, unseen in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED + 1).split(stacked, labels):
        levels[unseen] = _fit_stack(stacked[seen], labels[seen]).predict_proba(stacked[unseen])
    say("final fit")
    linear = _fit_words(hstack([words, csr_matrix(corpus.patterns)]).tocsr(), labels)
    network = _fit_network(whole, labels)
    stack = _fit_stack(stacked, labels)
    arrays: dict[str, Any] = {
        "words": linear.coef_.T[:BUCKETS],
        "words_patterns": linear.coef_.T[BUCKETS:],
        "words_bias": linear.intercept_,
        "hidden": network.coefs_[0],
        "hidden_bias": network.intercepts_[0],
        "output": network.coefs_[1],
        "output_bias": network.intercepts_[1],
        "stack": stack.coef_.T,
        "stack_bias": stack.intercept_,
        **category_arrays,
    }
    return Fitted(
        arrays={name: np.asarray(array, dtype=np.float32) for name, array in arrays.items()},
        categories=categories,
        out_of_fold=[
            Scores(float(row[3]), float(row[2]), float(row[1]), dict(zip(categories, map(float, chances), strict=True)))
            for row, chances in zip(levels, category_scores, strict=True)
        ],
    )


def _fit(learner: Any, features: Any, labels: Any) -> Any:
    """Fit for the fixed number of rounds; that the learner could go on is expected, not a fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return learner.fit(features, labels)


def _fit_words(features: Any, labels: NDArray[np.int64]) -> Any:
    return _fit(LogisticRegression(C=20.0, max_iter=40, tol=1e-3), features, labels)


def _fit_network(features: Array, labels: NDArray[np.int64]) -> Any:
    network = MLPClassifier(
        (HIDDEN,),
        alpha=3e-3,
        batch_size=128,
        learning_rate_init=1.5e-3,
        max_iter=10,
        random_state=SEED,
        tol=0.0,
        n_iter_no_change=100,
    )
    return _fit(network, features, labels)


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
