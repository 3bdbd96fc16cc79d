"""Who is writing just now, and how far a resident has read: kept for seconds in this process, and never stored."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

Side = Literal["resident", "agent"]
SHOWN_SECONDS: Final = 7
"""A sign that is not renewed is gone after so long."""
_REMEMBERED: Final = 5_000


@dataclass(frozen=True)
class Sign:
    """The signs of one conversation: until when each side counts as writing, and our last text that the resident saw."""

    resident_until: float = 0.0
    agent_until: float = 0.0
    read: int = 0


class Signs:
    """The signs of all conversations of this process. Only the last few thousand are remembered."""

    def __init__(self, *, time_of: Callable[[], float] = time.monotonic) -> None:
        self._time_of = time_of
        self._signs: OrderedDict[int, Sign] = OrderedDict()
        self._lock = threading.Lock()
        self.changes = 0
        """Goes up with every sign, for those who look now and then."""

    def writes(self, conversation_id: int, side: Side, *, stopped: bool = False) -> None:
        """Notes that somebody writes, or has stopped."""
        until = 0.0 if stopped else self._time_of() + SHOWN_SECONDS
        before = self.of(conversation_id)
        self._put(
            conversation_id, replace(before, resident_until=until) if side == "resident" else replace(before, agent_until=until)
        )

    def has_read(self, conversation_id: int, number: int) -> None:
        """Notes the last of our texts that the resident has had on the screen."""
        before = self.of(conversation_id)
        if number > before.read:
            self._put(conversation_id, replace(before, read=number))

    def of(self, conversation_id: int) -> Sign:
        """The signs of one conversation."""
        with self._lock:
            return self._signs.get(conversation_id, Sign())

    def left(self, until: float) -> int:
        """For how many seconds more a sign is shown."""
        return max(round(until - self._time_of()), 0)

    def _put(self, conversation_id: int, sign: Sign) -> None:
        with self._lock:
            self._signs[conversation_id] = sign
            self._signs.move_to_end(conversation_id)
            self.changes += 1
            while len(self._signs) > _REMEMBERED:
                self._signs.popitem(last=False)
