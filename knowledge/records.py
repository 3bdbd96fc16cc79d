"""The values that the library is made of, free of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from knowledge.topics import ChannelName, Texts, Topic

Channel = ChannelName

ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Situation:
    """Who is spoken to: the language, the channel, the time, and the ZIP code or zone when known."""

    language: str
    channel: Channel
    now: datetime
    place: str | None = None


@dataclass(frozen=True)
class Said:
    """An approved message as it goes out. `more` is what did not fit; `missing` tells that a holding text was said instead."""

    message_id: str
    version: int
    language: str
    channel: str
    text: str
    html: str | None = None
    as_of: datetime | None = None
    more: tuple[str, ...] = ()
    missing: bool = False


@dataclass(frozen=True)
class Published:
    """A published version with the window in which it may be said."""

    message_id: str
    version: int
    intent: str | None
    texts: Texts
    phases: tuple[str, ...] = ()
    position: int = 0
    valid_from: datetime = ALWAYS
    expires_at: datetime = NEVER
    zones: tuple[str, ...] = ()
    """The zones it is for; none means everybody."""

    def live(self, now: datetime) -> bool:
        """True inside the window; the last moment is outside."""
        return self.valid_from <= now < self.expires_at

    def fits(self, phase: str) -> bool:
        """True when it may be said in this phase."""
        return not self.phases or "all" in self.phases or phase in self.phases


@dataclass(frozen=True)
class Fact:
    """A local value that messages quote."""

    type: str
    key: str
    data: Mapping[str, Any]
    as_of: datetime
    expires_at: datetime
    source: str = ""
    owner: str = ""
    public: bool = True
    position: int = 0

    def live(self, now: datetime) -> bool:
        """True until it expires."""
        return now < self.expires_at


@dataclass(frozen=True)
class Incident:
    """What is going on."""

    name: str
    hazard: str
    phase: str
    level: str
    zones: tuple[str, ...]
    started_at: datetime


@dataclass(frozen=True)
class Zone:
    """An evacuation zone with the ZIP codes that lie wholly or partly in it."""

    name: str
    zips: tuple[str, ...]


@dataclass(frozen=True)
class Contents:
    """Everything that one snapshot of the library is made of."""

    revision: int = 0
    topics: tuple[Topic, ...] = ()
    messages: tuple[Published, ...] = ()
    facts: tuple[Fact, ...] = ()
    city: Mapping[str, Any] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
