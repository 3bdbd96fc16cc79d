"""Proof that a version is said: what each channel says now, by which revision of the library, and to how many it went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from console.messages.previews import SAMPLES
from knowledge.library import Library
from knowledge.models import MessageVersion
from knowledge.records import Said, Situation
from knowledge.topics import CHANNELS, ChannelName
from server.conversations.models import Conversation, Turn

LOOKED_BACK: Final = timedelta(hours=24)
MOST_READ: Final = 3000
"""So many turns are looked through, the newest ones."""


@dataclass(frozen=True)
class Heard:
    """What one channel says in one language now. `own` when it is this version."""

    language: str
    channel: ChannelName
    said: Said
    own: bool


@dataclass(frozen=True)
class Deliveries:
    """How often a version was said since it was published, at most a day and `MOST_READ` turns back."""

    count: int
    last: datetime | None
    channels: Mapping[str, int]


def heard(library: Library, version: MessageVersion, *, now: datetime) -> tuple[Heard, ...]:
    """What the library of this process says where this version should be said."""
    found = []
    for language in version.texts:
        for channel in CHANNELS:
            situation = Situation(language, channel, now, version.zones[0] if version.zones else None)
            if version.intent is not None:
                said = library.answer(version.intent, situation)
            elif version.message_id in library.message_ids:
                said = library.say(version.message_id, situation, **SAMPLES)
            else:
                said = library.say("system.holding", situation)
            own = (said.message_id, said.version) == (version.message_id, version.version) and not said.missing
            found.append(Heard(language, channel, said, own))
    return tuple(found)


def deliveries(session: Session, version: MessageVersion, *, now: datetime) -> Deliveries:
    """The turns whose reply held this version."""
    since = max(version.published_at or version.created_at, now - LOOKED_BACK)
    newest = select(Turn.id).order_by(Turn.id.desc()).limit(MOST_READ).subquery()
    rows = session.execute(
        select(Turn.received_at, Conversation.channel)
        .join(Conversation, Conversation.id == Turn.conversation_id)
        .where(
            Turn.id >= select(func.min(newest.c.id)).scalar_subquery(),
            Turn.received_at >= since,
            cast(Turn.message_ids, String).contains(f'"{version.reference}"', autoescape=True),
        )
        .order_by(Turn.received_at.desc())
    ).all()
    return Deliveries(len(rows), rows[0][0] if rows else None, Counter(channel for _, channel in rows))
