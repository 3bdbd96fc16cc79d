"""How often each topic was asked about, answered, and only offered or not understood."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server import clock
from server.conversations.models import Conversation, Turn

SINCE: Final = timedelta(days=7)
_ANSWERED: Final = ("answer", "menu_choice", "form")
_UNCLEAR: Final = ("clarify", "out_of_scope", "reprompt", "menu")
"""Outcomes of what was not understood; without a topic, the menu is what comes then while the model is down."""
_MOST_LINES: Final = 100


@dataclass(frozen=True)
class Count:
    """The turns of one topic. `unclear` counts those in which it was one of several offered."""

    asked: int = 0
    answered: int = 0
    unclear: int = 0


def counts(session: Session) -> dict[str, Count]:
    """The counts of the last seven days, by topic."""
    start = clock.now() - SINCE
    asked: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    unclear: Counter[str] = Counter()
    rows = session.execute(
        select(Turn.topic, Turn.outcome, func.count())
        .where(Turn.received_at >= start, Turn.topic.is_not(None))
        .group_by(Turn.topic, Turn.outcome)
    )
    for topic, outcome, number in rows:
        if topic is None:
            continue
        asked[topic] += number
        answered[topic] += number if outcome in _ANSWERED else 0
    for offered in session.scalars(select(Turn.topics).where(Turn.received_at >= start, Turn.outcome == "clarify").limit(5000)):
        for topic in offered:
            asked[topic] += 1
            unclear[topic] += 1
    return {topic: Count(asked[topic], answered[topic], unclear[topic]) for topic in asked}


def unclear_lines(session: Session) -> list[tuple[Turn, Conversation]]:
    """What residents wrote lately that was not understood, newest first."""
    return [
        (turn, conversation)
        for turn, conversation in session.execute(
            select(Turn, Conversation)
            .join(Conversation, Conversation.id == Turn.conversation_id)
            .where(
                Turn.outcome.in_(_UNCLEAR),
                Turn.topic.is_(None),
                Turn.kind.in_(("text", "speech")),
                Turn.received_at >= clock.now() - SINCE,
            )
            .order_by(Turn.id.desc())
            .limit(_MOST_LINES)
        )
    ]
