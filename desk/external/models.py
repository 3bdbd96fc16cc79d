"""What is stored about a city's own desk: which handoffs are there, what is on its way, what was heard, and whether it answers.

No text is copied: a parcel names the turn or the outgoing text that it carries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from server.database.base import Base
from server.database.types import BigId, Json, UtcDateTime


class OutsideThread(Base):
    """One handoff at their desk."""

    __tablename__ = "outside_threads"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    handoff_id: Mapped[int] = mapped_column(ForeignKey("handoffs.id", ondelete="CASCADE"), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    outside_id: Mapped[str | None] = mapped_column(String(64), index=True)
    """What their desk calls the conversation."""
    state: Mapped[str] = mapped_column(String(8), index=True)
    """One of `desk.external.states.Thread`; only `desk.external.states.reach` changes it."""
    told_turn: Mapped[int] = mapped_column(Integer)
    """The resident's last message that is on its way to them."""
    told_text: Mapped[int] = mapped_column(BigId)
    """The last text of the assistant's or the desk's that is on its way to them."""
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OutsideParcel(Base):
    """One thing on its way to their desk, and how far it got."""

    __tablename__ = "outside_parcels"
    __table_args__ = (Index("ix_outside_parcels_due", "state", "next_attempt_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("outside_threads.id", ondelete="CASCADE"), index=True)
    dedupe_key: Mapped[str] = mapped_column(String(140), unique=True)
    """The idempotency key: one parcel for one cause, whatever is retried."""
    kind: Mapped[str] = mapped_column(String(24))
    turn_seq: Mapped[int | None] = mapped_column(Integer)
    text_id: Mapped[int | None] = mapped_column(BigId)
    detail: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    state: Mapped[str] = mapped_column(String(8))
    """`queued`, `sent`, `failed` (they refused it), or `dropped` (no longer true before it left)."""
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[str | None] = mapped_column(String(64))
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OutsideEvent(Base):
    """Something that their desk told us, by its own id: told again, it changes nothing."""

    __tablename__ = "outside_events"

    key: Mapped[str] = mapped_column(String(140), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class OutsideHealth(Base):
    """Whether a desk answers, as the processes that send to it found."""

    __tablename__ = "outside_health"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    looked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(String(64))
