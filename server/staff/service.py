"""Staff accounts: made by `serve` or `users add`, signed in with a password, seen by a session cookie."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from server import clock
from server.audit.service import record
from server.database.engine import Sessions, reading
from server.errors import BadInput, Forbidden, NotFound
from server.identity.keys import Keys
from server.staff.browsers import standing
from server.staff.models import StaffSession, StaffUser
from server.staff.passwords import hash_password, matches, one_time_password
from server.staff.second_factor import accepts, remove
from server.staff.tries import forget, note_failure, wait_after, waits
from server.staff.visitors import Source, Visitor

ROLES: Final = ("viewer", "author", "approver", "agent", "supervisor", "administrator")
MIN_PASSWORD: Final = 12
_MOST_TRIES: Final = 10
"""After so many wrong proofs a session ends: it is not its owner who is trying."""
HALF_LASTS: Final = timedelta(minutes=5)
"""So long a right password waits for its code."""
_IDLE: Final = timedelta(hours=2)
FRESH: Final = timedelta(minutes=30)
"""So long after proving who they are a person may do what takes a fresh proof."""
_WRONG: Final = "The name or the password is wrong, or there were too many tries. Wait a minute and try again."


def add_user(session: Session, *, name: str, role: str, actor: str, password: str | None = None) -> tuple[StaffUser, str]:
    """Makes an account and gives the password that its owner signs in with the first time. Raises `BadInput`."""
    name = name.strip().lower()
    if not name or len(name) > 64:
        raise BadInput("A name has 1 to 64 characters.")
    if ":" in name:
        raise BadInput("A name has no colon; such names stand for agents of other desks.")
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
    user.password_hash, user.one_time = hash_password(first), True
    forget(session, user=user)
    session.execute(delete(StaffSession).where(StaffSession.user_id == user.id))
    if user.totp_secret is not None:
        remove(session, user=user, actor=actor)
    record(session, actor=actor, action="staff.reset", subject=user.name)
    return first


def count_users(session: Session) -> int:
    """How many accounts can sign in."""
    return session.scalar(select(func.count()).select_from(StaffUser).where(StaffUser.disabled.is_(False))) or 0


@dataclass(frozen=True)
class SignedIn:
    """A session that was opened: its token, and whether it waits for the code of the second factor."""

    token: str
    half: bool


@dataclass(frozen=True)
class Checked:
    """A password that was compared, and the stored hash that it was compared with."""

    stored: str | None
    right: bool

    def fits(self, user: StaffUser) -> bool:
        """True when the password is right and is still the one of the account."""
        return self.right and user.password_hash == self.stored


def check(sessions: Sessions, *, password: str, name: str | None = None, user_id: int | None = None) -> Checked:
    """Compares a password with the account of a name or an id. It takes long on purpose, and is therefore done in no transaction:
    on SQLite a turn of a resident would wait for it."""
    which = StaffUser.id == user_id if name is None else StaffUser.name == name.strip().lower()
    with reading(sessions) as session:
        stored = session.scalar(select(StaffUser.password_hash).where(which))
    return Checked(stored, matches(stored, password))


def sign_in(session: Session, *, name: str, checked: Checked, hours: int, visitor: Visitor, device: str = "") -> SignedIn | None:
    """Opens a session for a password that was checked, or nothing when the sign-in failed.

    After five failures from one place each further one makes that place wait for longer, up to fifteen minutes (`tries`). The
    caller commits either way, so that failures count."""
    now = clock.now()
    user = session.scalar(select(StaffUser).where(StaffUser.name == name.strip().lower()).with_for_update())
    if user is None or user.disabled:
        return None
    source = standing(session, user=user, visitor=visitor)
    if waits(session, user=user, source=source):
        return None
    if not checked.fits(user):
        _failed(session, user, source)
        return None
    half = user.totp_secret is not None
    if not half:
        forget(session, user=user, source=source)
        record(session, actor=user.name, action="staff.signed_in", subject=user.name)
    lasts = HALF_LASTS if half else timedelta(hours=hours)
    return SignedIn(open_session(session, user=user, expires_at=now + lasts, device=device, half=half), half)


def finish_sign_in(session: Session, *, token: str, code: str, keys: Keys, hours: int, visitor: Visitor) -> str | None:
    """The second half of a sign-in: gives the token of the whole session when the code is right. The caller commits either way."""
    row = session.get(StaffSession, session_hash(token))
    if row is None or not row.half or row.expires_at <= clock.now():
        return None
    user = session.get_one(StaffUser, row.user_id, with_for_update=True)
    source = standing(session, user=user, visitor=visitor)
    if user.disabled or waits(session, user=user, source=source):
        return None
    if not accepts(session, user=user, code=code, keys=keys):
        _failed(session, user, source)
        return None
    forget(session, user=user, source=source)
    session.delete(row)
    record(session, actor=user.name, action="staff.signed_in", subject=user.name, detail={"second_factor": True})
    return open_session(session, user=user, expires_at=clock.now() + timedelta(hours=hours), device=row.device, half=False)


def prove(session: Session, *, token: str, secret: str, checked: Checked, keys: Keys) -> bool:
    """Notes that the person of a session proved anew who they are, by their password or a code. The caller commits either way.

    Wrong proofs lock this session alone, and end it in the end: who tries names at the sign-in keeps nobody from publishing."""
    row = session.get(StaffSession, session_hash(token), with_for_update=True)
    if row is None or row.half or (row.locked_until is not None and row.locked_until > clock.now()):
        return False
    user = session.get_one(StaffUser, row.user_id, with_for_update=True)
    if user.disabled:
        return False
    if not (checked.fits(user) or accepts(session, user=user, code=secret, keys=keys)):
        _wrong_proof(session, row, user)
        return False
    row.tries, row.locked_until, row.proved_at = 0, None, clock.now()
    record(session, actor=user.name, action="staff.proved", subject=user.name)
    return True


def _wrong_proof(session: Session, row: StaffSession, user: StaffUser) -> None:
    row.tries += 1
    row.locked_until = clock.now() + wait_after(row.tries)
    record(session, actor=user.name, action="staff.proof_failed", subject=user.name, detail={"tries": row.tries})
    if row.tries >= _MOST_TRIES:
        session.delete(row)


def _failed(session: Session, user: StaffUser, source: Source) -> None:
    note_failure(session, user=user, source=source)
    record(session, actor=user.name, action="staff.sign_in_failed", subject=user.name, detail={"known_browser": source.known})


def open_session(session: Session, *, user: StaffUser, expires_at: datetime, device: str, half: bool, vouched: bool = False) -> str:
    """Opens a session and gives its token; `vouched` when the identity provider asked for a second factor of its own."""
    token, now = secrets.token_urlsafe(32), clock.now()
    session.add(
        StaffSession(
            token_hash=session_hash(token),
            user_id=user.id,
            created_at=now,
            expires_at=expires_at,
            last_seen_at=now,
            proved_at=now,
            half=half,
            vouched=vouched,
            device=device[:120],
        )
    )
    return token


def refuse() -> Forbidden:
    """The one answer to every failed sign-in, whatever was wrong."""
    return Forbidden(_WRONG)


def who_is(session: Session, *, token: str | None) -> StaffUser | None:
    """The person behind a session cookie, or nothing when it is unknown, too old, or was left alone too long."""
    if not token:
        return None
    row = session.get(StaffSession, session_hash(token))
    now = clock.now()
    if row is None or row.half or row.expires_at <= now or now - row.last_seen_at > _IDLE:
        return None
    user = session.get_one(StaffUser, row.user_id)
    if user.disabled:
        return None
    if now - row.last_seen_at > timedelta(minutes=1):
        row.last_seen_at = now
    return user


def proved_lately(session: Session, *, token: str | None) -> bool:
    """True when the person of this session proved who they are a short while ago, as publishing asks for."""
    row = session.get(StaffSession, session_hash(token)) if token else None
    return row is not None and clock.now() - row.proved_at <= FRESH


def vouched(session: Session, *, token: str | None) -> bool:
    """True when this session began with a second factor at the identity provider."""
    row = session.get(StaffSession, session_hash(token)) if token else None
    return row is not None and row.vouched


def sign_out(session: Session, *, token: str) -> None:
    """Ends a session."""
    session.execute(delete(StaffSession).where(StaffSession.token_hash == session_hash(token)))


def change_password(session: Session, *, user_id: int, new: str) -> None:
    """Sets a password of the person's own; a one-time one is used up by it. Raises `BadInput` when it is too short or the old."""
    user = session.get_one(StaffUser, user_id)
    if len(new) < MIN_PASSWORD:
        raise BadInput(f"A password has at least {MIN_PASSWORD} characters.", words="staff.password_short")
    if matches(user.password_hash, new):
        raise BadInput("This is the password you have now.", words="staff.password_same")
    user.password_hash, user.one_time = hash_password(new), False
    record(session, actor=user.name, action="staff.password_changed", subject=user.name)


def session_hash(token: str) -> str:
    """What is kept of a session's token."""
    return hashlib.sha256(token.encode()).hexdigest()
