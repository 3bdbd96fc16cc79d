"""What a call can be told from outside its own requests; without a word of how."""

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
