"""What people made of the triage's decisions, as stored."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database.base import Base
from server.database.types import BigId, UtcDateTime


class TriageReview(Base):
    """One decision that a person looked at: an example with its label, without what tells who wrote it.

    It stands by itself, so that it outlives the turn it was made of."""

    __tablename__ = "triage_reviews"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    turn_id: Mapped[int] = mapped_column(BigId, unique=True)
    channel: Mapped[str] = mapped_column(String(8))
    language: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(Text)
    """The redacted text; the raw one is never stored here."""
    level: Mapped[str] = mapped_column(String(8))
    """What the triage said; `expected_level` is what the reviewer says it is."""
    category: Mapped[str | None] = mapped_column(String(32))
    expected_level: Mapped[str] = mapped_column(String(8))
    expected_category: Mapped[str | None] = mapped_column(String(32))
    released: Mapped[bool] = mapped_column(Boolean)
    """True when the resident said that it was no emergency."""
    said_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    reviewer: Mapped[str] = mapped_column(String(64))
    reviewed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def right(self) -> bool:
        """True when the reviewer agrees with the level and the category."""
        return self.level == self.expected_level and self.category == self.expected_category
