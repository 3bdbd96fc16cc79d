"""A line of a conversation becomes a sentence to learn from or to test with: redacted, looked at by a person, kept apart."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.learning.models import LearningRow
from knowledge.facts import folded
from knowledge.library import Library
from knowledge.models import TopicRow
from server import clock
from server.audit.service import record
from server.errors import BadInput, Conflict
from server.redaction import redact

USES: Final = ("train", "test")
LONGEST: Final = 300


def redacted(text: str) -> str:
    """The text without what tells who wrote it, on one line. A person looks at it before it is kept, since no pattern knows every
    name."""
    return " ".join(redact(text).split())[:LONGEST]


def plain_of(text: str) -> str:
    """The words alone, by which the same sentence is known."""
    return folded(text)[:LONGEST]


def keep_line(
    session: Session,
    *,
    text: str,
    language: str,
    intent: str,
    use: str,
    reviewed: bool,
    library: Library,
    actor: str,
    turn_id: int | None = None,
) -> LearningRow:
    """Keeps a sentence for the next training or test. What was typed is redacted once more.

    Raises `BadInput` when it was not looked at or lacks something, `Conflict` when it is kept already, in either set, or is an
    example of a topic and so cannot test it."""
    text = redacted(text)
    plain = plain_of(text)
    if use not in USES:
        raise BadInput("Choose whether to learn from it or to test with it.")
    if not reviewed:
        raise BadInput("Confirm that nobody can be recognised by it.")
    if intent not in library.topics:
        raise BadInput("Choose the topic that it asks about.")
    if len(plain.split()) < 2:
        raise BadInput("A sentence needs at least two words.")
    if session.scalar(select(LearningRow.id).where(LearningRow.plain == plain)) is not None:
        raise Conflict("This sentence is kept already. The sets are apart: it cannot be in both.")
    if use == "test" and _is_example(session, plain):
        raise Conflict("This sentence is an example of a topic, so that it cannot test the assistant.")
    row = LearningRow(
        use=use,
        text=text,
        plain=plain,
        language=language if language in ("en", "es") else "en",
        intent=intent,
        turn_id=turn_id,
        added_by=actor,
        added_at=clock.now(),
    )
    session.add(row)
    session.flush()
    record(session, actor=actor, action=f"learning.{use}", subject=f"learning:{row.id}", detail={"intent": intent})
    return row


def take_out(session: Session, *, row_id: int, actor: str) -> None:
    """Takes a sentence out of its set. One that is gone already is no fault."""
    row = session.get(LearningRow, row_id)
    if row is not None:
        record(session, actor=actor, action="learning.removed", subject=f"learning:{row.id}", detail={"use": row.use})
        session.delete(row)


def _is_example(session: Session, plain: str) -> bool:
    datas = session.scalars(select(TopicRow.data))
    return any(folded(text) == plain for data in datas for texts in data["examples"].values() for text in texts)
