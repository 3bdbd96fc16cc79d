"""The trained classifier, read from a file of plain numbers and run with numpy alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.encoder import SentenceEncoder, shared_encoder
from bot.triage.combine import Scores, Thresholds
from bot.triage.features import BUCKETS, grams, pattern_features, windows
from bot.triage.network import Network, opinion
from bot.triage.reading import Reading
from bot.triage.rules import Rules, shipped_rules
from bot.triage.second import SecondEncoder, shared_second_encoder

FORMAT = 2
LEVELS: tuple[str, ...] = ("none", "soft", "crisis", "hard")
HARD = LEVELS.index("hard")
CRISIS = LEVELS.index("crisis")
VECTOR_SCALE = np.float32(8.0)
"""Brings the unit-length sentence vector to the size of the pattern features."""

SECOND_SCALE = np.float32(20.0)
"""The same for the second encoder's, of which the mean is taken off: its vectors all lie close together."""

NETWORK_ARRAYS = ("hidden", "hidden_bias", "output", "output_bias")

Array = NDArray[np.float32]

_log = logging.getLogger(__name__)


class ModelError(Exception):
    """The model file is missing, damaged, or made for other patterns than those installed."""


class Classifier:
    """The first look weighs opinions on words, sentence vectors and patterns; in doubt, the second hears another encoder."""

    def __init__(
        self,
        arrays: dict[str, Array],
        meta: dict[str, Any],
        rules: Rules,
        encoder: SentenceEncoder,
        second: SecondEncoder,
        patience: float | None = None,
    ) -> None:
        self._arrays = arrays
        self._rules = rules
        self._encoder = encoder
        self._second = second
        self._patience = patience
        self._networks = _networks(arrays, "")
        self._second_networks = _networks(arrays, "second_") if "second_stack" in arrays else []
        self._categories: tuple[str, ...] = tuple(meta["categories"])
        self._band: tuple[float, float] = tuple(meta["band"])
        self._first_thresholds = Thresholds(**meta["thresholds"])
        self._second_thresholds = Thresholds(**meta["second_thresholds"]) if self._second_networks else None

    @classmethod
    def load(cls, path: Path, *, second: SecondEncoder | None = None, patience: float | None = None) -> Classifier:
        """Read the model and wake the encoders, whose first text takes a second; nothing in the file is executed. A second look
        that takes more than `patience` seconds is given up."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                meta = json.loads(bytes(stored["meta"]).decode())
                arrays = {name: stored[name].astype(np.float32) for name in stored.files if name != "meta"}
            if meta["format"] != FORMAT or arrays["words"].shape != (BUCKETS, len(LEVELS)):
                raise ModelError(f"{path} has another format")
            model = cls(arrays, meta, shipped_rules(), shared_encoder(), second or shared_second_encoder(), patience)
            if arrays["words_patterns"].shape[0] != meta["pattern_features"]:
                raise ModelError(f"{path} is damaged")
            model._encoder.encode(["ready"])
            if model.looks_twice:
                model._second.encode(["ready"])
            return model
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"cannot read {path}: {error}") from error

    @property
    def looks_twice(self) -> bool:
        """Whether doubtful messages get a second look: the model was trained with one, and its encoder is there."""
        return bool(self._second_networks) and self._second.ready()

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds chosen for scores with, or without, the second look."""
        return self._second_thresholds if self._second_thresholds is not None and self.looks_twice else self._first_thresholds

    def thresholds_for(self, scores: Scores) -> Thresholds:
        """The thresholds for these scores: those of the first look where it was in doubt and decides all the same."""
        return self._first_thresholds if scores.cut_short else self.thresholds

    def save(self, path: Path) -> None:
        """Write the model beside its place and move it there, so that no half-written file is ever loaded."""
        meta = {
            "format": FORMAT,
            "categories": list(self._categories),
            "band": list(self._band),
            "thresholds": asdict(self._first_thresholds),
            "second_thresholds": asdict(self._second_thresholds) if self._second_thresholds is not None else None,
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
        """Score one message; what the first look doubts is looked at again."""
        patterns = pattern_features(reading, self._rules)
        parts = windows(reading)
        vectors = self._encoder.encode([text.strip() or " ", *(" ".join(part) for part in parts)])
        by_words = [self._by_words(reading.normal.words, patterns)]
        by_words += [self._by_words(part, np.zeros_like(patterns)) for part in parts]
        blank = np.zeros((len(vectors), len(patterns)), dtype=np.float32)
        blank[0] = patterns
        by_vector = opinion(self._networks, np.concatenate([vectors * VECTOR_SCALE, blank], axis=1))
        stacked = stack_features(by_words[0], by_vector[0], by_words[1:], list(by_vector[1:]), patterns)
        levels = softmax(stacked @ self._arrays["stack"] + self._arrays["stack_bias"])
        again = cut_short = False
        if doubtful(levels, self._band) and self.looks_twice:
            try:
                levels = self._look_again(text, vectors[0], patterns, stacked)
                again = True
            except TimeoutError:
                _log.warning("triage: the second look took too long, the first one decides")
                cut_short = True
            except Exception:
                _log.exception("triage: the second look failed, the first one decides")
                cut_short = True
        categories = softmax(
            vectors[0] @ self._arrays["category_vector"]
            + patterns @ self._arrays["category_patterns"]
            + self._arrays["category_bias"]
        )
        return Scores(
            hard=float(levels[HARD]),
            crisis=float(levels[CRISIS]),
            soft=float(levels[1]),
            categories=dict(zip(self._categories, map(float, categories), strict=True)),
            looked_twice=again,
            cut_short=cut_short,
            worst_part=worst_part(parts, by_words[1:], by_vector[1:]),
        )

    def _look_again(self, text: str, vector: Array, patterns: Array, stacked: Array) -> Array:
        other = self._second.encode_one(text.strip() or " ", seconds=self._patience) - self._arrays["second_mean"]
        heard: Array = opinion(self._second_networks, second_features(vector, other, patterns)[None])[0]
        weighed = second_stack_features(stacked, heard) @ self._arrays["second_stack"]
        return softmax(np.asarray(weighed + self._arrays["second_stack_bias"], dtype=np.float32))

    def _by_words(self, words: Sequence[str], patterns: Array) -> Array:
        indices, weights = grams(words)
        logits = weights @ self._arrays["words"][indices] + patterns @ self._arrays["words_patterns"]
        return log_softmax(logits + self._arrays["words_bias"])


def _networks(arrays: dict[str, Array], prefix: str) -> list[Network]:
    return [Network(*numbers) for numbers in zip(*(arrays[prefix + name] for name in NETWORK_ARRAYS), strict=True)]


def doubtful(levels: Array, band: tuple[float, float]) -> bool:
    """Whether the chance of an emergency lies where a second look is worth its time."""
    return bool(band[0] <= levels[HARD] + levels[CRISIS] <= band[1])


def second_features(vector: Array, other: Array, patterns: Array) -> Array:
    """What the second look's networks see: both encoders' vectors, the other without its mean, and the patterns."""
    return np.asarray(np.concatenate([vector * VECTOR_SCALE, other * SECOND_SCALE, patterns], axis=-1), dtype=np.float32)


def second_stack_features(stacked: Array, heard: Array) -> Array:
    """What the last learner of the second look weighs: all the first one did, and the new opinion."""
    return np.asarray(np.concatenate([stacked, np.clip(heard, -8, 0) / 2], axis=-1), dtype=np.float32)


def stack_features(
    by_words: Array, by_vector: Array, part_words: Sequence[Array], part_vectors: Sequence[Array], patterns: Array
) -> Array:
    """What the last learner weighs: the opinions on the whole, the worst opinion on a part, and the patterns."""
    worst_words = max((float(np.clip(part[HARD], -8, 0)) for part in part_words), default=-8.0)
    worst_vector = max((float(np.clip(part[HARD], -8, 0)) for part in part_vectors), default=-8.0)
    parts = [float(bool(part_words)), worst_words / 4 + 2, worst_vector / 4 + 2]
    opinions = np.concatenate([np.clip(by_words, -8, 0), np.clip(by_vector, -8, 0)])
    return np.concatenate([opinions / 2, np.asarray(parts, dtype=np.float32), patterns]).astype(np.float32)


def worst_part(parts: Sequence[Sequence[str]], part_words: Sequence[Array], part_vectors: Array) -> str:
    """The part on which the opinions by words and by meaning together are the worst; nothing where a message has no parts."""
    if not parts:
        return ""
    alarm = [float(words[HARD] + vector[HARD]) for words, vector in zip(part_words, part_vectors, strict=True)]
    return " ".join(parts[int(np.argmax(alarm))])


def softmax(logits: Array) -> Array:
    """Probabilities from logits."""
    shifted = np.exp(logits - logits.max())
    return np.asarray(shifted / shifted.sum(), dtype=np.float32)


def log_softmax(logits: Array) -> Array:
    """Logarithms of the probabilities from logits."""
    shifted = logits - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()), dtype=np.float32)
