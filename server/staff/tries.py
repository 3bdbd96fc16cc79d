"""How often a sign-in may fail: counted for each account by where the failures come from, and for all strangers together.

Whoever guesses waits, and keeps waiting only where they guess from: another address is free, and a browser that the person signed
in with before (`visitors`) is not touched by what strangers do."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from server import clock
from server.staff.models import StaffFailure, StaffUser
from server.staff.visitors import Source

FREE: Final = 5
"""So many failures in a row cost no wait."""
REMEMBERED: Final = timedelta(days=1)
STRANGERS: Final = 20
"""So many failures an hour all strangers together have at one account. One address alone does not come so far by its own waits."""
STRANGERS_WITHIN: Final = timedelta(hours=1)


def wait_after(failures: int) -> timedelta:
    """How long nothing is accepted after so many failures in a row: longer each time, up to a quarter of an hour."""
    over = failures - FREE
    return timedelta(seconds=min(900, 30 * 2 ** min(over, 5)) if over >= 0 else 0)


def waits(session: Session, *, user: StaffUser, source: Source) -> bool:
    """True while nothing is accepted for an account from where the visitor is."""
    f, now = StaffFailure, clock.now()
    own = (f.user_id == user.id, f.source == source.key, f.at > now - REMEMBERED)
    count, last = session.execute(select(func.count(), func.max(f.at)).where(*own)).one()
    if last is not None and now < last + wait_after(count):
        return True
    if source.known:
        return False
    strangers = select(func.count()).where(f.user_id == user.id, f.known.is_(False), f.at > now - STRANGERS_WITHIN)
    return (session.scalar(strangers) or 0) >= STRANGERS


def note_failure(session: Session, *, user: StaffUser, source: Source) -> None:
    """Counts a failure, and forgets those that are over."""
    now = clock.now()
    session.execute(delete(StaffFailure).where(StaffFailure.at <= now - REMEMBERED))
    session.add(StaffFailure(user_id=user.id, source=source.key, known=source.known, at=now))


def forget(session: Session, *, user: StaffUser, source: Source | None = None) -> None:
    """Counts anew: from one place after a sign-in, from everywhere after a reset."""
    mine = StaffFailure.user_id == user.id
    session.execute(delete(StaffFailure).where(mine, *([] if source is None else [StaffFailure.source == source.key])))
