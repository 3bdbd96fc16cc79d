"""What can be asked about calls from outside their own requests; without a word of how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Ring:
    """A telephone that is to ring, and where the call goes on once somebody picks up."""

    to: str
    sender: str
    url: str
    status_url: str
    seconds: int


class CallControl(Protocol):
    """Leads calls elsewhere, lets telephones ring, holds who is in a conference."""

    async def lead(self, sid: str, url: str) -> bool:
        """Breaks off what a call is doing and goes on with the document at `url`. False when that was not possible."""
        ...

    async def ring(self, ring: Ring) -> str | None:
        """Lets a telephone ring and gives the call's SID; nothing when that was not possible."""
        ...

    async def end(self, sid: str) -> bool:
        """Ends a call of ours, ringing or not. False when that was not possible."""
        ...

    async def hold(self, conference: str, sid: str, *, on: bool, url: str) -> bool:
        """Holds one participant of the conference of that name, who hears `url`, or lets them back. False when it was not
        possible."""
        ...


class NoCallControl:
    """Where calls cannot be changed: the caller is answered once they have finished speaking."""

    async def lead(self, sid: str, url: str) -> bool:
        """Changes nothing."""
        del sid, url
        return False

    async def ring(self, ring: Ring) -> str | None:
        """Rings nobody."""
        del ring
        return None

    async def end(self, sid: str) -> bool:
        """Ends nothing."""
        del sid
        return False

    async def hold(self, conference: str, sid: str, *, on: bool, url: str) -> bool:
        """Holds nobody."""
        del conference, sid, on, url
        return False


class Recordings(Protocol):
    """Messages that callers recorded, where the provider keeps them."""

    async def fetch(self, recording: str) -> bytes | None:
        """The sound; nothing when it cannot be had now."""
        ...

    async def remove(self, recording: str) -> bool:
        """Takes the provider's copy away. False when that was not possible."""
        ...


class NoRecordings:
    """Where nothing is recorded."""

    async def fetch(self, recording: str) -> bytes | None:
        """Has nothing."""
        del recording
        return None

    async def remove(self, recording: str) -> bool:
        """Has nothing to remove."""
        del recording
        return False
