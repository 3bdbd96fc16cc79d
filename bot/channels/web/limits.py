"""How many messages a browser and an address may send. An emergency is never held to it: the caller asks the triage first."""

from __future__ import annotations

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

PER_SESSION: Final = 20
PER_ADDRESS: Final = 60
WINDOW: Final = 60.0
_REMEMBERED: Final = 50_000


class Limiter:
    """Counts in memory over a sliding minute. What is refused is not counted, so waiting always helps."""

    def __init__(
        self,
        *,
        per_session: int = PER_SESSION,
        per_address: int = PER_ADDRESS,
        window: float = WINDOW,
        time_of: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = {"session": per_session, "address": per_address}
        self._window = window
        self._time_of = time_of
        self._seen: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def wait_for(self, *, session: str, address: str) -> int:
        """0 when a message may pass, which is then counted; else the seconds to wait."""
        now = self._time_of()
        names = (("session", session), ("address", address))
        waits = [self._wait(name, now) for name in names]
        if any(waits):
            return max(waits)
        for name in names:
            self._seen.setdefault(name, deque()).append(now)
            self._seen.move_to_end(name)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return 0

    def _wait(self, name: tuple[str, str], now: float) -> int:
        times = self._seen.get(name)
        if times is None:
            return 0
        while times and now - times[0] >= self._window:
            times.popleft()
        if len(times) < self._limits[name[0]]:
            return 0
        return max(1, math.ceil(self._window - (now - times[0])))
