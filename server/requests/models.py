"""Requests as they are stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database.base import Base
from server.database.types import BigId, Json, UtcDateTime


class ServiceRequest(Base):
    """One form, filled in for a resident or by one, and how far the city is with it."""

    __tablename__ = "service_requests"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    """The tracking number, such as DR-7K3M9QX."""
    kind: Mapped[str] = mapped_column(String(24), index=True)
    """One of `server.requests.kinds.KINDS`."""
    fields: Mapped[dict[str, Any]] = mapped_column(Json)
    """The form as it was filled in; a telephone number is never among it."""
    contact: Mapped[str | None] = mapped_column(Text)
    """Ciphertext of the number to call, where the form asks for one."""
    state: Mapped[str] = mapped_column(String(12), index=True)
    """One of `server.requests.service.State`; only `move` there changes it."""
    state_at: Mapped[datetime] = mapped_column(UtcDateTime)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    person: Mapped[str | None] = mapped_column(String(64), index=True)
    """Keyed hash of the resident's number, as in the conversation."""
    made_by: Mapped[str] = mapped_column(String(64))
    """The staff account that filled it in."""
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    once: Mapped[str | None] = mapped_column(String(64), unique=True)
    """The form it came from: sent twice, it is one request."""
