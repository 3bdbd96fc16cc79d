"""What the desk stores: handoffs with their packets, the agents' presence, and notes that no resident ever sees."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.database.base import Base
from server.database.types import BigId, Json, UtcDateTime


class Handoff(Base):
    """One move of a conversation to the live agents, with the packet the agent gets."""

    __tablename__ = "handoffs"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    reason: Mapped[str] = mapped_column(String(32))
    priority: Mapped[int] = mapped_column(Integer)
    """0 emergency, 1 vulnerable or distressed, 2 ordinary; lower is first."""
    front: Mapped[bool] = mapped_column(Boolean, default=False)
    """Before the others of its priority: its agent was lost, or it was passed on."""
    state: Mapped[str] = mapped_column(String(10), index=True, default="queued")
    """One of `desk.states.State`; only `desk.states.move` changes it."""
    state_at: Mapped[datetime] = mapped_column(UtcDateTime)
    packet: Mapped[dict[str, Any]] = mapped_column(Json)
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the first agent took it; the service level counts to here."""
    accepted_by: Mapped[str | None] = mapped_column(String(64), index=True)
    """The agent who has it or had it last; while it is offered, the one who is asked."""
    group: Mapped[str | None] = mapped_column("wanted_group", String(64))
    """The group that should take it, when it was passed to one."""
    refused: Mapped[list[str]] = mapped_column(Json, default=list)
    """Agents who let an offer pass; they are not asked again."""
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When an offer or a wrap-up runs out."""
    read_turn: Mapped[int] = mapped_column(Integer, default=0)
    """The resident's last message that the agent has had on the screen."""
    settled: Mapped[str | None] = mapped_column(String(24))
    """What became of it, as the agent said at the end."""
    helped: Mapped[bool | None] = mapped_column(Boolean)
    """The resident's answer to "did this help?"."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DeskAgent(Base):
    """One person's place at the desk: whether they are there, how much they take, and what they can."""

    __tablename__ = "desk_agents"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The staff account."""
    shown_as: Mapped[str] = mapped_column(String(40), default="")
    """What residents are told as their name."""
    state: Mapped[str] = mapped_column(String(10), default="offline")
    """What the agent chose: `available`, `busy`, `break` or `offline`. Who is not heard of for 90 seconds is offline anyway."""
    state_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    capacity: Mapped[int] = mapped_column(Integer, default=3)
    languages: Mapped[list[str]] = mapped_column(Json, default=list)
    skills: Mapped[list[str]] = mapped_column(Json, default=list)
    """Reasons or channels that this person is good at, such as `complaint` or `ivr`."""
    group: Mapped[str | None] = mapped_column("agent_group", String(64))


class DeskNote(Base):
    """Something that staff wrote about a conversation for each other."""

    __tablename__ = "desk_notes"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    """`note`, `transfer` (to whoever takes it next) or `whisper` (from a supervisor to the agent)."""
    author: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
