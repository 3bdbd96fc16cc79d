"""After an incident: what was asked, answered and not answered, emergencies, waits and corrections, from what is stored."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, String, cast, func, or_, select
from sqlalchemy.orm import Session

from desk.models import Handoff
from knowledge.fact_rows import guard
from knowledge.models import IncidentRow
from knowledge.speaker import HOLDING
from server import clock
from server.audit.models import AuditRow
from server.conversations.models import Conversation, Turn
from server.conversations.turn import Outcome

MOST: Final = 25
_UNANSWERED: Final = (Outcome.CLARIFY, Outcome.OUT_OF_SCOPE, Outcome.REPROMPT)
_CORRECTIONS: Final = ("fact.put", "fact.remove", "facts.imported", "message.published", "message.withdrawn", "incident.change")
_NUMBERS: Final = re.compile(r"\+?\(?\d(?:[\s().-]{0,3}\d){6,}")
_ADDRESSES: Final = re.compile(r"\S+@\S+")

Count = tuple[str, int]


@dataclass(frozen=True)
class AfterAction:
    """The figures of one incident. Turns carry no incident, so that everything between its begin and its end counts."""

    begins: datetime
    ends: datetime
    conversations: int
    turns: int
    channels: tuple[Count, ...]
    outcomes: tuple[Count, ...]
    topics: tuple[Count, ...]
    unanswered: tuple[Count, ...]
    """Texts that got no answer, without telephone numbers and addresses, and how often."""
    emergencies: tuple[Count, ...]
    handoffs: int
    accepted: int
    wait_median: timedelta | None
    wait_longest: timedelta | None
    corrections: tuple[Count, ...]
    others: int
    """How many other incidents were open in the same time."""


def after_action(session: Session, row: IncidentRow) -> AfterAction:
    """The figures, counted anew from what is stored."""
    begins, ends = row.started_at, row.closed_at or clock.now()
    during = (Turn.received_at >= begins, Turn.received_at <= ends)
    queued = (Handoff.queued_at >= begins, Handoff.queued_at <= ends)
    handoffs = session.execute(select(Handoff.queued_at, Handoff.accepted_at).where(*queued)).all()
    waits = sorted(accepted - asked for asked, accepted in handoffs if accepted is not None)
    channels = select(Conversation.channel, func.count(Turn.id)).join(Turn, Turn.conversation_id == Conversation.id)
    others = select(func.count(IncidentRow.id)).where(
        IncidentRow.id != row.id,
        IncidentRow.started_at <= ends,
        IncidentRow.closed_at.is_(None) | (IncidentRow.closed_at >= begins),
    )
    urgent = Turn.outcome.in_((Outcome.EMERGENCY_911, Outcome.CRISIS_988))
    emergencies = select(Turn.category, func.count()).where(*during, urgent)
    acts = (AuditRow.action.in_(_CORRECTIONS), AuditRow.at >= begins, AuditRow.at <= ends)
    corrections = select(AuditRow.action, func.count()).where(*acts)
    return AfterAction(
        begins=begins,
        ends=ends,
        conversations=session.scalar(select(func.count(func.distinct(Turn.conversation_id))).where(*during)) or 0,
        turns=session.scalar(select(func.count(Turn.id)).where(*during)) or 0,
        channels=_counts(session, channels.where(*during).group_by(Conversation.channel)),
        outcomes=_counts(session, select(Turn.outcome, func.count()).where(*during).group_by(Turn.outcome)),
        topics=_counts(session, select(Turn.topic, func.count()).where(*during, Turn.topic.is_not(None)).group_by(Turn.topic)),
        unanswered=_unanswered(session, during),
        emergencies=_counts(session, emergencies.group_by(Turn.category)),
        handoffs=len(handoffs),
        accepted=len(waits),
        wait_median=waits[len(waits) // 2] if waits else None,
        wait_longest=waits[-1] if waits else None,
        corrections=_counts(session, corrections.group_by(AuditRow.action)),
        others=session.scalar(others) or 0,
    )


def _counts(session: Session, counted: Select[*tuple[Any, ...]]) -> tuple[Count, ...]:
    """Name and number of each group, the greatest number first."""
    pairs = [(str(row[0] or "none"), int(row[1])) for row in session.execute(counted)]
    return tuple(sorted(pairs, key=lambda one: (-one[1], one[0])))


def _unanswered(session: Session, during: tuple[ColumnElement[bool], ...]) -> tuple[Count, ...]:
    asked = (
        select(Turn.text, func.count().label("times"))
        .where(*during, or_(Turn.outcome.in_(_UNANSWERED), cast(Turn.message_ids, String).contains(HOLDING)), Turn.text != "")
        .group_by(Turn.text)
        .order_by(func.count().desc(), Turn.text)
        .limit(MOST)
    )
    return tuple((without_persons(text), int(times)) for text, times in session.execute(asked))


def without_persons(text: str) -> str:
    """A question without telephone numbers and mail addresses, cut to a line."""
    return " ".join(_NUMBERS.sub("•••", _ADDRESSES.sub("•••", text)).split())[:160]


def as_csv(report: AfterAction) -> str:
    """The figures as a table that no spreadsheet takes for formulas."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("part", "item", "number"))
    rows: list[tuple[str, str, str]] = [
        ("time", "begins", report.begins.isoformat(timespec="seconds")),
        ("time", "ends", report.ends.isoformat(timespec="seconds")),
        ("sums", "conversations", str(report.conversations)),
        ("sums", "turns", str(report.turns)),
        ("sums", "handoffs", str(report.handoffs)),
        ("sums", "accepted", str(report.accepted)),
        ("sums", "other_incidents", str(report.others)),
        ("wait_seconds", "median", _seconds(report.wait_median)),
        ("wait_seconds", "longest", _seconds(report.wait_longest)),
    ]
    for part in ("channels", "outcomes", "topics", "unanswered", "emergencies", "corrections"):
        rows.extend((part, name, str(number)) for name, number in getattr(report, part))
    writer.writerows([guard(cell) for cell in row] for row in rows)
    return file.getvalue()


def _seconds(span: timedelta | None) -> str:
    return "" if span is None else str(round(span.total_seconds()))
