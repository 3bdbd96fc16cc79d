"""Replaying rows in this process, or in several at once: each row is a conversation of its own, so that their order is free."""

from __future__ import annotations

import asyncio
import multiprocessing
import multiprocessing.util
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from server.assembly import Service, keep_in_memory
from server.cli.console import quiet_libraries
from server.cli.replay_rows import Row, inbound_of, line_of
from server.cli.scratch import scratch_service
from server.settings import Settings

Line = dict[str, Any]
Replayed = Callable[[Sequence[Row]], Iterable[list[Line]]]

ROWS_WORTH_A_PROCESS: Final = 20
"""The processes load beside each other; for fewer rows than this another one is not worth its memory."""
ROWS_AT_ONCE: Final = 10
LOADED_WITHIN: Final = 600.0


def workers_for(rows: int) -> int:
    """How many processes share the rows: one a core, where there is work for them."""
    return max(1, min(os.cpu_count() or 1, rows // ROWS_WORTH_A_PROCESS))


@contextmanager
def one_after_the_other(settings: Settings) -> Iterator[Replayed]:
    """Replays in this process."""
    with scratch_service(settings) as service, asyncio.Runner() as runner:
        service.warm_up()
        keep_in_memory()
        yield lambda rows: (runner.run(conversation(service, row, number)) for number, row in enumerate(rows))


@contextmanager
def beside_one_another(settings: Settings, count: int) -> Iterator[Replayed]:
    """Replays in several processes, each with a scratch service of its own; the lines come in the order of the rows.

    Raises what ended a worker."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(count)
    with ProcessPoolExecutor(count, mp_context=context, initializer=_open, initargs=(settings, start)) as pool:
        for loaded in [pool.submit(_loaded) for _ in range(count)]:
            loaded.result()

        def replayed(rows: Sequence[Row]) -> Iterator[list[Line]]:
            numbered = list(enumerate(rows))
            parts = [numbered[begin : begin + ROWS_AT_ONCE] for begin in range(0, len(numbered), ROWS_AT_ONCE)]
            pending: list[Future[list[list[Line]]]] = [pool.submit(_part, part) for part in parts]
            for future in pending:
                yield from future.result()

        yield replayed


async def conversation(service: Service, row: Row, number: int) -> list[Line]:
    """The lines of a row, which is a conversation of its own."""
    lines = []
    for turn, text in enumerate(row.turns, 1):
        started = time.perf_counter()
        reply = await service.spine.handle(inbound_of(row, text, number, turn))
        elapsed = (time.perf_counter() - started) * 1000
        lines.append(line_of(f"{row.id}#{turn}" if row.several else row.id, reply, elapsed))
    return lines


class _Worker:
    """What a worker process keeps between parts."""

    opened: ExitStack
    service: Service
    runner: asyncio.Runner
    start: Any


def _open(settings: Settings, start: Any) -> None:
    quiet_libraries("ERROR")
    _Worker.opened = ExitStack()
    _Worker.service = _Worker.opened.enter_context(scratch_service(settings))
    _Worker.runner = _Worker.opened.enter_context(asyncio.Runner())
    _Worker.start = start
    _Worker.service.warm_up()
    multiprocessing.util.Finalize(None, _Worker.opened.close, exitpriority=10)
    keep_in_memory()


def _loaded() -> None:
    """Waits for the other workers, so that each has loaded before the first row, and none takes two of these."""
    _Worker.start.wait(LOADED_WITHIN)


def _part(rows: Sequence[tuple[int, Row]]) -> list[list[Line]]:
    return [_Worker.runner.run(conversation(_Worker.service, row, number)) for number, row in rows]
