"""The browsers that a person signed in with: listed, so that one that was lost can be forgotten by itself."""

from __future__ import annotations

import hashlib
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from server import clock
from server.audit.service import record
from server.errors import NotFound
from server.staff.models import KnownBrowser, StaffSession, StaffUser
from server.staff.visitors import LASTS, Source, Visitor

_KEY: Final = "browser:"


def note_browser(session: Session, *, user: StaffUser, browser: str, device: str) -> str:
    """Puts a browser down as known to an account, or as seen anew; gives the hash that is kept of it."""
    now, kept = clock.now(), _hash(browser)
    session.execute(delete(KnownBrowser).where(KnownBrowser.last_seen_at < now - LASTS))
    row = session.get(KnownBrowser, (kept, user.id), with_for_update=True)
    if row is None:
        row = KnownBrowser(browser_hash=kept, user_id=user.id, device=device[:120], known_since=now, last_seen_at=now)
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            # The same browser signed in twice at once.
            row = session.get_one(KnownBrowser, (kept, user.id))
    row.device, row.last_seen_at = device[:120], now
    return kept


def standing(session: Session, *, user: StaffUser, visitor: Visitor) -> Source:
    """What the failures of a visitor are counted by: a browser that was forgotten is a stranger's."""
    source = visitor.source(user.name)
    if source.known and session.get(KnownBrowser, (_hash(source.key.removeprefix(_KEY)), user.id)) is None:
        return visitor.stranger()
    return source


def browsers_of(session: Session, *, user_id: int) -> list[KnownBrowser]:
    """The browsers that are known to an account, the latest seen first."""
    b = KnownBrowser
    known = select(b).where(b.user_id == user_id, b.last_seen_at >= clock.now() - LASTS)
    return list(session.scalars(known.order_by(b.last_seen_at.desc())))


def forget_browser(session: Session, *, user: StaffUser, browser_hash: str, actor: str) -> None:
    """Forgets one browser of a person and ends the sessions in it. Raises `NotFound` when it is not known."""
    ending = delete(StaffSession).where(StaffSession.user_id == user.id, StaffSession.browser_hash == browser_hash)
    row = session.get(KnownBrowser, (browser_hash, user.id), with_for_update=True)
    if row is None:
        raise NotFound("This browser is not known any more.", words="browsers.gone")
    device = row.device
    session.delete(row)
    ended = len(session.scalars(ending.returning(StaffSession.token_hash)).all())
    detail = {"device": device, "sessions": ended}
    record(session, actor=actor, action="staff.browser_forgotten", subject=user.name, detail=detail)


def _hash(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()
