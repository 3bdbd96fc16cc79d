"""Keeps their desk told: looks each second what is new, sends it, and asks now and then whether they are there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from desk.external import collecting, sending
from desk.external.port import NotDelivered, OutsideDesk, Parcel, Receipt, Trouble
from desk.external.seats import keep
from server import clock
from server.database.engine import Sessions, reading
from server.http.deps import ChannelDeps
from server.metrics import STEP

log = structlog.get_logger()

EVERY: Final = 1.0
PROBE_EVERY: Final = timedelta(seconds=25)
"""Well below the time after which an agent who is not heard of counts as gone."""
AT_ONCE: Final = 4
LONGEST_PAUSE: Final = 30
_FORGET_EVERY: Final = timedelta(hours=1)


class OutsideWorker:
    """Sends to their desk. Any number of processes may. It never holds up a turn, and while their desk is down it tries with one
    parcel at a time."""

    def __init__(self, deps: ChannelDeps, desk: OutsideDesk) -> None:
        self._sessions: Sessions = deps.sessions
        self._desk = desk
        self._failures = 0
        self._not_before = self._asked = self._forgot = clock.now() - _FORGET_EVERY

    def benefit_of_the_doubt(self) -> None:
        """Takes their agents for present when this process begins, as nobody could hear of them while it was down."""
        with self._sessions.begin() as session:
            keep(session)

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set. Whatever fails is tried again in the next round."""
        while not stop.is_set():
            try:
                await self.once()
                STEP.labels(part="outside_desk").set(int(self._failures > 0))
            except Exception as error:
                # Nothing is lost by going on: what they have not been told is found again in the next round.
                log.error("outside_desk.round_failed", error=repr(error))
                STEP.labels(part="outside_desk").set(1)
            try:
                async with asyncio.timeout(EVERY):
                    await stop.wait()
            except TimeoutError:
                continue
        await self._desk.close()

    async def once(self) -> int:
        """One round; gives how many parcels were tried."""
        await asyncio.to_thread(self.collect)
        if clock.now() < self._not_before:
            return 0
        tried = 0
        if await asyncio.to_thread(self._any_due):
            tried = await self._send_one()
            if tried and not self._failures:
                tried += sum(await asyncio.gather(*(self._lane() for _ in range(AT_ONCE))))
        if not tried and clock.now() - self._asked >= PROBE_EVERY:
            await self._probe()
        return tried

    def collect(self) -> None:
        """Puts everything on its way that their desk has not been told."""
        with reading(self._sessions) as session:
            found = collecting.look(session)
        for handoff_id in found.handoffs:
            self._quietly(partial(collecting.open_thread, handoff_id=handoff_id))
        for thread_id in found.threads:
            self._quietly(partial(collecting.follow, thread_id=thread_id))
        if clock.now() - self._forgot >= _FORGET_EVERY:
            self._forgot = clock.now()
            with self._sessions.begin() as session:
                sending.forget(session, now=self._forgot)

    def _quietly(self, act: Callable[[Session], object]) -> None:
        try:
            with self._sessions.begin() as session:
                act(session)
        except IntegrityError:
            # Another process did the same just now, and was first.
            return

    async def _lane(self) -> int:
        tried = 0
        while not self._failures and (sent := await self._send_one()):
            tried += sent
        return tried

    async def _send_one(self) -> int:
        leased = await asyncio.to_thread(self._lease)
        if leased is None:
            return 0
        parcel_id, parcel = leased
        try:
            receipt = await self._desk.deliver(parcel)
        except NotDelivered as failed:
            log.warning("outside_desk.unsent", parcel=parcel.id, trouble=failed.trouble.value, what=failed.what)
            await asyncio.to_thread(self._failed, parcel_id, failed)
        except Exception as error:
            # An adapter that breaks has given no answer: the parcel is tried again, after a look what they have.
            log.error("outside_desk.adapter_broke", parcel=parcel.id, error=repr(error))
            await asyncio.to_thread(self._failed, parcel_id, NotDelivered(Trouble.PASSING, type(error).__name__))
        else:
            await asyncio.to_thread(self._sent, parcel_id, receipt)
        return 1

    async def _probe(self) -> None:
        self._asked = clock.now()
        try:
            await self._desk.probe()
        except NotDelivered as failed:
            await asyncio.to_thread(self._health, failed)
        else:
            await asyncio.to_thread(self._health, None)

    def _any_due(self) -> bool:
        with reading(self._sessions) as session:
            return sending.any_due(session, now=clock.now())

    def _lease(self) -> tuple[int, Parcel] | None:
        with self._sessions.begin() as session:
            return sending.lease_next(session, now=clock.now())

    def _sent(self, parcel_id: int, receipt: Receipt) -> None:
        with self._sessions.begin() as session:
            sending.mark_sent(session, parcel_id=parcel_id, receipt=receipt, now=clock.now())
        self._health(None)

    def _failed(self, parcel_id: int, failed: NotDelivered) -> None:
        with self._sessions.begin() as session:
            sending.mark_failed(session, parcel_id=parcel_id, failed=failed, now=clock.now())
        self._health(failed)

    def _health(self, failed: NotDelivered | None) -> None:
        now = self._asked = clock.now()
        if failed is None or failed.trouble is Trouble.REFUSED:
            self._failures = 0
        else:
            self._failures += 1
            self._not_before = now + timedelta(seconds=min(2 ** min(self._failures - 1, 6), LONGEST_PAUSE))
        self._quietly(partial(sending.note_health, kind=self._desk.kind, failed=failed, now=now))
