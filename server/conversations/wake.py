"""Tells those who watch a conversation, in this process, that something was stored in it."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class Watcher:
    """One that watches. What is stored between two waits is not lost: the next wait returns at once."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def _notify(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            # The loop of a process that is stopping is closed; its watchers are gone with it.
            return

    async def wait(self, timeout: float) -> bool:
        """Waits until something is stored; false when nothing was in `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Wake:
    """The watchers of each conversation. It holds no text, costs nothing when nobody watches, and knows only this process."""

    def __init__(self) -> None:
        self._watchers: defaultdict[int, set[Watcher]] = defaultdict(set)
        self._all: set[Watcher] = set()
        self._lock = threading.Lock()

    def stored(self, conversation_id: int) -> None:
        """Wakes who watches a conversation. May be called from any thread, after the commit."""
        with self._lock:
            watchers = (*self._watchers.get(conversation_id, ()), *self._all)
        for watcher in watchers:
            watcher._notify()

    @contextmanager
    def watch(self, conversation_ids: Iterable[int]) -> Iterator[Watcher]:
        """Watches some conversations until the block ends. Look at the database inside the block: nothing slips between."""
        watcher, ids = Watcher(), tuple(conversation_ids)
        with self._lock:
            for each in ids:
                self._watchers[each].add(watcher)
        try:
            yield watcher
        finally:
            with self._lock:
                for each in ids:
                    self._watchers[each].discard(watcher)
                    if not self._watchers[each]:
                        del self._watchers[each]

    @contextmanager
    def watch_all(self) -> Iterator[Watcher]:
        """Watches every conversation until the block ends."""
        watcher = Watcher()
        with self._lock:
            self._all.add(watcher)
        try:
            yield watcher
        finally:
            with self._lock:
                self._all.discard(watcher)

    async def wait(self, conversation_id: int, timeout: float) -> bool:
        """Waits once for one conversation; false when nothing was stored in `timeout` seconds."""
        with self.watch((conversation_id,)) as watcher:
            return await watcher.wait(timeout)

    @property
    def watched(self) -> tuple[int, ...]:
        """The conversations that somebody watches now."""
        with self._lock:
            return tuple(self._watchers)
