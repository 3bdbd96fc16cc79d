"""Work that is only done while somebody looks at what it finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any


class WhileRead:
    """One task for all readers of this process: it begins with the first of them and ends with the last."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self._readers = 0
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Keeps the task going while the block runs; one that has ended is begun anew."""
        self._readers += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        try:
            yield
        finally:
            self._readers -= 1
            if not self._readers and self._task is not None:
                self._task.cancel()
                self._task = None
