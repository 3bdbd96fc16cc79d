"""Sends what is due, a few texts at a time, until it is told to stop."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import structlog

from server import clock
from server.database.engine import reading
from server.http.deps import ChannelDeps
from server.metrics import STEP
from server.outbox import service
from server.outbox.service import Outgoing

log = structlog.get_logger()

IDLE: Final = 0.5
SWEEP_EVERY: Final = 5.0
AT_ONCE: Final = 4


class SendFailed(Exception):
    """A try that failed. `code` is the provider's error, `status` the HTTP status; neither when there was no answer."""

    def __init__(self, code: str | None = None, status: int | None = None) -> None:
        super().__init__(f"{code or ''} {status or ''}".strip() or "no answer")
        self.code = code
        self.status = status


class Sender(Protocol):
    """What takes a text to the carrier."""

    async def send(self, outgoing: Outgoing) -> str:
        """Sends one text and gives the provider's id. Raises `SendFailed`."""
        ...

    async def find(self, outgoing: Outgoing) -> str | None:
        """The provider's id of this text when an earlier try did send it. Raises `SendFailed` when that cannot be told."""
        ...


class OutboxWorker:
    """Takes due texts and sends them. Any number of these may run, in any number of processes."""

    def __init__(self, deps: ChannelDeps, sender: Sender) -> None:
        self._sessions = deps.sessions
        self._keys = deps.keys
        self._sender = sender
        self._more = asyncio.Event()

    def nudge(self) -> None:
        """Looks at the outbox now instead of at the next tick; for texts that an agent just wrote."""
        self._more.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set, and finishes the sends that are under way. Whatever fails is tried again."""
        stopping = asyncio.create_task(stop.wait())
        swept = float("-inf")
        loop = asyncio.get_running_loop()
        try:
            while not stop.is_set():
                try:
                    if loop.time() - swept >= SWEEP_EVERY:
                        await asyncio.to_thread(self._sweep)
                        swept = loop.time()
                    await self.drain()
                    STEP.labels(part="outbox").set(0)
                except Exception as error:
                    # Nothing is lost by going on: what was not sent is still in the outbox, and expires with an alert.
                    log.error("outbox.failed", error=repr(error))
                    STEP.labels(part="outbox").set(1)
                nudged = asyncio.create_task(self._more.wait())
                await asyncio.wait({stopping, nudged}, timeout=IDLE, return_when=asyncio.FIRST_COMPLETED)
                nudged.cancel()
                self._more.clear()
        finally:
            stopping.cancel()

    async def drain(self) -> int:
        """Sends everything that is due now and gives how many texts were tried."""
        if not await asyncio.to_thread(self._due):
            return 0
        counts = await asyncio.gather(*(self._lane() for _ in range(AT_ONCE)))
        return sum(counts)

    async def _lane(self) -> int:
        tried = 0
        while (outgoing := await asyncio.to_thread(self._lease)) is not None:
            tried += 1
            await self._send(outgoing)
        return tried

    async def _send(self, outgoing: Outgoing) -> None:
        try:
            provider_id = await self._earlier(outgoing) if outgoing.uncertain else None
            if provider_id is None:
                provider_id = await self._sender.send(outgoing)
        except SendFailed as failed:
            log.warning("outbox.unsent", outbox=outgoing.id, code=failed.code, status=failed.status)
            await asyncio.to_thread(self._failed, outgoing.id, failed)
        except Exception as error:
            # A sender that breaks has given no answer: the text is tried again, after a look whether it went out.
            log.error("outbox.sender_broke", outbox=outgoing.id, error=repr(error))
            await asyncio.to_thread(self._failed, outgoing.id, SendFailed())
        else:
            await asyncio.to_thread(self._sent, outgoing.id, provider_id)

    async def _earlier(self, outgoing: Outgoing) -> str | None:
        try:
            return await self._sender.find(outgoing)
        except SendFailed:
            # An emergency text twice is better than none; another text waits until it can be told.
            if outgoing.emergency:
                return None
            raise

    def _due(self) -> bool:
        with reading(self._sessions) as session:
            return service.any_due(session, now=clock.now())

    def _lease(self) -> Outgoing | None:
        with self._sessions.begin() as session:
            return service.lease_next(session, keys=self._keys, now=clock.now())

    def _sent(self, row_id: int, provider_id: str) -> None:
        with self._sessions.begin() as session:
            service.mark_sent(session, row_id=row_id, provider_id=provider_id, now=clock.now())

    def _failed(self, row_id: int, failed: SendFailed) -> None:
        with self._sessions.begin() as session:
            service.mark_failed(session, row_id=row_id, code=failed.code, status=failed.status, now=clock.now())

    def _sweep(self) -> None:
        with self._sessions.begin() as session:
            service.sweep(session, now=clock.now())
