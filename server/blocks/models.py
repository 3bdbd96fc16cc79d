"""Whom this service does not answer for a while, as stored."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database.base import Base
from server.database.types import BigId, UtcDateTime


class Block(Base):
    """One block: of a number where it is known, else of one chat or call. It ends by itself."""

    __tablename__ = "blocks"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    who: Mapped[str] = mapped_column(String(160), index=True)
    """Keyed hash of the number, or the key of the conversation where there is none."""
    reference: Mapped[str] = mapped_column(String(16))
    """The conversation it was made from; the number itself is not kept here."""
    reason: Mapped[str] = mapped_column(Text)
    blocked_by: Mapped[str] = mapped_column(String(64))
    blocked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    lifted_by: Mapped[str | None] = mapped_column(String(64))
    lifted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
