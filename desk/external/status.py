"""What our own board says about the city's own desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from desk.external.models import OutsideHealth, OutsideThread
from desk.external.states import Thread
from desk.models import Handoff
from desk.states import WAITING
from server import clock

RECENT: Final = timedelta(minutes=5)
"""An older look is that of a desk which is no longer set up."""


@dataclass(frozen=True)
class Down:
    """That their desk does not answer, since when, why, and how many wait here because of it."""

    since: datetime
    error: str
    waiting: int


def down(session: Session) -> Down | None:
    """Nothing while their desk answers, or when there is none."""
    row = session.scalar(
        select(OutsideHealth).where(OutsideHealth.failing_since.is_not(None), OutsideHealth.looked_at > clock.now() - RECENT)
    )
    if row is None or row.failing_since is None:
        return None
    unsent = select(func.count()).where(OutsideThread.handoff_id == Handoff.id, Handoff.state.in_(WAITING))
    waiting = session.scalar(unsent.where(OutsideThread.state == Thread.NEW.value)) or 0
    return Down(row.failing_since, row.error or "", waiting)


def at_their_desk(session: Session) -> frozenset[int]:
    """The handoffs that their agents see, too."""
    return frozenset(session.scalars(select(OutsideThread.handoff_id).where(OutsideThread.state == Thread.OPEN.value)))
