"""One conversation's turns in order, also across processes on PostgreSQL."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, text

AT_ONCE: Final = 16
"""Conversations that one process holds or waits for at once on PostgreSQL; each is a connection."""
LONGEST_WAIT: Final = 8
"""Seconds after which a turn gives up waiting for one in another process; Twilio gives up after fifteen."""


def lock_number(key: str) -> int:
    """The 64-bit number of a conversation's advisory lock."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)


class _AcrossProcesses:
    """Advisory locks, one a connection, which die with the process. They have connections and threads of their own: a turn that
    waits must not use up what the turn it waits for needs to end."""

    def __init__(self, engine: Engine) -> None:
        self._engine = create_engine(
            engine.url, pool_size=AT_ONCE, max_overflow=0, pool_pre_ping=True, isolation_level="AUTOCOMMIT"
        )
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="conversation-lock")

    async def take(self, key: str) -> Connection:
        waiting = self._threads.submit(self._take, key)
        try:
            return await asyncio.wrap_future(waiting)
        except asyncio.CancelledError:
            waiting.add_done_callback(lambda taken: self._give_up(taken, key))
            raise

    async def release(self, connection: Connection, key: str) -> None:
        # Not on the threads above: all of them may be waiting.
        await asyncio.to_thread(self._release, connection, key)

    def _take(self, key: str) -> Connection:
        connection = self._engine.connect()
        try:
            connection.execute(text("SELECT set_config('lock_timeout', :wait, false)"), {"wait": f"{LONGEST_WAIT}s"})
            connection.execute(text("SELECT pg_advisory_lock(:n)"), {"n": lock_number(key)})
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        return connection

    def _give_up(self, taken: Future[Connection], key: str) -> None:
        if not taken.cancelled() and taken.exception() is None:
            self._release(taken.result(), key)

    @staticmethod
    def _release(connection: Connection, key: str) -> None:
        try:
            connection.execute(text("SELECT pg_advisory_unlock(:n)"), {"n": lock_number(key)})
        except BaseException:
            # A connection that cannot release must not go back to the pool still holding the lock.
            connection.invalidate()
            raise
        finally:
            connection.close()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()


class ConversationLocks:
    """Holds one lock a conversation for the length of a turn. On SQLite one process serves, so a lock in memory is enough; on
    PostgreSQL a session-level advisory lock is held besides."""

    def __init__(self, engine: Engine) -> None:
        self._across = _AcrossProcesses(engine) if engine.dialect.name == "postgresql" else None
        self._places = asyncio.Semaphore(AT_ONCE)
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """Waits for the turns before this one."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._users[key] += 1
        try:
            async with lock:
                if self._across is None:
                    yield
                    return
                async with self._places:
                    connection = await self._across.take(key)
                    try:
                        yield
                    finally:
                        await self._across.release(connection, key)
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key]
                self._locks.pop(key, None)

    def close(self) -> None:
        """Gives the connections back."""
        if self._across is not None:
            self._across.close()
