"""Answers what was taken in and never answered, because a process died between the two."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.triage.decision import Level
from bot.triage.engine import Context
from server import clock
from server.alerts.service import raise_alert
from server.conversations import ledger
from server.conversations.models import Claim
from server.conversations.turn import Channel, Inbound
from server.errors import NotReady
from server.http.deps import ChannelDeps
from server.metrics import STEP

log = structlog.get_logger()

EVERY: Final = 30.0
TOO_OLD: Final = timedelta(minutes=30)
"""After this long an answer would puzzle more than help: staff are told instead."""
_AT_ONCE: Final = 50


class Recovery:
    """Goes through the messages that were taken in and not answered, at start and every half minute."""

    def __init__(self, deps: ChannelDeps) -> None:
        self._spine = deps.spine

    async def run(self, stop: asyncio.Event) -> None:
        """Recovers until `stop` is set. Whatever fails is tried again in the next round."""
        while not stop.is_set():
            try:
                await self.once()
                STEP.labels(part="recovery").set(0)
            except Exception as error:
                # Nothing is lost by going on: the claims stay as they are and are taken up in the next round.
                log.error("recovery.failed", error=repr(error))
                STEP.labels(part="recovery").set(1)
            try:
                async with asyncio.timeout(EVERY):
                    await stop.wait()
            except TimeoutError:
                continue

    async def once(self) -> int:
        """Answers every message whose lease ran out, through the same spine; the outbox delivers. Gives how many were taken up.

        A call is over by then, so its turn only raises an alert, a critical one when it spoke of an emergency."""
        taken = await asyncio.to_thread(self._take)
        for inbound, received_at in taken:
            if inbound.channel is not Channel.IVR and clock.now() - received_at <= TOO_OLD:
                await self._spine.handle(inbound, inline=False)
            else:
                await asyncio.to_thread(self._tell, inbound)
        return len(taken)

    def _take(self) -> list[tuple[Inbound, datetime]]:
        now = clock.now()
        taken: list[tuple[Inbound, datetime]] = []
        with self._spine.sessions.begin() as session:
            rows = session.scalars(
                select(Claim)
                .where(Claim.state == "received", Claim.lease_until < now)
                .order_by(Claim.received_at)
                .limit(_AT_ONCE)
                .with_for_update(skip_locked=True)
            ).all()
            for row in rows:
                row.lease_until = now + ledger.LEASE
                try:
                    taken.append((ledger.open_claim(row, keys=self._spine.keys), row.received_at))
                except (NotReady, ValueError, TypeError) as error:
                    log.error("recovery.unreadable", error=repr(error))
                    _give_to_staff(session, row, kind="unreadable_message", hard=True)
        return taken

    def _tell(self, inbound: Inbound) -> None:
        context = Context(channel=inbound.channel.value, keys=inbound.kind == "keys")
        hard = self._spine.triage.assess(inbound.text, context=context).level in (Level.HARD, Level.CRISIS)
        with self._spine.sessions.begin() as session:
            row = session.get(Claim, inbound.claim, with_for_update=True)
            if row is not None and row.state == "received":
                kind = "call_interrupted" if inbound.channel is Channel.IVR else "unanswered"
                _give_to_staff(session, row, kind=kind, hard=hard)


def _give_to_staff(session: Session, row: Claim, *, kind: str, hard: bool) -> None:
    row.state = "recovered"
    raise_alert(session, kind=kind, severity="critical" if hard else "warning", conversation_id=row.conversation_id)
