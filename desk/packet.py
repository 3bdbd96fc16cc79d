"""What an agent must know in five seconds: who this is, what they need, what they were told.

The summary is put together from slots and turns; nothing in it is generated."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.needs import needs_in
from server.conversations.models import Conversation, Turn

SUMMARY_WORDS: Final = 80
TRANSCRIPT_TURNS: Final = 50
WISH_WORDS: Final = 2
"""So short the words that asked for a person tell nothing else."""


def build_packet(
    session: Session, *, conversation: Conversation, reason: str, text: str, slots: dict[str, Any], now: datetime
) -> dict[str, Any]:
    """The handoff packet: reason, language, place, last words, what was already told with versions, and the emergency marks.

    The transcript itself stays in the turns; the packet holds no phone number."""
    turns = list(
        session.scalars(
            select(Turn).where(Turn.conversation_id == conversation.id).order_by(Turn.seq.desc()).limit(TRANSCRIPT_TURNS)
        )
    )[::-1]
    told = [{"message": reference, "at": turn.received_at.isoformat()} for turn in turns for reference in turn.message_ids]
    return {
        "reason": reason,
        "language": conversation.language,
        "place": conversation.place,
        "last_message": text,
        "summary": summarise(told_by_resident(turns, text), conversation.place),
        "needs": needs_in([*(turn.text for turn in turns), text]),
        "slots": slots,
        "told": told,
        "topics": list(dict.fromkeys(turn.topic for turn in turns if turn.topic)),
        "emergency": [
            {"category": turn.category, "level": turn.level, "at": turn.received_at.isoformat()}
            for turn in turns
            if turn.level in ("hard", "crisis")
        ],
        "earlier_contacts": earlier_contacts(session, conversation=conversation),
        "created_at": now.isoformat(),
    }


def told_by_resident(turns: Iterable[Turn], text: str = "") -> list[str]:
    """What a resident said, without the wish for a person, which every one of them said."""
    said = [turn.text for turn in turns if turn.text.strip() and turn.topic != "talk_to_agent"]
    wish = len(text.split()) <= WISH_WORDS
    return [*said, text] if text.strip() and not (said and wish) else said


def earlier_contacts(session: Session, *, conversation: Conversation) -> int:
    """How many other conversations the same number has had; nothing for withheld numbers."""
    if conversation.person is None:
        return 0
    others = select(func.count()).where(Conversation.person == conversation.person, Conversation.id != conversation.id)
    return session.scalar(others) or 0


def summarise(texts: list[str], place: str | None) -> str:
    """The resident's own words, newest first, cut to the length an agent reads at a glance."""
    words = [f"[{place}]"] if place else []
    for text in reversed(texts):
        words += [*text.split(), "|"]
        if len(words) > SUMMARY_WORDS:
            break
    return " ".join(words[:SUMMARY_WORDS]).rstrip("| ")
