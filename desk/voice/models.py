"""What is stored of an agent's part in a call."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database.base import Base
from server.database.types import BigId, UtcDateTime


class VoiceLeg(Base):
    """One try to bring an agent's telephone and a caller together."""

    __tablename__ = "voice_legs"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token: Mapped[str] = mapped_column(String(32), unique=True)
    """What Twilio's requests name it by, and the conference; it says nothing about anybody."""
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    handoff_id: Mapped[int] = mapped_column(ForeignKey("handoffs.id"), index=True)
    agent: Mapped[str] = mapped_column(String(64), index=True)
    phone: Mapped[str] = mapped_column(Text)
    """Ciphertext of the agent's number while the leg is going on, and nothing after it."""
    call_sid: Mapped[str | None] = mapped_column(String(64))
    phase: Mapped[str] = mapped_column(String(8), index=True)
    """One of `desk.voice.states.Phase`; only `desk.voice.states.move` changes it."""
    phase_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(16), default="")
    """Why it is in its phase, such as `busy`."""
    told: Mapped[bool] = mapped_column(Boolean, default=False)
    """True once the caller was told that this agent could not be reached."""
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    joined_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the conference had both in it."""
