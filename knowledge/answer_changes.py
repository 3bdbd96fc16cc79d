"""Which answers would change with an incident: the library as it stands beside the one that would, before anybody confirms."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.library import Library
from knowledge.models import IncidentRow
from knowledge.records import Incident, Said, Situation
from knowledge.topics import FALLBACK_LANGUAGE

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
    """What would change. `more` answers change besides those that are listed."""

    answers: tuple[AnswerChange, ...]
    menu_before: tuple[str, ...]
    menu_after: tuple[str, ...]
    more: int = 0

    @property
    def number(self) -> int:
        """How many answers change."""
        return len(self.answers) + self.more


@dataclass(frozen=True)
class _Found:
    """A topic that is answered with another message, with what is said before and after in English."""

    intent: str
    old: Said
    new: Said
    protective: bool

    @property
    def lost(self) -> bool:
        return self.new.missing and not self.old.missing


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
    most: int | None = None,
) -> Outlook:
    """What would change, from `before`, if exactly these incidents were open, and these versions were not published any more. Every
    protective answer is listed, and `most` of the others; the texts are those of a text message in `language`."""
    after = before.moved(incidents, without=without)
    found = _changed(before, after, now=now)
    listed = [one for one in found if one.protective]
    listed += [one for one in found if not one.protective][:most]
    read = Situation(language, "sms", now)
    answers = tuple(
        AnswerChange(
            intent=one.intent,
            before=one.old.text if language == FALLBACK_LANGUAGE else before.answer(one.intent, read).text,
            after=one.new.text if language == FALLBACK_LANGUAGE else after.answer(one.intent, read).text,
            before_id=one.old.message_id,
            after_id=one.new.message_id,
            lost=one.lost,
            protective=one.protective,
        )
        for one in listed
    )
    return Outlook(answers, before.menu(), after.menu(), more=len(found) - len(listed))


def _changed(before: Library, after: Library, *, now: datetime) -> list[_Found]:
    """The topics that would be answered with another message, the protective ones first, then those that would have no answer.
    Both libraries have the same facts: where the same versions are tried, the same is said."""
    urgent = protective_topics(before)
    asked = Situation(FALLBACK_LANGUAGE, "sms", now)
    found = []
    for intent in before.topics:
        if before.tried(intent, now) == after.tried(intent, now):
            continue
        old, new = before.answer(intent, asked), after.answer(intent, asked)
        if (old.message_id, old.version, old.text) != (new.message_id, new.version, new.text):
            found.append(_Found(intent, old, new, intent in urgent))
    ranks = {intent: rank for rank, intent in enumerate((*after.menu(), *before.menu()))}
    return sorted(found, key=lambda one: (not one.protective, not one.lost, ranks.get(one.intent, 99), one.intent))


def protective_topics(library: Library) -> frozenset[str]:
    """The topics that a protective action of the communications plan answers: leave, shelter, keep away."""
    return frozenset(one.topic for one in library.plan.values() if one.phase == "protective_action" and one.topic)
