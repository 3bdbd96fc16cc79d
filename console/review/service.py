"""Which decisions of the triage wait for a person's judgement, and noting that judgement. The caller owns the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Text, cast, or_, select
from sqlalchemy.orm import Session

from bot.triage.decision import CATEGORIES, Level
from console.review.models import TriageReview
from server import clock
from server.audit.service import record
from server.conversations.models import Conversation, ReleasedTurn, Turn
from server.errors import BadInput, NotFound
from server.redaction import redact

LEVELS: Final = tuple(level.value for level in (Level.HARD, Level.CRISIS, Level.SOFT, Level.NONE))
FLAGGED: Final = ("hard", "crisis", "soft")
SHOWN: Final = (*LEVELS, "vetoed")
PAGE: Final = 20


@dataclass(frozen=True)
class Filter:
    """Which decisions are asked for; an empty value asks for all. `before` is the turn after which a page goes on."""

    level: str = ""
    category: str = ""
    channel: str = ""
    language: str = ""
    state: str = "open"
    """`open` (not reviewed), `done`, or `any`."""
    released: bool = False
    days: int = 30
    before: int = 0


@dataclass(frozen=True)
class Case:
    """One decision as a reviewer sees it."""

    turn_id: int
    reference: str
    channel: str
    language: str
    text: str
    level: str
    category: str | None
    evidence: tuple[str, ...]
    vetoes: tuple[str, ...]
    message_ids: tuple[str, ...]
    at: datetime
    released: bool
    review: TriageReview | None


def cases(session: Session, *, wanted: Filter, limit: int = PAGE) -> list[Case]:
    """The decisions asked for, the newest first."""
    query = (
        select(Turn, Conversation, ReleasedTurn, TriageReview)
        .join(Conversation, Conversation.id == Turn.conversation_id)
        .outerjoin(ReleasedTurn, ReleasedTurn.turn_id == Turn.id)
        .outerjoin(TriageReview, TriageReview.turn_id == Turn.id)
        .where(Turn.received_at >= clock.now() - timedelta(days=wanted.days), *_conditions(wanted))
        .order_by(Turn.id.desc())
        .limit(limit)
    )
    return [_case(*row) for row in session.execute(query)]


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    vetoed = cast(Turn.evidence, Text).not_like('%"vetoes": []%')
    level = {
        "": or_(Turn.level.in_(FLAGGED), vetoed),
        "vetoed": vetoed,
    }.get(wanted.level, Turn.level == wanted.level)
    found: list[ColumnElement[bool]] = [level]
    if wanted.category:
        found.append(Turn.category == wanted.category)
    if wanted.channel:
        found.append(Conversation.channel == wanted.channel)
    if wanted.language:
        found.append(Turn.language == wanted.language)
    if wanted.state in ("open", "done"):
        found.append(TriageReview.id.is_(None) if wanted.state == "open" else TriageReview.id.is_not(None))
    if wanted.released:
        found.append(ReleasedTurn.turn_id.is_not(None))
    if wanted.before:
        found.append(Turn.id < wanted.before)
    return found


def _case(turn: Turn, conversation: Conversation, released: ReleasedTurn | None, review: TriageReview | None) -> Case:
    return Case(
        turn_id=turn.id,
        reference=conversation.reference,
        channel=conversation.channel,
        language=turn.language,
        text=redact(turn.text),
        level=turn.level,
        category=turn.category,
        evidence=tuple(redact(words) for words in turn.evidence.get("evidence", ())),
        vetoes=tuple(redact(words) for words in turn.evidence.get("vetoes", ())),
        message_ids=tuple(reference.partition("@")[0] for reference in turn.message_ids),
        at=turn.received_at,
        released=released is not None,
        review=review,
    )


def case(session: Session, *, turn_id: int) -> Case:
    """One decision. Raises `NotFound`."""
    row = session.execute(
        select(Turn, Conversation, ReleasedTurn, TriageReview)
        .join(Conversation, Conversation.id == Turn.conversation_id)
        .outerjoin(ReleasedTurn, ReleasedTurn.turn_id == Turn.id)
        .outerjoin(TriageReview, TriageReview.turn_id == Turn.id)
        .where(Turn.id == turn_id)
    ).one_or_none()
    if row is None:
        raise NotFound("This turn is not stored any more.")
    return _case(*row)


def judge(session: Session, *, turn_id: int, level: str, category: str, reviewer: str) -> TriageReview:
    """Notes what a decision should have been, which may be what it was; a second judgement replaces the first, and both are on
    record. Raises `BadInput` or `NotFound`."""
    if level not in LEVELS or (category and category not in CATEGORIES):
        raise BadInput("Choose one of the levels and categories.")
    if level in ("hard", "crisis") and not category:
        raise BadInput("An emergency needs a category.")
    seen = case(session, turn_id=turn_id)
    review = seen.review or TriageReview(
        turn_id=turn_id,
        channel=seen.channel,
        language=seen.language,
        text=seen.text,
        level=seen.level,
        category=seen.category,
        released=seen.released,
        said_at=seen.at,
    )
    review.expected_level, review.expected_category = level, category or None
    review.reviewer, review.reviewed_at = reviewer, clock.now()
    session.add(review)
    session.flush()
    detail = {"level": seen.level, "category": seen.category, "expected_level": level, "expected_category": category or None}
    record(session, actor=reviewer, action="triage.reviewed", subject=f"turn {turn_id}", detail=detail)
    return review


def agree(session: Session, *, turn_id: int, reviewer: str) -> TriageReview:
    """Notes that a decision was right. Raises `NotFound`."""
    seen = case(session, turn_id=turn_id)
    category = seen.category or ("unclear" if seen.level in ("hard", "crisis") else "")
    return judge(session, turn_id=turn_id, level=seen.level, category=category, reviewer=reviewer)
