"""Every text that left or is to leave, one row a send."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database.base import Base
from server.database.types import BigId, Json, UtcDateTime


class OutboundMessage(Base):
    """One text to one resident, with the approved versions it was rendered from and how far it got."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "state", "next_attempt_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    dedupe_key: Mapped[str] = mapped_column(String(140), unique=True)
    """One send for one cause, whatever is retried."""
    channel: Mapped[str] = mapped_column(String(8))
    speaker: Mapped[str] = mapped_column(String(8))
    """`bot`, `agent` or `system`; the ownership check at send time reads it."""
    owner_version: Mapped[int] = mapped_column(Integer)
    emergency: Mapped[bool] = mapped_column(Boolean, default=False)
    text: Mapped[str] = mapped_column(Text)
    parts: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    message_ids: Mapped[list[str]] = mapped_column(Json, default=list)
    state: Mapped[str] = mapped_column(String(12))
    """`queued`, `sent`, `delivered`, `failed`, `expired`, `undelivered` or `dropped` (a person took over first)."""
    inline: Mapped[bool] = mapped_column(Boolean, default=False)
    """True when the text went out in the webhook's own answer."""
    provider_id: Mapped[str | None] = mapped_column(String(64), index=True)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    error_code: Mapped[str | None] = mapped_column(String(32))
    valid_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class OptOut(Base):
    """A number that asked us to stop, per number of ours; kept although the carrier keeps one too, because it cannot be asked."""

    __tablename__ = "opt_outs"

    person: Mapped[str] = mapped_column(String(64), primary_key=True)
    our_address: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
