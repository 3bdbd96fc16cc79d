"""What home shows: what is live for the incident, what ends soon, and what waits for the reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, String, cast, exists, or_, select
from sqlalchemy.orm import Session, aliased, load_only

from console.messages.sight import Rights, facts_quoted, may_approve, rights_of
from console.messages.standing import SOON, people_needed
from knowledge.facts import LISTS, STATUS, STATUS_LINES
from knowledge.library import Library, Said, Situation
from knowledge.lifecycle import REVIEW_WITHIN, State, overrides_to_review
from knowledge.models import MessageVersion
from knowledge.records import Fact
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS

FIRST: Final = 9
"""How many topics are shown open: those of the number menu, which residents ask most."""
MOST: Final = 30
_LOOKED_AT: Final = 200
_TYPE_OF: Final = {**LISTS, **dict.fromkeys(STATUS_LINES, STATUS)}
"""The type of the facts behind each placeholder."""


@dataclass(frozen=True)
class Live:
    """One topic of the incident with what residents hear on it now."""

    intent: str
    title: str
    said: Said
    version: MessageVersion | None
    """Empty when only the holding text is said."""
    facts: tuple[str, ...]
    """The types of the facts that it quotes."""
    rights: Rights | None


@dataclass(frozen=True)
class Task:
    """One version that waits for the reader."""

    version: MessageVersion
    due: datetime | None = None
    over: bool = False


@dataclass(frozen=True)
class Waiting:
    """Everything that waits for the reader, each list newest first."""

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
        quoted = tuple(_TYPE_OF[name] for name in facts_quoted(version.texts) if name in _TYPE_OF) if version is not None else ()
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
    columns = load_only(v.id, v.message_id, v.version, v.intent, v.owner, v.author, v.state, v.reason, v.writers, v.created_at)

    def of(state: State, *where: ColumnElement[bool], most: int = MOST) -> list[MessageVersion]:
        owned = [v.owner.in_(user.owners)] if user.owners else []
        wanted = select(v).where(v.state == state.value, *owned, *where).options(columns).order_by(v.id.desc()).limit(most)
        return list(session.scalars(wanted))

    decides = user.role in PERMISSIONS["messages.approve"]
    wrote = or_(v.author == user.name, cast(v.writers, String).contains(f'"{user.name}"', autoescape=True))
    later = aliased(v)
    newer = exists().where(later.message_id == v.message_id, later.version > v.version)
    overrides = tuple(
        Task(row, due, due <= now)
        for row in overrides_to_review(session)
        if row.published_at is not None and (due := row.published_at + REVIEW_WITHIN)
    )
    return Waiting(
        overrides=overrides,
        reviews=tuple(
            Task(row)
            for row in (of(State.IN_REVIEW, most=_LOOKED_AT) if decides else ())
            if may_approve(user, row, alone=people_needed(row.message_id, row.intent, training=training)[1])
        )[:MOST],
        to_publish=tuple(map(Task, of(State.APPROVED))) if decides else (),
        # What was returned waits for its author until they write the next version.
        returned=tuple(map(Task, of(State.RETURNED, v.author == user.name, ~newer))),
        drafts=tuple(map(Task, of(State.DRAFT, wrote))),
    )
