"""The supervisors' figures: the line now, and the day so far beside the same hours of the day before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from desk.models import Handoff
from desk.presence import Seat, seats
from desk.states import WAITING, State
from server import clock
from server.conversations.models import Conversation

FIELD_TARGET: Final = (80, 20)
"""Percent and seconds: what call centers are commonly measured by, four of five answered in twenty seconds."""
BY: Final = ("channel", "language", "reason")


@dataclass(frozen=True)
class One:
    """What the figures need of one handoff."""

    channel: str
    language: str
    reason: str
    state: str
    queued_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None
    helped: bool | None


@dataclass(frozen=True)
class Figures:
    """The figures of some handoffs. Percentages are empty where there is nothing to count."""

    arrived: int
    answered: int
    abandoned: int
    kept: int
    level: int | None
    own_level: int | None
    mean_wait: int | None
    mean_handle: int | None
    helped: int | None


@dataclass(frozen=True)
class Report:
    """Everything on the page."""

    at: datetime
    target: tuple[int, int]
    waiting: int
    longest: timedelta
    today: Figures
    yesterday: Figures
    parts: Mapping[str, list[tuple[str, Figures]]]
    seats: list[Seat]
    states: Mapping[str, int]


def figures(handoffs: Iterable[One], *, own_seconds: int) -> Figures:
    """The figures of some handoffs. Who still waits counts as not answered in time once the time is over, and as nothing before."""
    ones, now = list(handoffs), clock.now()
    answered = [one for one in ones if one.accepted_at is not None]
    waits = [(one.accepted_at - one.queued_at).total_seconds() for one in ones if one.accepted_at]
    handling = [(one.ended_at - one.accepted_at).total_seconds() for one in ones if one.accepted_at and one.ended_at]
    lost = [one for one in ones if one.state == State.LOST]
    said = [one.helped for one in ones if one.helped is not None]

    def level(seconds: int) -> int | None:
        limit = timedelta(seconds=seconds)
        in_time = sum(one.accepted_at is not None and one.accepted_at - one.queued_at <= limit for one in ones)
        late = sum((one.accepted_at or one.ended_at or now) - one.queued_at > limit for one in ones if one.state != State.CALLBACK)
        return _percent(in_time, in_time + late)

    return Figures(
        arrived=len(ones),
        answered=len(answered),
        abandoned=len(lost),
        kept=sum(one.state == State.CALLBACK for one in ones),
        level=level(FIELD_TARGET[1]),
        own_level=level(own_seconds),
        mean_wait=_mean(waits),
        mean_handle=_mean(handling),
        helped=_percent(sum(said), len(said)),
    )


def read_report(session: Session, *, city: Mapping[str, Any]) -> Report:
    """The figures of now, of today and of yesterday until the same hour, in the city's days."""
    now = clock.now()
    zone = ZoneInfo(str(city.get("time_zone") or "UTC"))
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    before = midnight - timedelta(days=1)
    target = own_target(city)
    ones = _between(session, before, now)
    today = [one for one in ones if one.queued_at >= midnight]
    yesterday = [one for one in ones if one.queued_at < min(midnight, before + (now - midnight))]
    parts: dict[str, list[tuple[str, Figures]]] = {}
    for name in BY:
        groups: defaultdict[str, list[One]] = defaultdict(list)
        for one in today:
            groups[getattr(one, name)].append(one)
        parts[name] = [
            (value, figures(some, own_seconds=target[1])) for value, some in sorted(groups.items(), key=lambda pair: -len(pair[1]))
        ]
    line = session.execute(select(Handoff.queued_at).where(Handoff.state.in_(WAITING))).scalars().all()
    all_seats = seats(session)
    return Report(
        at=now,
        target=target,
        waiting=len(line),
        longest=now - min(line, default=now),
        today=figures(today, own_seconds=target[1]),
        yesterday=figures(yesterday, own_seconds=target[1]),
        parts=parts,
        seats=all_seats,
        states=Counter(seat.state for seat in all_seats),
    )


def own_target(city: Mapping[str, Any]) -> tuple[int, int]:
    """The city's own service level, `desk_target: {percent: 90, seconds: 60}`; the field's where it has none or cannot be read."""
    wanted = city.get("desk_target")
    if isinstance(wanted, Mapping):
        percent, seconds = wanted.get("percent"), wanted.get("seconds")
        if isinstance(percent, int) and isinstance(seconds, int) and 0 < percent <= 100 and seconds > 0:
            return percent, seconds
    return FIELD_TARGET


def rows(report: Report) -> list[list[str | int]]:
    """The report as lines of a table, for export."""
    head: list[str | int] = [
        "by", "value", "arrived", "answered", "abandoned", "callbacks", "within_20_s_percent", "within_own_target_percent",
        "mean_wait_s", "mean_handle_s", "helped_percent",
    ]  # fmt: skip

    def line(by: str, value: str, one: Figures) -> list[str | int]:
        shown = (
            one.arrived,
            one.answered,
            one.abandoned,
            one.kept,
            one.level,
            one.own_level,
            one.mean_wait,
            one.mean_handle,
            one.helped,
        )
        return [by, value, *("" if number is None else number for number in shown)]

    body = [line("day", "today", report.today), line("day", "yesterday_until_now", report.yesterday)]
    body += [line(by, value, one) for by, some in report.parts.items() for value, one in some]
    return [head, *body]


def _between(session: Session, begin: datetime, end: datetime) -> list[One]:
    found = session.execute(
        select(
            Conversation.channel,
            Conversation.language,
            Handoff.reason,
            Handoff.state,
            Handoff.queued_at,
            Handoff.accepted_at,
            Handoff.ended_at,
            Handoff.helped,
        )
        .join(Conversation, Conversation.id == Handoff.conversation_id)
        .where(Handoff.queued_at >= begin, Handoff.queued_at <= end)
    )
    return [One(*row) for row in found]


def _percent(part: int, whole: int) -> int | None:
    return round(100 * part / whole) if whole else None


def _mean(seconds: list[float]) -> int | None:
    return round(sum(seconds) / len(seconds)) if seconds else None
