"""Recorded messages as stored."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from server.database.base import Base
from server.database.types import BigId, UtcDateTime


class Voicemail(Base):
    """One recorded message. It goes when its conversation goes."""

    __tablename__ = "voicemails"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    recording: Mapped[str] = mapped_column(String(64), unique=True)
    """The provider's id of the sound."""
    seconds: Mapped[int]
    transcript: Mapped[str] = mapped_column(String(8))
    """`waiting` for its words, `done` when they are a turn of the conversation, `none` when there are none: listen to it."""
    audio: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """The sealed sound, once it is ours; the provider's copy is gone then."""
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    played_by: Mapped[str | None] = mapped_column(String(64))
    played_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
