"""Answers what was taken in and never answered, because a process died between the two."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.triage.decision import Level
from bot.triage.engine import Context
from server import clock
from server.alerts.service import raise_alert
from server.conversations import ledger
from server.conversations.models import Claim
from server.conversations.spine import Spine
from server.conversations.turn import Channel, Inbound
from server.errors import NotReady
from server.metrics import STEP

log = structlog.get_logger()

EVERY: Final = 30.0
TOO_OLD: Final = timedelta(minutes=30)
"""After this long an answer would puzzle more than help: staff are told instead."""
_AT_ONCE: Final = 50


async def run(spine: Spine, stop: asyncio.Event) -> None:
    """Recovers at once and then every half minute until `stop` is set."""
    while not stop.is_set():
        try:
            await recover(spine)
            STEP.labels(part="recovery").set(0)
        except SQLAlchemyError as error:
            log.error("recovery.database", error=repr(error))
            STEP.labels(part="recovery").set(1)
        try:
            async with asyncio.timeout(EVERY):
                await stop.wait()
        except TimeoutError:
            continue


async def recover(spine: Spine) -> int:
    """Answers every message whose lease ran out, through the same spine; the outbox delivers. Gives how many were taken up.

    A call is over by then, so its turn only raises an alert, a critical one when it spoke of an emergency."""
    taken = await asyncio.to_thread(_take, spine)
    for inbound, received_at in taken:
        if inbound.channel is not Channel.IVR and clock.now() - received_at <= TOO_OLD:
            await spine.handle(inbound, inline=False)
        else:
            await asyncio.to_thread(_tell, spine, inbound)
    return len(taken)


def _take(spine: Spine) -> list[tuple[Inbound, datetime]]:
    now = clock.now()
    taken: list[tuple[Inbound, datetime]] = []
    with spine.sessions.begin() as session:
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
                taken.append((ledger.open_claim(row, keys=spine.keys), row.received_at))
            except (NotReady, ValueError, TypeError) as error:
                log.error("recovery.unreadable", error=repr(error))
                _give_to_staff(session, row, kind="unreadable_message", hard=True)
    return taken


def _tell(spine: Spine, inbound: Inbound) -> None:
    context = Context(channel=inbound.channel.value, keys=inbound.kind == "keys")
    hard = spine.triage.assess(inbound.text, context=context).level in (Level.HARD, Level.CRISIS)
    with spine.sessions.begin() as session:
        row = session.get(Claim, inbound.claim, with_for_update=True)
        if row is not None and row.state == "received":
            _give_to_staff(session, row, kind="call_interrupted" if inbound.channel is Channel.IVR else "unanswered", hard=hard)


def _give_to_staff(session: Session, row: Claim, *, kind: str, hard: bool) -> None:
    row.state = "recovered"
    raise_alert(session, kind=kind, severity="critical" if hard else "warning", conversation_id=row.conversation_id)
