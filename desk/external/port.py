"""The port to a desk that is not ours: what goes out, what comes in, and how a try can fail. Every adapter passes
`tests/desk/external/test_contract.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol


class Kind(StrEnum):
    """What a parcel is: a conversation with its packet, a line that was said in it, a word to their agents only, or its end."""

    OPENED = "conversation.opened"
    MESSAGE = "message"
    NOTE = "note"
    CLOSED = "conversation.closed"


class Said(StrEnum):
    """What their desk tells us."""

    TAKEN = "taken"
    MESSAGE = "message"
    TYPING = "typing"
    RETURNED = "returned"
    CLOSED = "closed"


class Trouble(StrEnum):
    """Why a parcel was not taken. `passing` is tried again soon, `account` slowly while staff are told, and `refused` never: it
    would be refused again."""

    PASSING = "passing"
    ACCOUNT = "account"
    REFUSED = "refused"


class NotDelivered(Exception):
    """A try that failed. `what` is a few words for staff, without anything that was said; `wait` is what their desk asked for."""

    def __init__(self, trouble: Trouble, what: str, *, wait: int | None = None) -> None:
        super().__init__(what)
        self.trouble, self.what, self.wait = trouble, what[:60], wait


_ACCOUNT: Final = (401, 402, 403, 404, 405)
_PASSING: Final = (408, 409, 423, 425, 429)


def trouble_of(status: int) -> Trouble:
    """The class of an HTTP status that is no success."""
    if status in _ACCOUNT or 300 <= status < 400:
        return Trouble.ACCOUNT
    return Trouble.PASSING if status in _PASSING or status >= 500 else Trouble.REFUSED


@dataclass(frozen=True)
class Parcel:
    """One thing for their desk. `id` is the same at every try; `uncertain` means that there was an earlier
    one, of which their desk may have something."""

    id: str
    kind: Kind
    reference: str
    outside_id: str | None
    at: datetime
    body: Mapping[str, Any]
    uncertain: bool = False


@dataclass(frozen=True)
class Receipt:
    """That their desk has it, and what it calls the conversation."""

    outside_id: str | None = None


@dataclass(frozen=True)
class Agent:
    """One of their agents, as their desk names them. `languages` is empty when it does not say."""

    id: str
    name: str = ""
    languages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Event:
    """Something that their desk tells us. `id` is the same when it is told again."""

    id: str
    said: Said
    agent: Agent
    reference: str | None = None
    outside_id: str | None = None
    text: str = ""
    settled: str = "other"

    def storable(self) -> Event:
        """The same event in letters that any database can store: no NUL, no half of a surrogate pair."""
        agent = replace(self.agent, id=_clean(self.agent.id), name=_clean(self.agent.name))
        known = _clean(self.reference) if self.reference else None
        theirs = _clean(self.outside_id) if self.outside_id else None
        return replace(self, id=_clean(self.id), agent=agent, reference=known, outside_id=theirs, text=_clean(self.text))


def _clean(text: str) -> str:
    return text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")


class OutsideDesk(Protocol):
    """A desk that is not ours."""

    kind: str

    async def deliver(self, parcel: Parcel) -> Receipt:
        """Hands one parcel over, once however often it is tried. Raises `NotDelivered`."""
        ...

    async def probe(self) -> str:
        """Asks whether the desk is there; gives a few words on what answered. Raises `NotDelivered`."""
        ...

    def read(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Event | None:
        """What a request of theirs tells, or nothing when it does not concern us. Raises `Forbidden` without a fresh signature,
        `BadInput` for what cannot be read."""
        ...

    async def close(self) -> None:
        """Gives connections back."""
        ...
