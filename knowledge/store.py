"""Reading the library's contents from the database, in a handful of queries."""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from knowledge.models import CityValue, FactRow, IncidentRow, KnowledgeRevision, MessageVersion, TopicRow
from knowledge.records import ALWAYS, NEVER, Contents, Fact, Incident, Published
from knowledge.topics import MessageText, Topic

_REVISION = select(KnowledgeRevision.number).where(KnowledgeRevision.id == 1)
"""Asked at every turn, and therefore built once."""


def current_revision(session: Session) -> int:
    """The number that grows with every change of what may be said; 0 before the first."""
    return session.scalar(_REVISION) or 0


def read_contents(session: Session) -> Contents:
    """All that is published, in force or open. The revision is read first: a change that comes between is then read again."""
    revision = current_revision(session)
    messages = _messages(session)
    return Contents(
        revision=revision,
        topics=_topics(session, messages),
        messages=messages,
        facts=_facts(session),
        city=dict(session.execute(select(CityValue.name, CityValue.value)).all()),
        incidents=_incidents(session),
    )


def read_topics(session: Session) -> tuple[Topic, ...]:
    """The topics that stand in the library, without what is said on them."""
    return _topics(session, ())


def read_facts(session: Session) -> tuple[Fact, ...]:
    """The facts of the city."""
    return _facts(session)


def _messages(session: Session) -> tuple[Published, ...]:
    m = MessageVersion
    rows = session.execute(
        select(m.message_id, m.version, m.intent, m.texts, m.phases, m.position, m.valid_from, m.expires_at, m.zones).where(
            m.state == "published"
        )
    )
    return tuple(
        Published(identity, version, intent, texts, tuple(phases), position, begins or ALWAYS, ends or NEVER, tuple(zones))
        for identity, version, intent, texts, phases, position, begins, ends, zones in rows
    )


def _topics(session: Session, messages: tuple[Published, ...]) -> tuple[Topic, ...]:
    variants: dict[str, dict[str, Published]] = {}
    for message in sorted(messages, key=lambda one: (one.position, one.version)):
        if message.intent and not message.zones:
            variants.setdefault(message.intent, {})[message.message_id] = message
    # A topic that staff made stands in the library once a message of it was published, and from then on: withdrawn, it is still
    # understood and answered with the holding text.
    said = exists().where(MessageVersion.intent == TopicRow.intent, MessageVersion.published_at.is_not(None))
    rows = session.execute(
        select(TopicRow.intent, TopicRow.data)
        .where(TopicRow.active, TopicRow.pack.is_not(None) | said)
        .order_by(TopicRow.position, TopicRow.intent)
    )
    return tuple(
        Topic.from_data(
            data,
            (MessageText(one.message_id.partition(".")[2], one.phases, one.texts) for one in variants.get(intent, {}).values()),
        )
        for intent, data in rows
    )


def _facts(session: Session) -> tuple[Fact, ...]:
    f = FactRow
    rows = session.execute(select(f.type, f.key, f.data, f.as_of, f.expires_at, f.source, f.owner, f.visibility, f.position))
    return tuple(
        Fact(type_, key, data, as_of, expires_at, source, owner, visibility == "public", position)
        for type_, key, data, as_of, expires_at, source, owner, visibility, position in rows
    )


def _incidents(session: Session) -> tuple[Incident, ...]:
    rows = session.scalars(select(IncidentRow).where(IncidentRow.closed_at.is_(None)))
    return tuple(Incident(row.name, row.hazard, row.phase, row.level, tuple(row.zones), row.started_at) for row in rows)
