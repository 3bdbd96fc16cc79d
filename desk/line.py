"""The line: who is before whom, how long it takes by our own measurements, and whether anybody is there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from desk.models import Handoff
from desk.states import WAITING

FEWEST_MEASURED: Final = 5
"""With fewer handoffs measured no wait is told: a guess would be no better than none."""
LAST_MEASURED: Final = 30


def order() -> tuple[Any, ...]:
    """How the line is sorted: emergencies, the vulnerable and distressed, those whose agent was lost, then by arrival."""
    return (Handoff.priority, Handoff.front.desc(), Handoff.queued_at, Handoff.id)


def position(session: Session, *, handoff: Handoff) -> int:
    """The place in line, counted from 1, in the order of `order`."""
    same = Handoff.priority == handoff.priority
    alike = same & (Handoff.front == handoff.front)
    before: list[ColumnElement[bool]] = [
        Handoff.priority < handoff.priority,
        alike & (Handoff.queued_at < handoff.queued_at),
        alike & (Handoff.queued_at == handoff.queued_at) & (Handoff.id < handoff.id),
    ]
    if not handoff.front:
        before.append(same & Handoff.front)
    return (session.scalar(select(func.count()).where(Handoff.state.in_(WAITING), or_(*before))) or 0) + 1


def handle_seconds(session: Session) -> float | None:
    """The mean time that an agent had a conversation, over the last thirty; nothing when fewer than five were measured."""
    rows = session.execute(
        select(Handoff.accepted_at, Handoff.ended_at)
        .where(Handoff.accepted_at.is_not(None), Handoff.ended_at.is_not(None))
        .order_by(Handoff.ended_at.desc())
        .limit(LAST_MEASURED)
    ).all()
    if len(rows) < FEWEST_MEASURED:
        return None
    seconds = [float((row.ended_at - row.accepted_at).total_seconds()) for row in rows]
    return sum(seconds) / len(seconds)


def minutes_told(place: int, *, handle_seconds: float | None, seats: int) -> int | None:
    """The wait that a resident is told: measured, never below two minutes, in steps of five from five on; nothing without enough
    measurements or when nobody is at the desk."""
    if handle_seconds is None or seats < 1:
        return None
    minutes = max(ceil(place * handle_seconds / seats / 60), 2)
    return minutes if minutes < 5 else ceil(minutes / 5) * 5


def agents_due(city: Mapping[str, Any], now: datetime) -> bool:
    """True when the city's schedule (`agent_schedule`, `agent_holidays`) has agents at the desk; without one they always are.
    A schedule that cannot be read counts as none: who waits is never sent away by a slip of the pen."""
    schedule = city.get("agent_schedule")
    if not isinstance(schedule, list) or not schedule:
        return True
    local = now.astimezone(ZoneInfo(str(city.get("time_zone") or "UTC")))
    try:
        return any(_within(entry, local, city.get("agent_holidays") or ()) for entry in schedule)
    except (KeyError, TypeError, ValueError):
        return True


def _within(entry: Mapping[str, Any], local: datetime, holidays: Any) -> bool:
    opens, closes = _minute(entry["opens"]), _minute(entry["closes"])
    minute = local.hour * 60 + local.minute
    if closes <= opens:
        # Over midnight: the hours after it belong to the day before.
        if minute < closes:
            return _works(entry, local.date() - timedelta(days=1), holidays)
        return minute >= opens and _works(entry, local.date(), holidays)
    return opens <= minute < closes and _works(entry, local.date(), holidays)


def _works(entry: Mapping[str, Any], day: date, holidays: Any) -> bool:
    return day.weekday() in entry["days"] and day.isoformat() not in {str(each) for each in holidays}


def _minute(text: Any) -> int:
    hours, _, minutes = str(text).partition(":")
    return int(hours) * 60 + int(minutes or 0)
