"""The trained classifier, read from a file of plain numbers and run with numpy alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.encoder import SentenceEncoder, shared_encoder
from bot.triage.combine import Scores, Thresholds
from bot.triage.features import BUCKETS, grams, pattern_features, windows
from bot.triage.reading import Reading
from bot.triage.rules import Rules, shipped_rules

FORMAT = 1
LEVELS: tuple[str, ...] = ("none", "soft", "crisis", "hard")
HARD = LEVELS.index("hard")

Array = NDArray[np.float32]


class ModelError(Exception):
    """The model file is missing, damaged, or made for other patterns than those installed."""


class Classifier:
    """Three small learners: on words, on sentence vectors, and one that weighs the two with the patterns."""

    def __init__(self, arrays: dict[str, Array], meta: dict[str, Any], rules: Rules, encoder: SentenceEncoder) -> None:
        self._arrays = arrays
        self._rules = rules
        self._encoder = encoder
        self._categories: tuple[str, ...] = tuple(meta["categories"])
        self.thresholds = Thresholds(**meta["thresholds"])

    @classmethod
    def load(cls, path: Path) -> Classifier:
        """Read the model and wake the encoder, whose first text takes a second; nothing in the file is executed."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                meta = json.loads(bytes(stored["meta"]).decode())
                arrays = {name: stored[name].astype(np.float32) for name in stored.files if name != "meta"}
            if meta["format"] != FORMAT or arrays["words"].shape != (BUCKETS, len(LEVELS)):
                raise ModelError(f"{path} has another format")
            model = cls(arrays, meta, shipped_rules(), shared_encoder())
            if arrays["words_patterns"].shape[0] != meta["pattern_features"]:
                raise ModelError(f"{path} is damaged")
            model._encoder.encode(["ready"])
            return model
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"cannot read {path}: {error}") from error

    def save(self, path: Path) -> None:
        """Write the model beside its place and move it there, so that no half-written file is ever loaded."""
        meta = {
            "format": FORMAT,
            "categories": list(self._categories),
            "thresholds": asdict(self.thresholds),
            "pattern_features": int(self._arrays["words_patterns"].shape[0]),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(path.name + ".new")
        with scratch.open("wb") as file:
            stored: dict[str, Any] = {
                name: array.astype(np.float16) if name == "words" else array for name, array in self._arrays.items()
            }
            np.savez_compressed(file, meta=np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8), **stored)
        scratch.replace(path)

    def score(self, reading: Reading, text: str) -> Scores:
        """Score one message."""
        patterns = pattern_features(reading, self._rules)
        parts = windows(reading)
        vectors = self._encoder.encode([text.strip() or " ", *(" ".join(part) for part in parts)])
        by_words = self._by_words(reading.normal.words, patterns)
        by_vector = self._by_vector(vectors[0], patterns)
        part_words = [self._by_words(part, np.zeros_like(patterns)) for part in parts]
        part_vectors = [self._by_vector(vector, np.zeros_like(patterns)) for vector in vectors[1:]]
        stacked = stack_features(by_words, by_vector, part_words, part_vectors, patterns)
        levels = softmax(stacked @ self._arrays["stack"] + self._arrays["stack_bias"])
        categories = softmax(
            vectors[0] @ self._arrays["category_vector"]
            + patterns @ self._arrays["category_patterns"]
            + self._arrays["category_bias"]
        )
        return Scores(
            hard=float(levels[HARD]),
            crisis=float(levels[2]),
            soft=float(levels[1]),
            categories=dict(zip(self._categories, map(float, categories), strict=True)),
        )

    def _by_words(self, words: Sequence[str], patterns: Array) -> Array:
        indices, weights = grams(words)
        logits = weights @ self._arrays["words"][indices] + patterns @ self._arrays["words_patterns"]
        return log_softmax(logits + self._arrays["words_bias"])

    def _by_vector(self, vector: Array, patterns: Array) -> Array:
        hidden = np.concatenate([vector * VECTOR_SCALE, patterns]) @ self._arrays["hidden"] + self._arrays["hidden_bias"]
        return log_softmax(np.maximum(hidden, 0) @ self._arrays["output"] + self._arrays["output_bias"])


VECTOR_SCALE = np.float32(8.0)
"""Brings the unit-length sentence vector to the size of the pattern features."""


def stack_features(
    by_words: Array, by_vector: Array, part_words: Sequence[Array], part_vectors: Sequence[Array], patterns: Array
) -> Array:
    """What the last learner weighs: the opinions on the whole, the worst opinion on a part, and the patterns."""
    worst_words = max((float(np.clip(part[HARD], -8, 0)) for part in part_words), default=-8.0)
    worst_vector = max((float(np.clip(part[HARD], -8, 0)) for part in part_vectors), default=-8.0)
    parts = [float(bool(part_words)), worst_words / 4 + 2, worst_vector / 4 + 2]
    opinions = np.concatenate([np.clip(by_words, -8, 0), np.clip(by_vector, -8, 0)])
    return np.concatenate([opinions / 2, np.asarray(parts, dtype=np.float32), patterns]).astype(np.float32)


def softmax(logits: Array) -> Array:
    """Probabilities from logits."""
    shifted = np.exp(logits - logits.max())
    return np.asarray(shifted / shifted.sum(), dtype=np.float32)


def log_softmax(logits: Array) -> Array:
    """Logarithms of the probabilities from logits."""
    shifted = logits - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()), dtype=np.float32)
