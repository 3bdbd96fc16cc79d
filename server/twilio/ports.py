"""What can be asked about calls from outside their own requests; without a word of how."""

from __future__ import annotations

from typing import Protocol


class CallControl(Protocol):
    """Leads calls elsewhere."""

    async def lead(self, sid: str, url: str) -> bool:
        """Breaks off what a call is doing and goes on with the document at `url`. False when that was not possible."""
        ...


class NoCallControl:
    """Where calls cannot be changed: the caller is answered once they have finished speaking."""

    async def lead(self, sid: str, url: str) -> bool:
        """Changes nothing."""
        del sid, url
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
