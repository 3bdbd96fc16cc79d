"""Conversations and turns as they are stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Float, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database.base import Base
from server.database.types import BigId, Json, UtcDateTime


class Conversation(Base):
    """One resident on one channel until closed. A call is one conversation, known by its CallSid, never by its number."""

    __tablename__ = "conversations"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str] = mapped_column(String(8))
    key: Mapped[str] = mapped_column(String(160), index=True)
    active_key: Mapped[str | None] = mapped_column(String(160), unique=True)
    """The key while the conversation is open; empty once closed, so that the next message opens a new one."""
    person: Mapped[str | None] = mapped_column(String(64), index=True)
    """Keyed hash of the resident's number; empty for withheld numbers and web chats."""
    contact: Mapped[str | None] = mapped_column(Text)
    """Ciphertext of the resident's number."""
    our_address: Mapped[str | None] = mapped_column(String(64))
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    """What staff and residents call it, such as HC-7K3M9Q."""
    language: Mapped[str] = mapped_column(String(8), default="en")
    language_fixed: Mapped[bool] = mapped_column(Boolean, default=False)
    """True once the resident chose it or wrote a confident sentence in it."""
    owner: Mapped[str] = mapped_column(String(8), default="bot")
    owner_version: Mapped[int] = mapped_column(Integer, default=0)
    latch_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    latch_card: Mapped[str | None] = mapped_column(String(32))
    topic: Mapped[str | None] = mapped_column(String(64))
    topic_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    place: Mapped[str | None] = mapped_column(String(64))
    """ZIP code or zone the resident gave, used where an answer depends on it."""
    memory: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    """Small things the next turn needs: options offered, misses in a row, what was said last."""
    tracker: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The assistant's dialogue state, compressed; bounded, so that it does not grow with the conversation."""
    turns: Mapped[int] = mapped_column(Integer, default=0)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Turn(Base):
    """One inbound message, key press, utterance or silence, and what it led to."""

    __tablename__ = "turns"
    __table_args__ = (Index("ix_turns_conversation_seq", "conversation_id", "seq", unique=True),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    seq: Mapped[int] = mapped_column(Integer)
    claim: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8))
    outcome: Mapped[str] = mapped_column(String(16), index=True)
    topic: Mapped[str | None] = mapped_column(String(64), index=True)
    topics: Mapped[list[str]] = mapped_column(Json, default=list)
    level: Mapped[str] = mapped_column(String(8))
    category: Mapped[str | None] = mapped_column(String(32))
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    safety_line: Mapped[bool] = mapped_column(Boolean, default=False)
    message_ids: Mapped[list[str]] = mapped_column(Json, default=list)
    """`message@version` of every approved text in the reply."""
    confidence: Mapped[float | None] = mapped_column(Float)
    engine: Mapped[str] = mapped_column(String(12))
    """What answered: `rasa`, `menu`, `static`, `carrier`, `desk`, or `triage`."""
    elapsed_ms: Mapped[float] = mapped_column(Float, default=0.0)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class ReleasedTurn(Base):
    """An emergency of which the resident then said that it was none; it waits for a person's judgement."""

    __tablename__ = "released_turns"

    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True)
    released_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Claim(Base):
    """What a provider told us we have, by the provider's own id. Written before any 2xx; the second one finds the first."""

    __tablename__ = "inbox"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversations.id"))
    payload: Mapped[str] = mapped_column(Text)
    """The sealed inbound message, so that it can be answered after a crash."""
    state: Mapped[str] = mapped_column(String(10), default="received")
    """`received`, `answered`, or `recovered` (answered after a crash, through the outbox)."""
    lease_until: Mapped[datetime] = mapped_column(UtcDateTime)
    reply: Mapped[dict[str, Any] | None] = mapped_column(Json)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
