"""What the classifier sees of a message: its words and letters, the pattern hits, and its sentence vector."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bot.triage.decision import CATEGORIES
from bot.triage.reading import Reading
from bot.triage.rules import Rules

BUCKETS = 1 << 17
LONG_WORDS = 14
"""Messages of more words are also looked at in parts, so that one clause of many can be the emergency; unless a firm pattern
already found it."""

WINDOWS = 5
_STRENGTHS = ("sure", "cue", "soft", "crisis")
_MOST_WORDS = 120


def grams(words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Hashed word 1- to 3-grams, letter 3- and 4-grams, and the first and last three words of a message, with weights of three
    unit-length blocks. Who speaks, and whether it is a question, shows at the ends."""
    plain = ["0" if word[0].isdigit() and word != "911" else word for word in words[:_MOST_WORDS]]
    padded = ["<", *plain, ">"]
    by_word = {f"w:{word}" for word in plain}
    by_word.update(f"w:{left} {right}" for left, right in pairwise(padded))
    by_word.update(" ".join(("w:", *three)) for three in zip(padded, padded[1:], padded[2:], strict=False))
    by_letter: set[str] = set()
    for word in set(plain):
        edged = f" {word} "
        for size in (3, 4):
            by_letter.update(edged[start : start + size] for start in range(len(edged) - size + 1))
    indices: list[int] = []
    weights: list[float] = []
    ends = {f"f:{word}" for word in plain[:3]} | {f"l:{word}" for word in plain[-3:]}
    for block in (sorted(by_word), sorted(by_letter), sorted(ends)):
        weight = 1.0 / max(1.0, len(block)) ** 0.5
        indices.extend(crc32(gram.encode()) % BUCKETS for gram in block)
        weights.extend([weight] * len(block))
    return np.asarray(indices, dtype=np.int64), np.asarray(weights, dtype=np.float32)


def pattern_features(reading: Reading, rules: Rules) -> NDArray[np.float32]:
    """Which categories were hit, how firmly, and what speaks against it."""
    width = len(_STRENGTHS) + 1
    hits = np.zeros((len(CATEGORIES), width), dtype=np.float32)
    for hit in reading.hits:
        if not hit.masked:
            column = _STRENGTHS.index(hit.rule.strength) if hit.firm else width - 1
            hits[CATEGORIES.index(hit.rule.category), column] = 1.0
    firm_sure = [hit for hit in reading.of("sure") if hit.firm]
    words = len(reading.normal.words)
    summary = [
        float(bool(firm_sure)),
        min(3, len({hit.rule.category for hit in firm_sure})) / 3,
        min(6, len(firm_sure)) / 6,
        float(any(hit.vetoes for hit in reading.of("sure"))),
        float(any(hit.firm for hit in reading.of("cue"))),
        float(any(hit.masked for hit in reading.hits)),
        float(reading.normal.question),
        float(reading.normal.shouting),
        float(reading.normal.pleading),
        float(reading.urgent),
        float(reading.ongoing),
        min(words, 40) / 40,
        float(words <= 4),
    ]
    vetoes = [float(name in reading.vetoes) for name in rules.veto_names]
    return np.concatenate([hits.ravel(), np.asarray(summary + vetoes, dtype=np.float32)])


def windows(reading: Reading) -> list[tuple[str, ...]]:
    """The parts of a long message that look worst: sentences, and halves of long ones, with the most pattern hits."""
    normal = reading.normal
    if len(normal.words) <= LONG_WORDS or any(hit.firm for hit in reading.of("sure")):
        return []
    parts: list[tuple[int, int, tuple[str, ...]]] = []
    for number, sentence in enumerate(normal.sentences):
        merged: list[str] = []
        start = 0
        for clause in sentence.clauses():
            merged.extend(clause)
            if len(merged) >= 5:
                parts.append((number, start, tuple(merged)))
                start += len(merged)
                merged = []
        if merged:
            parts.append((number, start, tuple(merged)))
    if len(parts) < 2:
        return []

    def badness(part: tuple[int, int, tuple[str, ...]]) -> tuple[int, int]:
        number, start, words = part
        inside = [hit for hit in reading.hits if hit.sentence == number and start <= hit.begin < start + len(words)]
        return sum(2 if hit.rule.strength == "sure" else 1 for hit in inside if not hit.masked), len(words)

    return [words for _, _, words in sorted(parts, key=badness, reverse=True)[:WINDOWS]]
