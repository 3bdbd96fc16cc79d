"""Which answers would change with an incident: the library as it stands beside the one that would, before anybody confirms."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.library import Library
from knowledge.models import IncidentRow
from knowledge.records import Incident, Situation

Version = tuple[str, int]
"""A message and its version."""


@dataclass(frozen=True)
class AnswerChange:
    """One topic whose answer would become another. `protective` ones tell people what to do to stay alive."""

    intent: str
    before: str
    after: str
    before_id: str
    after_id: str
    lost: bool
    """True when residents would get the holding text, because nothing else may be said."""
    protective: bool


@dataclass(frozen=True)
class Outlook:
    """What would change."""

    answers: tuple[AnswerChange, ...]
    menu_before: tuple[str, ...]
    menu_after: tuple[str, ...]


def open_incidents(session: Session) -> list[IncidentRow]:
    """The incidents that are open, the oldest first."""
    return list(session.scalars(select(IncidentRow).where(IncidentRow.closed_at.is_(None)).order_by(IncidentRow.started_at)))


def incident_of(row: IncidentRow) -> Incident:
    """The incident as the library sees it."""
    return Incident(row.name, row.hazard, row.phase, row.level, tuple(row.zones), row.started_at)


def outlook(
    *,
    before: Library,
    incidents: Iterable[Incident],
    language: str,
    now: datetime,
    without: Collection[Version] = (),
) -> Outlook:
    """What would change, from `before`, if exactly these incidents were open, and these versions were not published any more."""
    after = before.moved(incidents, without=without)
    return Outlook(answer_changes(before, after, language=language, now=now), before.menu(), after.menu())


def answer_changes(before: Library, after: Library, *, language: str, now: datetime) -> tuple[AnswerChange, ...]:
    """The topics that would be answered with another message, the protective ones first, then those that would have no answer.
    Both libraries have the same facts: where the same versions are tried, the same is said. The texts are those of a text message
    in `language`."""
    urgent = protective_topics(before)
    found = []
    asked = Situation("en", "sms", now)
    read = replace(asked, language=language)
    for intent in before.topics:
        if before.tried(intent, now) == after.tried(intent, now):
            continue
        old, new = before.answer(intent, asked), after.answer(intent, asked)
        if (old.message_id, old.version, old.text) == (new.message_id, new.version, new.text):
            continue
        found.append(
            AnswerChange(
                intent=intent,
                before=old.text if read == asked else before.answer(intent, read).text,
                after=new.text if read == asked else after.answer(intent, read).text,
                before_id=old.message_id,
                after_id=new.message_id,
                lost=new.missing and not old.missing,
                protective=intent in urgent,
            )
        )
    ranks = {intent: rank for rank, intent in enumerate((*after.menu(), *before.menu()))}
    return tuple(sorted(found, key=lambda one: (not one.protective, not one.lost, ranks.get(one.intent, 99), one.intent)))


def protective_topics(library: Library) -> frozenset[str]:
    """The topics that a protective action of the communications plan answers: leave, shelter, keep away."""
    return frozenset(one.topic for one in library.plan.values() if one.phase == "protective_action" and one.topic)
