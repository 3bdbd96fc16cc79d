"""The record of who did what, each row chained to the one before."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from server.database.base import Base
from server.database.types import BigId, Json, UtcDateTime


class AuditRow(Base):
    """One act. `digest` is SHA-256 over the row and the digest before it, so that a change or a gap shows."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_action_at", "action", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor: Mapped[str] = mapped_column(String(64), index=True)
    action: Mapped[str] = mapped_column(String(48))
    subject: Mapped[str] = mapped_column(String(160), index=True)
    detail: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
