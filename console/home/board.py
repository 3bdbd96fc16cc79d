"""What home shows: what is live for the incident, what ends soon, and what waits for the reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from console.messages.sight import Rights, facts_quoted, may_approve, rights_of
from console.messages.standing import SOON, people_needed
from knowledge.facts import LISTS, STATUS_LINES
from knowledge.library import Library, Said, Situation
from knowledge.lifecycle import REVIEW_WITHIN, State, overrides_to_review
from knowledge.models import MessageVersion
from knowledge.records import Fact
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS

FIRST: Final = 9
"""How many topics are shown open: those of the number menu, which residents ask most."""
MOST: Final = 30
_FACTS: Final = frozenset({*LISTS, *STATUS_LINES})


@dataclass(frozen=True)
class Live:
    """One topic of the incident with what residents hear on it now."""

    intent: str
    title: str
    said: Said
    version: MessageVersion | None
    """Empty when only the holding text is said."""
    facts: tuple[str, ...]
    rights: Rights | None


@dataclass(frozen=True)
class Task:
    """One version that waits for the reader."""

    version: MessageVersion
    due: datetime | None = None
    over: bool = False


@dataclass(frozen=True)
class Waiting:
    """Everything that waits for the reader, each list oldest first."""

    overrides: tuple[Task, ...]
    reviews: tuple[Task, ...]
    to_publish: tuple[Task, ...]
    returned: tuple[Task, ...]
    drafts: tuple[Task, ...]

    @property
    def count(self) -> int:
        """How many things wait."""
        return sum(map(len, (self.overrides, self.reviews, self.to_publish, self.returned, self.drafts)))


def topics_of(library: Library) -> tuple[str, ...]:
    """The topics of what is going on: the number menu first, then those of its packs."""
    hazards = {incident.hazard for incident in library.incidents}
    packs = (intent for pack in library.incident_packs.values() if pack.hazard in hazards for intent in pack.all_topics)
    return tuple(dict.fromkeys((*library.menu(), *(intent for intent in packs if intent in library.topics))))


def live(
    session: Session, library: Library, *, intents: Iterable[str], user: StaffUser, language: str, now: datetime
) -> tuple[Live, ...]:
    """What is said on some topics now. One query, however many there are."""
    said = {intent: library.answer(intent, Situation(language, "sms", now)) for intent in intents}
    names = {one.message_id for one in said.values()}
    rows = session.scalars(
        select(MessageVersion).where(MessageVersion.message_id.in_(names), MessageVersion.state == State.PUBLISHED.value)
    )
    versions = {(row.message_id, row.version): row for row in rows}
    found = []
    for intent, one in said.items():
        version = None if one.missing else versions.get((one.message_id, one.version))
        quoted = tuple(name for name in facts_quoted(version.texts) if name in _FACTS) if version is not None else ()
        rights = rights_of(user, version.owner) if version is not None else None
        found.append(Live(intent, library.title(intent, language), one, version, quoted, rights))
    return tuple(found)


def ending(session: Session, *, now: datetime) -> list[MessageVersion]:
    """The live messages that end within hours, the first one first."""
    v = MessageVersion
    return list(
        session.scalars(
            select(v)
            .where(
                v.state == State.PUBLISHED.value,
                v.expires_at > now,
                v.expires_at <= now + SOON,
                v.valid_from <= now,
            )
            .options(load_only(v.id, v.message_id, v.version, v.intent, v.owner, v.state, v.expires_at))
            .order_by(v.expires_at)
            .limit(MOST)
        )
    )


def ending_facts(library: Library, *, now: datetime) -> list[Fact]:
    """The facts that end within hours."""
    soon = [fact for fact in library.facts if now < fact.expires_at <= now + SOON]
    return sorted(soon, key=lambda fact: fact.expires_at)[:MOST]


def waiting(session: Session, *, user: StaffUser, training: bool, now: datetime) -> Waiting:
    """What waits for a person, by their role and owners."""
    v = MessageVersion
    states = (State.DRAFT.value, State.IN_REVIEW.value, State.APPROVED.value, State.RETURNED.value)
    columns = load_only(v.id, v.message_id, v.version, v.intent, v.owner, v.author, v.state, v.reason, v.writers, v.created_at)
    rows = session.scalars(select(v).where(v.state.in_(states)).options(columns).order_by(v.id)).all()
    newest = {row.message_id: row.version for row in rows}
    mine = [row for row in rows if not user.owners or row.owner in user.owners]
    decides = user.role in PERMISSIONS["messages.approve"]
    overrides = tuple(
        Task(row, due, due <= now)
        for row in overrides_to_review(session)
        if row.published_at is not None and (due := row.published_at + REVIEW_WITHIN)
    )
    return Waiting(
        overrides=overrides,
        reviews=tuple(
            Task(row)
            for row in mine
            if decides
            and row.state == State.IN_REVIEW.value
            and may_approve(user, row, alone=people_needed(row.message_id, row.intent, training=training)[1])
        )[:MOST],
        to_publish=tuple(Task(row) for row in mine if decides and row.state == State.APPROVED.value)[:MOST],
        returned=tuple(
            # What was returned waits for its author until they write the next version.
            Task(row)
            for row in mine
            if row.state == State.RETURNED.value and row.author == user.name and row.version == newest[row.message_id]
        )[-MOST:],
        drafts=tuple(Task(row) for row in mine if row.state == State.DRAFT.value and user.name in (row.author, *row.writers))[
            -MOST:
        ],
    )
