"""Going through everything once: at the command line, and once a day in the service."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import structlog

from server import clock
from server.database.engine import Sessions, reading
from server.http.deps import ChannelDeps
from server.metrics import STEP
from server.retention.finding import held_back
from server.retention.rules import Kind, Rules
from server.retention.service import purge_batch

log = structlog.get_logger()

FIRST: Final = 600.0
"""Seconds after the start of a process: a service that comes up in a disaster has other things to do."""
EVERY: Final = 24 * 3600.0
BREATH: Final = 0.5
"""Seconds between two batches, in which residents' turns are stored."""


def purge(
    sessions: Sessions,
    *,
    rules: Rules,
    actor: str,
    dry_run: bool = False,
    between: Callable[[], bool] = lambda: True,
) -> Counter[str]:
    """Removes everything that is past its time and gives the counts, with `held_back` for the conversations that are past it and
    not over. With `dry_run` every batch is taken back. `between` is asked before each batch whether to go on."""
    now, counts = clock.now(), Counter[str]()
    for kind in Kind:
        after: int | None = 0
        while after is not None and between():
            with sessions() as session:
                batch = purge_batch(session, kind=kind, rules=rules, now=now, after=after, actor=actor)
                if dry_run:
                    session.rollback()
                else:
                    session.commit()
            counts.update(batch.counts)
            after = batch.last
    before = rules.before(Kind.WORDS, now)
    if before is not None:
        with reading(sessions) as session:
            counts["held_back"] = held_back(session, before=before)
    return +counts


class Retention:
    """Removes once a day what is past its time. Any number of processes may: each takes what no other has in hand."""

    def __init__(self, deps: ChannelDeps) -> None:
        self._sessions = deps.sessions
        self._rules = Rules.of(deps.settings)

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set. What fails is tried again the next day, and the gauge says so until then."""
        wait = FIRST
        while not await _stopped(stop, wait):
            wait = EVERY
            try:
                counts = await asyncio.to_thread(self.once, stop)
                STEP.labels(part="retention").set(0)
                log.info("retention.done", **counts)
            except Exception as error:
                # A batch is whole or not at all; nothing is answered from what was to be removed.
                log.error("retention.failed", error=repr(error))
                STEP.labels(part="retention").set(1)

    def once(self, stop: asyncio.Event) -> Counter[str]:
        """One round, with a breath between two batches; it ends early when the service does."""

        def between() -> bool:
            time.sleep(BREATH)
            return not stop.is_set()

        return purge(self._sessions, rules=self._rules, actor="retention", between=between)


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
