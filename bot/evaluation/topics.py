"""How often the topic asked about is understood, offered, or mistaken for another."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.evaluation.rows import DATA, Share, read_rows

Parse = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


@dataclass
class TopicReport:
    """What was measured; rows are named by their ids."""

    first: dict[str, Share] = field(default_factory=dict)
    three: dict[str, Share] = field(default_factory=dict)
    wrong: dict[str, Share] = field(default_factory=dict)
    clarified: dict[str, Share] = field(default_factory=dict)
    refused: dict[str, Share] = field(default_factory=dict)
    follow_ups: Share = field(default_factory=lambda: Share(0, 0))
    two_questions: Share = field(default_factory=lambda: Share(0, 0))
    confusions: list[tuple[str, str, int]] = field(default_factory=list)
    mistaken: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The report for a file that releases are compared by."""
        names = ("first", "three", "wrong", "clarified", "refused")
        return {
            **{name: {key: [s.hits, s.total] for key, s in getattr(self, name).items()} for name in names},
            "follow_ups": [self.follow_ups.hits, self.follow_ups.total],
            "two_questions": [self.two_questions.hits, self.two_questions.total],
            "confusions": self.confusions,
            "mistaken": self.mistaken,
        }


def evaluate_topics(parse: Parse, *, folder: Path = DATA / "topics") -> TopicReport:
    """Measures the understanding of a loaded model on the questions of the test set."""
    return asyncio.run(_evaluate(parse, folder))


async def _evaluate(parse: Parse, folder: Path) -> TopicReport:
    report = TopicReport()
    confused: Counter[tuple[str, str]] = Counter()
    tallies: dict[str, dict[str, list[bool]]] = {name: {} for name in ("first", "three", "wrong", "clarified")}
    for row in read_rows(folder / "questions.tsv", "id", "lang", "text", "expected"):
        parsed = await parse(row["text"], {"language": row["lang"]})
        intent, ranking = parsed["intent"]["name"], [entry["name"] for entry in parsed["intent_ranking"]]
        answered = intent not in ("clarify", "out_of_scope")
        wrong = answered and intent != row["expected"]
        hits = {
            "first": bool(ranking) and ranking[0] == row["expected"],
            "three": row["expected"] in ranking[:3],
            "wrong": wrong,
            "clarified": intent == "clarify",
        }
        for name, hit in hits.items():
            tallies[name].setdefault(row["lang"], []).append(hit)
        if wrong:
            confused[row["expected"], intent] += 1
            report.mistaken.append(row["id"])
    for name, by_language in tallies.items():
        setattr(report, name, {lang: Share(sum(hits), len(hits)) for lang, hits in sorted(by_language.items())})
    report.confusions = [(expected, got, count) for (expected, got), count in confused.most_common(15)]
    refused: dict[str, list[bool]] = {}
    for row in read_rows(folder / "out_of_scope.tsv", "id", "lang", "text"):
        parsed = await parse(row["text"], {"language": row["lang"]})
        refused.setdefault(row["lang"], []).append(parsed["intent"]["name"] in ("out_of_scope", "clarify"))
    report.refused = {lang: Share(sum(hits), len(hits)) for lang, hits in sorted(refused.items())}
    report.follow_ups = await _follow_ups(parse, folder)
    report.two_questions = await _two_questions(parse, folder)
    return report


async def _follow_ups(parse: Parse, folder: Path) -> Share:
    hits = []
    for row in read_rows(folder / "follow_ups.tsv", "id", "lang", "first_expected", "second", "second_expected"):
        parsed = await parse(row["second"], {"language": row["lang"], "topic": row["first_expected"]})
        hits.append(parsed["intent"]["name"] == row["second_expected"])
    return Share(sum(hits), len(hits))


async def _two_questions(parse: Parse, folder: Path) -> Share:
    hits = []
    for row in read_rows(folder / "two_questions.tsv", "id", "lang", "text", "expected", "also"):
        parsed = await parse(row["text"], {"language": row["lang"]})
        found = {parsed["intent"]["name"], (parsed.get("understanding") or {}).get("also")}
        hits.append({row["expected"], row["also"]} <= found)
    return Share(sum(hits), len(hits))
