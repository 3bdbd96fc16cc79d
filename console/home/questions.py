"""What residents ask that has no answer, grouped, so that somebody writes one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from textwrap import shorten
from typing import Final

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from desk.models import Handoff
from knowledge.models import search_words
from server.conversations.models import Turn
from server.conversations.turn import Outcome
from server.redaction import redact

LOOKED_BACK: Final = timedelta(hours=24)
MOST_READ: Final = 3000
"""So many turns are looked through, the newest ones: in a bad hour that is an hour, and home stays quick."""
LONGEST: Final = 140
"""Characters of a question that are shown."""
SHOWN: Final = 12
_IN_VAIN: Final = (Outcome.OUT_OF_SCOPE.value, Outcome.CLARIFY.value)
_MISSED: Final = "low_confidence_x2"
"""The reason of a handoff because the assistant did not understand twice."""


@dataclass(frozen=True)
class Asked:
    """One question as it was asked last, how often, and when."""

    text: str
    count: int
    last: datetime
    language: str


def unanswered(session: Session, *, now: datetime) -> tuple[Asked, ...]:
    """What was asked in vain in the last day, most often first. What could tell who asked is left out before it is grouped."""
    since = now - LOOKED_BACK
    missed = exists().where(
        Handoff.conversation_id == Turn.conversation_id, Handoff.reason == _MISSED, Handoff.queued_at >= Turn.received_at
    )
    newest = select(Turn.id).order_by(Turn.id.desc()).limit(MOST_READ).subquery()
    rows = session.execute(
        select(Turn.text, Turn.received_at, Turn.language)
        .where(
            Turn.id >= select(func.min(newest.c.id)).scalar_subquery(),
            Turn.received_at >= since,
            Turn.kind.in_(("text", "speech")),
            or_(
                Turn.outcome.in_(_IN_VAIN),
                and_(Turn.outcome == Outcome.AGENT.value, missed),
                # Without the model a question that no keyword fits gets the menu; so does somebody who asks for it, in a word.
                and_(Turn.outcome == Outcome.MENU.value, Turn.engine == "menu", Turn.text.contains(" ")),
            ),
        )
        .order_by(Turn.id.desc())
    ).all()
    groups: dict[str, list[tuple[str, datetime, str]]] = defaultdict(list)
    for text, at, language in rows:
        shown = shorten(redact(text), LONGEST, placeholder=" …")
        key = " ".join(sorted(search_words(shown).split()))
        if key:
            groups[key].append((shown, at, language))
    asked = [Asked(found[0][0], len(found), found[0][1], found[0][2]) for found in groups.values()]
    return tuple(sorted(asked, key=lambda one: (one.count, one.last), reverse=True)[:SHOWN])
