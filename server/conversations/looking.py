"""The triage of a message, off the loop that serves everybody: a doubtful one may take as long as twenty others."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

from bot.triage.decision import Decision
from bot.triage.engine import Context, TriageEngine
from server.metrics import STEP

log = structlog.get_logger()

PATIENCE: Final = 1.0
"""Seconds that the whole triage of one message may take; then the patterns decide alone, which ring sooner."""
_THREADS: Final = ThreadPoolExecutor(8, thread_name_prefix="triage")
"""Threads of its own: those of the database may all be waiting when the database is what fails."""


async def look(triage: TriageEngine, text: str, *, context: Context) -> Decision:
    """Decides on one message without holding up any other; never raises."""
    looking = _THREADS.submit(triage.assess, text, context=context)
    try:
        async with asyncio.timeout(PATIENCE):
            decision = await asyncio.wrap_future(looking)
    except TimeoutError:
        log.error("triage.too_slow", characters=len(text))
        STEP.labels(part="triage_in_time").set(1)
        return triage.by_patterns(text, context=context)
    STEP.labels(part="triage_in_time").set(0)
    return decision
