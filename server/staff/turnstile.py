"""How many passwords are checked at a time. Each check takes 64 MB and tens of milliseconds of several cores, on purpose: without a
bound, a flood of sign-ins would take the threads and the memory that residents are answered with."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from server.errors import SpillwayError

T = TypeVar("T")


class Busy(SpillwayError):
    """Too many passwords wait to be checked; trying again in a moment helps."""

    code = "busy"
    status = 503


class Turnstile:
    """Lets `at_once` checks run. Others wait without a thread, `waiting` of them and `of_one` from one address; the rest is told
    to try again, so that one address cannot fill the line before everybody else."""

    def __init__(self, *, at_once: int = 2, waiting: int = 64, of_one: int = 8) -> None:
        self._gate = asyncio.Semaphore(at_once)
        self._waiting = waiting
        self._of_one = of_one
        self._here: Counter[str] = Counter()

    async def run(self, work: Callable[[], T], *, address: str) -> T:
        """Does the work in a thread when it is its turn. Raises `Busy`."""
        if self._here.total() >= self._waiting or self._here[address] >= self._of_one:
            raise Busy("Too many people sign in just now. Try again in a moment.", words="staff.busy")
        self._here[address] += 1
        try:
            async with self._gate:
                return await run_in_threadpool(work)
        finally:
            self._here[address] -= 1
            if not self._here[address]:
                del self._here[address]
