"""Trains the triage classifier from the reviewed examples, the same way every time."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.encoder import SentenceEncoder
from bot.triage.classifier import LEVELS, Array, Classifier
from bot.triage.combine import Scores, Thresholds
from bot.triage.decision import CATEGORIES, CODES
from bot.triage.features import pattern_features, windows
from bot.triage.fitting import BAND, Fitted, fit_all
from bot.triage.normalise import normalise
from bot.triage.reading import Reading, read
from bot.triage.rules import shipped_rules
from bot.triage.second import SecondEncoder, shared_second_encoder
from bot.triage.tuning import Judged, choose

Progress = Callable[[str], None]
ORDINARY = "ordinary"


@dataclass(frozen=True)
class Example:
    """One training message; `category` is empty where none fits, `kind` says where it comes from."""

    language: str
    level: str
    category: str
    text: str
    kind: str


@dataclass(frozen=True)
class TrainingReport:
    """What was learned, measured on messages the learners had not seen (out of fold)."""

    examples: int
    thresholds: Thresholds
    hard_recall: dict[str, float]
    hard_or_soft: float
    category_recall: dict[str, float]
    near_hard: float
    ordinary_hard: float
    ordinary_soft: float
    missed: tuple[str, ...] = field(repr=False, default=())
    alarmed: tuple[str, ...] = field(repr=False, default=())


@dataclass(frozen=True)
class Corpus:
    """The examples with everything the learners need."""

    examples: list[Example]
    readings: list[Reading]
    patterns: Array
    vectors: Array
    parts: list[list[tuple[str, ...]]]
    part_vectors: list[Array]

    @property
    def labels(self) -> NDArray[np.int64]:
        """The level of each example as a number."""
        return np.asarray([LEVELS.index(example.level) for example in self.examples])


def train(
    *,
    data_dir: Path,
    out: Path,
    progress: Progress | None = None,
    ordinary: Sequence[str] = (),
    second: SecondEncoder | None = None,
) -> TrainingReport:
    """Train on the tables of `data_dir` and on `ordinary` questions, and write the model to `out`. The second look is learned where
    the encoder for it is installed.

    An ordinary question that a firm pattern takes for an emergency is left out: topics about danger hold some.
    """
    say = progress or (lambda _: None)
    say("reading examples")
    corpus = prepare(read_examples(data_dir, ordinary), say)
    say("training")
    fitted = fit_all(corpus, second or shared_second_encoder(), say)
    say("choosing thresholds")
    judged = _judged(corpus, fitted.first)
    thresholds = choose(judged)
    second_thresholds = None
    report = _report(corpus, judged, thresholds)
    if fitted.both is not None:
        judged = _judged(corpus, fitted.both)
        second_thresholds = choose(judged)
        report = _report(corpus, judged, second_thresholds)
    _classifier(fitted, thresholds, second_thresholds).save(out)
    say("done")
    return report


def read_examples(data_dir: Path, ordinary: Sequence[str]) -> list[Example]:
    """Read every table; the same words twice count once, the more serious level first."""
    examples: dict[str, Example] = {}
    for path in sorted(data_dir.glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                name = row["category"]
                kind = "hard" if row["level"] == "hard" else "near"
                example = Example(row["lang"], row["level"], CODES.get(name, name if name in CATEGORIES else ""), row["text"], kind)
                if not example.category and example.level == "none":
                    example = Example(example.language, "none", "", example.text, ORDINARY)
                known = examples.get(row["text"].casefold())
                if known is None or LEVELS.index(example.level) > LEVELS.index(known.level):
                    examples[row["text"].casefold()] = example
    for text in ordinary:
        examples.setdefault(text.casefold(), Example("", "none", "", text, ORDINARY))
    return list(examples.values())


def prepare(examples: Sequence[Example], say: Progress) -> Corpus:
    """Read the examples with the patterns and encode them."""
    rules = shipped_rules()
    kept: list[Example] = []
    readings: list[Reading] = []
    for example in examples:
        reading = read(normalise(example.text, rules.spelling), rules)
        if not reading.normal.words:
            continue
        if example.kind == ORDINARY and any(hit.firm for hit in reading.of("sure", "crisis")):
            continue
        kept.append(example)
        readings.append(reading)
    say(f"encoding {len(kept)} examples")
    encoder = SentenceEncoder()
    parts = [windows(reading) for reading in readings]
    flat = encoder.encode([" ".join(part) for message in parts for part in message])
    ends = np.cumsum([len(message) for message in parts])
    return Corpus(
        examples=kept,
        readings=readings,
        patterns=np.stack([pattern_features(reading, rules) for reading in readings]),
        vectors=encoder.encode([example.text.strip() for example in kept]),
        parts=parts,
        part_vectors=[flat[end - len(message) : end] for message, end in zip(parts, ends, strict=True)],
    )


def _judged(corpus: Corpus, scores: Sequence[Scores]) -> list[Judged]:
    return [
        Judged(example.language, example.level, example.category, example.kind, reading, row)
        for example, reading, row in zip(corpus.examples, corpus.readings, scores, strict=True)
    ]


def _classifier(fitted: Fitted, thresholds: Thresholds, second_thresholds: Thresholds | None) -> Classifier:
    meta = {
        "categories": list(fitted.categories),
        "band": BAND,
        "thresholds": asdict(thresholds),
        "second_thresholds": None if second_thresholds is None else asdict(second_thresholds),
    }
    return Classifier(fitted.arrays, meta, shipped_rules(), SentenceEncoder(), shared_second_encoder())


def _report(corpus: Corpus, judged: Sequence[Judged], thresholds: Thresholds) -> TrainingReport:
    outcomes = [item.decide(thresholds) for item in judged]

    def share(wanted: Callable[[Judged], bool], levels: tuple[str, ...]) -> float:
        chosen = [level for item, level in zip(judged, outcomes, strict=True) if wanted(item)]
        return round(sum(level in levels for level in chosen) / max(1, len(chosen)), 4)

    names = sorted({item.category for item in judged if item.level == "hard"})
    rows = list(zip(corpus.examples, outcomes, strict=True))
    return TrainingReport(
        examples=len(judged),
        thresholds=thresholds,
        hard_recall={code: share(lambda i, c=code: i.level == "hard" and i.language == c, ("hard",)) for code in ("en", "es")},  # type: ignore[misc]
        hard_or_soft=share(lambda item: item.level == "hard", ("hard", "soft", "crisis")),
        category_recall={name: share(lambda i, n=name: i.level == "hard" and i.category == n, ("hard",)) for name in names},  # type: ignore[misc]
        near_hard=share(lambda item: item.kind == "near" and item.level in ("none", "soft"), ("hard",)),
        ordinary_hard=share(lambda item: item.kind == ORDINARY, ("hard",)),
        ordinary_soft=share(lambda item: item.kind == ORDINARY, ("soft", "crisis")),
        missed=tuple(f"{e.category}\t{o}\t{e.text}" for e, o in rows if e.level == "hard" and o != "hard"),
        alarmed=tuple(f"{e.category}\t{e.level}\t{e.text}" for e, o in rows if e.level in ("none", "soft") and o == "hard"),
    )
