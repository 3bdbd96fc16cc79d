"""Recall, false alarms and time of the triage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.evaluation.noise import damage
from bot.evaluation.rows import DATA, Share, read_rows
from bot.triage.decision import Level
from bot.triage.engine import Context, TriageEngine

NOISE = 0.15
_LOUD = (Level.HARD, Level.CRISIS)
_HEARD = (Level.HARD, Level.CRISIS, Level.SOFT)


@dataclass
class TriageReport:
    """What was measured; `missed` and `rang` hold the ids of the rows that went wrong, never their texts."""

    recall: dict[str, Share] = field(default_factory=dict)
    heard: dict[str, Share] = field(default_factory=dict)
    categories: dict[str, Share] = field(default_factory=dict)
    false_hard: dict[str, Share] = field(default_factory=dict)
    false_soft: dict[str, Share] = field(default_factory=dict)
    noisy: Share = field(default_factory=lambda: Share(0, 0))
    milliseconds: dict[str, float] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    rang: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The report for a file that releases are compared by."""
        shares = ("recall", "heard", "categories", "false_hard", "false_soft")
        return {
            **{name: {key: [s.hits, s.total] for key, s in getattr(self, name).items()} for name in shares},
            "noisy": [self.noisy.hits, self.noisy.total],
            "milliseconds": self.milliseconds,
            "missed": self.missed,
            "rang": self.rang,
        }


def evaluate_triage(engine: TriageEngine, *, folder: Path = DATA / "triage") -> TriageReport:
    """Measures the engine on the emergencies, the near misses and the ordinary questions of the test set."""
    report = TriageReport()
    times: list[float] = []

    def level(row: dict[str, str], text: str | None = None) -> Level:
        started = time.perf_counter()
        found = engine.assess(text or row["text"], context=Context(channel=row.get("channel") or "sms")).level
        times.append((time.perf_counter() - started) * 1000)
        return found

    emergencies = read_rows(folder / "emergencies.tsv", "id", "lang", "level", "category", "text")
    judged = [(row, level(row)) for row in emergencies]
    report.missed = [row["id"] for row, found in judged if found not in _LOUD]
    report.recall = _by(judged, "lang", lambda _row, found: found in _LOUD)
    report.heard = _by(judged, "lang", lambda _row, found: found in _HEARD)
    report.categories = _by(judged, "category", lambda _row, found: found in _LOUD)
    noisy = [level(row, damage(row["text"], share=NOISE, seed=1)) in _LOUD for row in emergencies]
    report.noisy = Share(sum(noisy), len(noisy))
    for name in ("near_misses", "ordinary"):
        rows = [(row, level(row)) for row in read_rows(folder / f"{name}.tsv", "id", "lang", "text")]
        report.rang += [row["id"] for row, found in rows if found in _LOUD]
        for language, share in _by(rows, "lang", lambda _row, found: found in _LOUD).items():
            report.false_hard[f"{name} {language}"] = share
        quiet = [(row, found) for row, found in rows if row.get("level", "none") == "none"]
        for language, share in _by(quiet, "lang", lambda _row, found: found is Level.SOFT).items():
            report.false_soft[f"{name} {language}"] = share
    times.sort()
    report.milliseconds = {name: round(times[int(len(times) * q)], 2) for name, q in (("p50", 0.5), ("p99", 0.99))}
    return report


def _by(
    judged: Iterable[tuple[dict[str, str], Level]], column: str, hit: Callable[[dict[str, str], Level], bool]
) -> dict[str, Share]:
    counts: dict[str, list[int]] = {}
    for row, found in judged:
        count = counts.setdefault(row[column], [0, 0])
        count[0] += hit(row, found)
        count[1] += 1
    return {key: Share(*count) for key, count in sorted(counts.items())}
