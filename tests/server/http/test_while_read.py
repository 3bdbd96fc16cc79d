"""Work that goes on while somebody reads."""

from __future__ import annotations

import asyncio

from server.http.while_read import WhileRead


class Work:
    """Counts how often it was begun and how often it was stopped."""

    def __init__(self) -> None:
        self.begun = self.stopped = 0
        self.fail = False

    async def go(self) -> None:
        self.begun += 1
        if self.fail:
            return
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped += 1


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_one_task_for_all_readers_until_the_last_is_gone() -> None:
    work = Work()
    shared = WhileRead(work.go)
    async with shared.following():
        async with shared.following():
            await settle()
        await settle()
        assert (work.begun, work.stopped) == (1, 0), "one reader is left"
    await settle()
    assert (work.begun, work.stopped) == (1, 1)
    async with shared.following():
        await settle()
        assert (work.begun, work.stopped) == (2, 1), "the next reader begins it anew"


async def test_work_that_ended_by_itself_is_begun_for_the_next_reader() -> None:
    work = Work()
    work.fail = True
    shared = WhileRead(work.go)
    async with shared.following():
        await settle()
        async with shared.following():
            await settle()
            assert work.begun == 2
