from __future__ import annotations

import asyncio
import threading

from server.assembly import Service
from server.conversations.wake import Wake
from tests.server.harness import Resident


async def test_who_watches_is_woken_by_what_is_stored(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says("where is a shelter")
    with menu_service.wake.watch((writer.conversation().id,)) as watcher:
        await writer.says("and pets?")
        assert await watcher.wait(5)


async def test_what_was_stored_before_the_wait_is_not_lost_and_wakes_once() -> None:
    wake = Wake()
    with wake.watch((1, 2)) as watcher:
        wake.stored(2)
        wake.stored(1)
        assert await watcher.wait(5)
        assert not await watcher.wait(0)


async def test_others_are_not_woken() -> None:
    wake = Wake()
    with wake.watch((1,)) as watcher:
        wake.stored(2)
        assert not await watcher.wait(0)


async def test_it_is_woken_from_another_thread() -> None:
    wake = Wake()
    waiting = asyncio.create_task(wake.wait(7, 20))
    await asyncio.sleep(0)
    threading.Thread(target=wake.stored, args=(7,)).start()
    assert await waiting


async def test_nobody_is_kept_who_went_away() -> None:
    wake = Wake()
    with wake.watch((1, 2)):
        assert set(wake.watched) == {1, 2}
    assert wake.watched == ()
    wake.stored(1)
