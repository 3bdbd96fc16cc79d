"""One conversation's turns in order, also across processes on PostgreSQL."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Connection, Engine, text


def lock_number(key: str) -> int:
    """The 64-bit number of a conversation's advisory lock."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)


class ConversationLocks:
    """Holds one lock a conversation for the length of a turn. On SQLite one process serves, so a lock in memory is enough; on
    PostgreSQL a session-level advisory lock is held besides, on a connection of its own, and dies with the process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._across_processes = engine.dialect.name == "postgresql"
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """Waits for the turns before this one."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._users[key] += 1
        try:
            async with lock:
                connection = await asyncio.to_thread(self._take, key) if self._across_processes else None
                try:
                    yield
                finally:
                    if connection is not None:
                        await asyncio.to_thread(self._release, connection, key)
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key]
                self._locks.pop(key, None)

    def _take(self, key: str) -> Connection:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            connection.execute(text("SELECT pg_advisory_lock(:n)"), {"n": lock_number(key)})
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        return connection

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
