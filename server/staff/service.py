"""Staff accounts: made by `serve` or `users add`, signed in with a password, seen by a session cookie."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from server import clock
from server.audit.service import record
from server.errors import BadInput, Forbidden, NotFound
from server.staff.models import StaffSession, StaffUser
from server.staff.passwords import hash_password, matches, one_time_password

ROLES: Final = ("viewer", "author", "approver", "agent", "supervisor", "administrator")
MIN_PASSWORD: Final = 12
_FREE_FAILURES: Final = 5
_IDLE: Final = timedelta(hours=2)
FRESH: Final = timedelta(minutes=30)
"""So long after proving who they are a person may do what takes a fresh proof."""
_WRONG: Final = "The name or the password is wrong, or there were too many tries. Wait a minute and try again."


def add_user(session: Session, *, name: str, role: str, actor: str, password: str | None = None) -> tuple[StaffUser, str]:
    """Makes an account and gives the password that its owner signs in with the first time. Raises `BadInput`."""
    name = name.strip().lower()
    if not name or len(name) > 64:
        raise BadInput("A name has 1 to 64 characters.")
    if role not in ROLES:
        raise BadInput(f"The role must be one of: {', '.join(ROLES)}.")
    if session.scalar(select(StaffUser.id).where(StaffUser.name == name)) is not None:
        raise BadInput(f"There is an account named {name} already.")
    first = password or one_time_password()
    user = StaffUser(name=name, role=role, password_hash=hash_password(first), one_time=password is None, created_at=clock.now())
    session.add(user)
    session.flush()
    record(session, actor=actor, action="staff.added", subject=name, detail={"role": role})
    return user, first


def reset_user(session: Session, *, name: str, actor: str) -> str:
    """Gives an account a new one-time password and ends its sessions. Raises `NotFound`."""
    user = session.scalar(select(StaffUser).where(StaffUser.name == name.strip().lower()))
    if user is None:
        raise NotFound(f"There is no account named {name}.")
    first = one_time_password()
    user.password_hash, user.one_time, user.failures, user.locked_until = hash_password(first), True, 0, None
    session.execute(delete(StaffSession).where(StaffSession.user_id == user.id))
    record(session, actor=actor, action="staff.reset", subject=user.name)
    return first


def count_users(session: Session) -> int:
    """How many accounts can sign in."""
    return session.scalar(select(func.count()).select_from(StaffUser).where(StaffUser.disabled.is_(False))) or 0


def sign_in(session: Session, *, name: str, password: str, hours: int) -> str | None:
    """Checks a password and opens a session; gives its token, or nothing when the sign-in failed.

    After five failures each further one locks the account for longer, up to fifteen minutes. The caller commits either way,
    so that failures count."""
    now = clock.now()
    user = session.scalar(select(StaffUser).where(StaffUser.name == name.strip().lower()))
    right = matches(user.password_hash if user else None, password)
    if user is None or user.disabled or (user.locked_until is not None and user.locked_until > now):
        return None
    if not right:
        user.failures += 1
        if user.failures >= _FREE_FAILURES:
            user.locked_until = now + timedelta(seconds=min(900, 30 * 2 ** (user.failures - _FREE_FAILURES)))
        record(session, actor=user.name, action="staff.sign_in_failed", subject=user.name)
        return None
    user.failures, user.locked_until = 0, None
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSession(
            token_hash=_hash(token),
            user_id=user.id,
            created_at=now,
            expires_at=now + timedelta(hours=hours),
            last_seen_at=now,
            proved_at=now,
        )
    )
    record(session, actor=user.name, action="staff.signed_in", subject=user.name)
    return token


def refuse() -> Forbidden:
    """The one answer to every failed sign-in, whatever was wrong."""
    return Forbidden(_WRONG)


def who_is(session: Session, *, token: str | None) -> StaffUser | None:
    """The person behind a session cookie, or nothing when it is unknown, too old, or was left alone too long."""
    if not token:
        return None
    row = session.get(StaffSession, _hash(token))
    now = clock.now()
    if row is None or row.expires_at <= now or now - row.last_seen_at > _IDLE:
        return None
    user = session.get_one(StaffUser, row.user_id)
    if user.disabled:
        return None
    if now - row.last_seen_at > timedelta(minutes=1):
        row.last_seen_at = now
    return user


def proved_lately(session: Session, *, token: str | None) -> bool:
    """True when the person of this session proved who they are a short while ago, as publishing asks for."""
    row = session.get(StaffSession, _hash(token)) if token else None
    return row is not None and clock.now() - row.proved_at <= FRESH


def sign_out(session: Session, *, token: str) -> None:
    """Ends a session."""
    session.execute(delete(StaffSession).where(StaffSession.token_hash == _hash(token)))


def change_password(session: Session, *, user_id: int, new: str) -> None:
    """Sets a password of the person's own; a one-time one is used up by it. Raises `BadInput` when it is too short or the old."""
    user = session.get_one(StaffUser, user_id)
    if len(new) < MIN_PASSWORD:
        raise BadInput(f"A password has at least {MIN_PASSWORD} characters.")
    if matches(user.password_hash, new):
        raise BadInput("This is the password you have now.")
    user.password_hash, user.one_time = hash_password(new), False
    record(session, actor=user.name, action="staff.password_changed", subject=user.name)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
