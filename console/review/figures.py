"""How often the triage was right, among the decisions that people looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.evaluation.rows import Share
from console.review.models import TriageReview

HARD: Final = "hard"
WARNED: Final = frozenset({"hard", "crisis", "soft"})
HARMLESS: Final = frozenset({"none", "soft"})


@dataclass(frozen=True)
class Judged:
    """What one review says, without its text."""

    at: datetime
    channel: str
    language: str
    category: str
    level: str
    expected: str


@dataclass(frozen=True)
class Row:
    """One line of figures.

    `recall`: of the messages that are emergencies, those that got the 911 line first. `warned`: those that got at least the safety
    line. `alarms`: of the messages that got the 911 line first, those that were none."""

    name: str
    reviewed: int
    recall: Share
    warned: Share
    alarms: Share


@dataclass(frozen=True)
class Table:
    """The figures by one thing."""

    by: str
    rows: tuple[Row, ...]


def judged(session: Session, *, since: datetime) -> list[Judged]:
    """Every review of messages since a time."""
    columns = (
        TriageReview.said_at,
        TriageReview.channel,
        TriageReview.language,
        TriageReview.expected_category,
        TriageReview.category,
        TriageReview.level,
        TriageReview.expected_level,
    )
    rows = session.execute(select(*columns).where(TriageReview.said_at >= since))
    return [Judged(at, channel, language, wanted or said or "", level, expected)
            for at, channel, language, wanted, said, level, expected in rows]  # fmt: skip


def row(name: str, reviews: Sequence[Judged]) -> Row:
    """The figures of some reviews."""
    emergencies = [each.level for each in reviews if each.expected == HARD]
    loud = [each.expected for each in reviews if each.level == HARD]
    return Row(
        name=name,
        reviewed=len(reviews),
        recall=Share(sum(level == HARD for level in emergencies), len(emergencies)),
        warned=Share(sum(level in WARNED for level in emergencies), len(emergencies)),
        alarms=Share(sum(expected in HARMLESS for expected in loud), len(loud)),
    )


def tables(reviews: Sequence[Judged], *, zone: ZoneInfo) -> tuple[Table, ...]:
    """The figures in all, by week, category, channel and language."""

    def week(each: Judged) -> str:
        day: date = each.at.astimezone(zone).date()
        return (day - timedelta(days=day.weekday())).isoformat()

    ways: dict[str, Callable[[Judged], str]] = {
        "week": week,
        "category": lambda each: each.category,
        "channel": lambda each: each.channel,
        "language": lambda each: each.language,
    }
    return (Table("all", (row("", reviews),)), *(Table(by, _grouped(reviews, way)) for by, way in ways.items()))


def _grouped(reviews: Sequence[Judged], way: Callable[[Judged], str]) -> tuple[Row, ...]:
    groups: defaultdict[str, list[Judged]] = defaultdict(list)
    for each in reviews:
        groups[way(each)].append(each)
    return tuple(row(name, groups[name]) for name in sorted(groups))
