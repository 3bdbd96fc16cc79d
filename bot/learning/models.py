"""Models and what they are trained and tested on, as stored in the database, which is all that every process shares."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Float, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database.base import Base
from server.database.types import BigId, Json, UtcDateTime


class ModelRow(Base):
    """One model of the assistant from the wish for it to its retirement, or one test of all examples against the live model."""

    __tablename__ = "learned_models"
    __table_args__ = (Index("ix_learned_models_state", "state"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    """`topics` (a training), `check` (a test of all examples), `start` (the model that an installation began with)."""
    state: Mapped[str] = mapped_column(String(12))
    step: Mapped[str] = mapped_column(String(16), default="waiting")
    """What is being done now, for the progress bar."""
    progress: Mapped[float] = mapped_column(Float, default=0.0)
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    begun_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    beat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The last sign of life of the process that works on it."""
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    learns_from: Mapped[str | None] = mapped_column(String(64))
    """The mark of what it is made of and compared with, once that was read (`LearningData.mark`)."""
    digest: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the model file."""
    report: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """What the gate found (`gate.Report`)."""
    error: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    """Why a supervisor promoted it although the gate was closed, or went back to it."""
    promoted_by: Mapped[str | None] = mapped_column(String(64))
    promoted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ModelFile(Base):
    """The file of a model, apart from its row so that pages do not read it."""

    __tablename__ = "learned_model_files"

    model_id: Mapped[int] = mapped_column(ForeignKey("learned_models.id"), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class LearningRow(Base):
    """One sentence that a person took from a conversation, redacted, to learn from or to test with, never both."""

    __tablename__ = "learning_rows"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    use: Mapped[str] = mapped_column(String(8))
    """`train` or `test`."""
    text: Mapped[str] = mapped_column(Text)
    plain: Mapped[str] = mapped_column(String(300), unique=True)
    """The words alone, so that the same sentence is in one of the two sets only, and once."""
    language: Mapped[str] = mapped_column(String(8))
    intent: Mapped[str] = mapped_column(String(48), index=True)
    turn_id: Mapped[int | None] = mapped_column(BigId)
    """The turn that it came from, without a key: the turn may be deleted on a resident's wish."""
    added_by: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
