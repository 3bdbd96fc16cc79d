"""What may be said, as it is stored: topics, versions of messages, facts, incidents, city values and the revision of them all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Connection, ForeignKey, Index, Integer, String, Text, UniqueConstraint, event, insert, update
from sqlalchemy.orm import Mapped, mapped_column

from server.database.base import Base
from server.database.types import BigId, Json, UtcDateTime


class TopicRow(Base):
    """One topic without its messages: titles, examples, keywords, and what staff must know."""

    __tablename__ = "topics"

    intent: Mapped[str] = mapped_column(String(48), primary_key=True)
    title: Mapped[dict[str, str]] = mapped_column(Json)
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    """`Topic.data()`."""
    position: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    pack: Mapped[str | None] = mapped_column(String(48))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MessageVersion(Base):
    """One wording of one message. The words of a version never change; a change is the next version."""

    __tablename__ = "message_versions"
    __table_args__ = (
        UniqueConstraint("message_id", "version"),
        Index("ix_message_versions_state", "state", "expires_at"),
        Index("ix_message_versions_published", "state", "published_at", "author", "approver"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[str] = mapped_column(String(100), index=True)
    """Such as `boil_water_notice.notice`, `card.gas` or `system.greeting`."""
    version: Mapped[int] = mapped_column(Integer)
    intent: Mapped[str | None] = mapped_column(String(48), index=True)
    """The topic it answers; empty for cards and system texts."""
    position: Mapped[int] = mapped_column(Integer, default=0)
    """The order in which the variants of a topic are tried."""
    state: Mapped[str] = mapped_column(String(12))
    texts: Mapped[dict[str, dict[str, str]]] = mapped_column(Json)
    phases: Mapped[list[str]] = mapped_column(Json, default=list)
    zones: Mapped[list[str]] = mapped_column(Json, default=list)
    """The zones it is for; none means everybody."""
    owner: Mapped[str] = mapped_column(String(48))
    source: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(64))
    approver: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it was returned, withdrawn, or published in a hurry."""
    urgent: Mapped[bool] = mapped_column(Boolean, default=False, index=True)
    """Published by a supervisor without review; somebody else must still look at it."""
    reviewer: Mapped[str | None] = mapped_column(String(64))
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    valid_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    writers: Mapped[list[str]] = mapped_column(Json, default=list)
    """Everybody who wrote in the draft, the last one last; none of them is the different person who approves it."""
    edits: Mapped[int] = mapped_column(Integer, default=0)
    """Grows with each save of the draft, so that a save which did not see the one before is noticed."""
    edited_in: Mapped[str | None] = mapped_column(String(32))
    """The open page that saved last: its next save is its own, also when the answer to this one was lost on the way."""
    edited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def reference(self) -> str:
        """The message and its version, as stored with the turns that said it."""
        return f"{self.message_id}@{self.version}"


class MessageFind(Base):
    """What one version is found by, apart from its texts, so that a search reads little. Kept by the mapper with every change."""

    __tablename__ = "message_finds"

    id: Mapped[int] = mapped_column(ForeignKey("message_versions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    message_id: Mapped[str] = mapped_column(String(100), index=True)
    intent: Mapped[str | None] = mapped_column(String(48))
    state: Mapped[str] = mapped_column(String(12), index=True)
    owner: Mapped[str] = mapped_column(String(48))
    valid_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    languages: Mapped[str] = mapped_column(String(120))
    """Such as ` en es `."""
    words: Mapped[str] = mapped_column(Text)
    """Each word of the texts once, without case and accents."""


def search_words(text: str) -> str:
    """Each word of a text once, without case and accents, in any script."""
    bare = text.casefold()
    if not bare.isascii():
        # No letter before the first combining mark is one; most letters are asked nothing.
        bare = "".join(c for c in unicodedata.normalize("NFKD", bare) if c < "\u0300" or not unicodedata.combining(c))
    return " ".join(dict.fromkeys(re.findall(r"\w+", bare)))


def find_values(texts: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What a wording is found by."""
    words = search_words(" ".join(text for channels in texts.values() for text in channels.values()))
    return {"languages": f" {' '.join(texts)} "[:120], "words": words}


_SHOWN = ("message_id", "intent", "state", "owner", "valid_from", "expires_at")


@event.listens_for(MessageVersion, "after_insert")
def _to_be_found(_mapper: Any, connection: Connection, version: MessageVersion) -> None:
    values = {name: getattr(version, name) for name in _SHOWN}
    connection.execute(insert(MessageFind).values(id=version.id, **values, **find_values(version.texts)))


@event.listens_for(MessageVersion, "after_update")
def _found_anew(_mapper: Any, connection: Connection, version: MessageVersion) -> None:
    values = {name: getattr(version, name) for name in _SHOWN}
    connection.execute(update(MessageFind).where(MessageFind.id == version.id).values(**values, **find_values(version.texts)))


class FactRow(Base):
    """One local value that messages quote: a shelter, a closure, a status line, a zone."""

    __tablename__ = "facts"
    __table_args__ = (UniqueConstraint("type", "key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    type: Mapped[str] = mapped_column(String(32), index=True)
    key: Mapped[str] = mapped_column(String(100))
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    position: Mapped[int] = mapped_column(Integer, default=0)
    source: Mapped[str] = mapped_column(Text)
    owner: Mapped[str] = mapped_column(String(48))
    visibility: Mapped[str] = mapped_column(String(12), default="public")
    """`public`, or `agents_only`: never said by the assistant."""
    pack: Mapped[str | None] = mapped_column(String(48))
    as_of: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    updated_by: Mapped[str] = mapped_column(String(64))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class IncidentRow(Base):
    """What is going on; decides menus and which variant answers while it is open."""

    __tablename__ = "incidents"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    hazard: Mapped[str] = mapped_column(String(16))
    phase: Mapped[str] = mapped_column(String(12))
    level: Mapped[str] = mapped_column(String(12))
    zones: Mapped[list[str]] = mapped_column(Json, default=list)
    """Zones ordered to leave."""
    pack: Mapped[str | None] = mapped_column(String(48))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


class IncidentStep(Base):
    """One step of an incident's checklist that somebody did."""

    __tablename__ = "incident_steps"

    incident_id: Mapped[int] = mapped_column(ForeignKey("incidents.id"), primary_key=True)
    step: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the step's English line, so that a pack that gains a step moves no tick."""
    done_by: Mapped[str] = mapped_column(String(64))
    done_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CityValue(Base):
    """One value of the city that always stands: a name, a number, a page, a decision such as text-to-911."""

    __tablename__ = "city_values"

    name: Mapped[str] = mapped_column(String(48), primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
    """A text, a number, true or false, or `{en, es}`."""
    updated_by: Mapped[str] = mapped_column(String(64))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class KnowledgeRevision(Base):
    """One row whose number grows with every change of what may be said; one cheap look tells a process to read again."""

    __tablename__ = "knowledge_revision"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, default=0)
