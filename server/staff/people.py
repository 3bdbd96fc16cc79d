"""Changing accounts: roles, the offices they may write for, switching off, ending sessions. Each change is audited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from server import clock
from server.audit.service import record
from server.errors import BadInput, Conflict, NotFound
from server.staff.models import StaffSession, StaffUser
from server.staff.service import ROLES
from server.staff.tries import forget


@dataclass(frozen=True)
class Person:
    """An account as the list shows it."""

    user: StaffUser
    sessions: int
    last_seen: datetime | None


def people(session: Session) -> list[Person]:
    """Every account by name, with its open sessions."""
    now = clock.now()
    rows = session.execute(
        select(StaffUser, func.count(StaffSession.token_hash), func.max(StaffSession.last_seen_at))
        .outerjoin(
            StaffSession,
            (StaffSession.user_id == StaffUser.id) & (StaffSession.expires_at > now) & StaffSession.half.is_(False),
        )
        .group_by(StaffUser.id)
        .order_by(StaffUser.disabled, StaffUser.name)
    )
    return [Person(user, count, seen) for user, count, seen in rows]


def find(session: Session, *, name: str) -> StaffUser:
    """The account of a name, locked for a change. Raises `NotFound`."""
    user = session.scalar(select(StaffUser).where(StaffUser.name == name.strip().lower()).with_for_update())
    if user is None:
        raise NotFound("There is no such account.", words="people.no_account")
    return user


def change_role(session: Session, *, name: str, role: str, owners: Iterable[str], actor: str) -> StaffUser:
    """Gives an account another role, and the offices whose words and facts it may change; none means all.

    Raises `BadInput` for a role that there is not, `Conflict` when no administrator would be left."""
    if role not in ROLES:
        raise BadInput("There is no such role.", words="people.no_role")
    user = find(session, name=name)
    if user.role == "administrator" and role != "administrator":
        _another_administrator(session, user)
    before = {"role": user.role, "owners": list(user.owners)}
    user.role, user.owners = role, sorted(set(owners))
    detail = {"before": before, "after": {"role": user.role, "owners": list(user.owners)}}
    record(session, actor=actor, action="staff.changed", subject=user.name, detail=detail)
    return user


def switch(session: Session, *, name: str, on: bool, actor: str) -> StaffUser:
    """Switches an account off, which ends its sessions at once, or on again. Raises `Conflict` for the last administrator."""
    user = find(session, name=name)
    if not on:
        if user.role == "administrator":
            _another_administrator(session, user)
        session.execute(delete(StaffSession).where(StaffSession.user_id == user.id))
    user.disabled = not on
    forget(session, user=user)
    record(session, actor=actor, action="staff.switched_on" if on else "staff.switched_off", subject=user.name)
    return user


def open_sessions(session: Session, *, user_id: int) -> list[StaffSession]:
    """The sessions of a person, the latest seen first."""
    return list(
        session.scalars(
            select(StaffSession)
            .where(StaffSession.user_id == user_id, StaffSession.expires_at > clock.now(), StaffSession.half.is_(False))
            .order_by(StaffSession.last_seen_at.desc())
        )
    )


def end_sessions(session: Session, *, user: StaffUser, actor: str, keep: str | None = None, only: str | None = None) -> int:
    """Ends the sessions of a person: all, all but `keep`, or `only` one, by their token hashes. Gives how many ended."""
    ending = delete(StaffSession).where(StaffSession.user_id == user.id)
    if keep is not None:
        ending = ending.where(StaffSession.token_hash != keep)
    if only is not None:
        ending = ending.where(StaffSession.token_hash == only)
    ended = len(session.scalars(ending.returning(StaffSession.token_hash)).all())
    record(session, actor=actor, action="staff.sessions_ended", subject=user.name, detail={"sessions": ended})
    return ended


def _another_administrator(session: Session, user: StaffUser) -> None:
    # Every administrator is locked, so that two of them cannot take each other's place away at once.
    standing = session.scalars(
        select(StaffUser.id)
        .where(StaffUser.role == "administrator", StaffUser.disabled.is_(False))
        .order_by(StaffUser.id)
        .with_for_update()
    ).all()
    if not set(standing) - {user.id}:
        raise Conflict("This is the last administrator. Make another one first.", words="people.last_administrator")
