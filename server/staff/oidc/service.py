"""Whose account an identity of the provider is, and what it opens. No account is made by signing in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import clock
from server.audit.service import record
from server.errors import BadInput, Conflict
from server.staff.browsers import standing
from server.staff.models import StaffIdentity, StaffSession, StaffUser
from server.staff.oidc.flow import Visit, use_up
from server.staff.oidc.provider import LEEWAY, Identity, NotVouched, plain_email
from server.staff.people import find
from server.staff.service import HALF_LASTS, SignedIn, open_session
from server.staff.tries import forget
from server.staff.visitors import Visitor

PROVIDER: Final = "identity provider"
"""The actor of an act whose person is not known."""


@dataclass(frozen=True)
class Refused:
    """Why an identity opens nothing; the person reads one and the same sentence."""

    why: str


def admit(session: Session, *, visit: Visit, identity: Identity, hours: int, visitor: Visitor, device: str) -> SignedIn | Refused:
    """Opens a session for an identity: a half one, which waits for our own code, when the account has a second factor and the
    provider asked for none. The caller commits either way."""
    user = _owner(session, identity, visit)
    if isinstance(user, Refused):
        return user
    bound = _bind(session, user, identity)
    half = user.totp_secret is not None and not identity.two_factors
    if not half:
        forget(session, user=user, source=standing(session, user=user, visitor=visitor))
    if bound:
        told = {"provider": identity.issuer, "subject": identity.subject}
        record(session, actor=user.name, action="staff.identity_bound", subject=user.name, detail=told)
    if not half:
        detail = {"provider": identity.issuer, "second_factor": identity.two_factors}
        record(session, actor=user.name, action="staff.signed_in", subject=user.name, detail=detail)
    lasts = HALF_LASTS if half else timedelta(hours=hours)
    token = open_session(
        session,
        user=user,
        expires_at=clock.now() + lasts,
        device=device,
        half=half,
        vouched=identity.two_factors,
    )
    return SignedIn(token, half)


def prove_anew(session: Session, *, visit: Visit, identity: Identity, token_hash: str) -> bool:
    """Notes that the person of a session proved at the provider who they are, after they were sent there for it. The caller commits
    either way."""
    row = session.get(StaffSession, token_hash, with_for_update=True)
    if row is None or row.half or row.expires_at <= clock.now():
        return False
    user = _owner(session, identity, visit)
    if isinstance(user, Refused):
        return False
    if user.id != row.user_id:
        _refuse(session, user.name, "another person")
        return False
    if session.get(StaffIdentity, user.id) is None:
        _refuse(session, user.name, "not bound yet")
        return False
    if identity.proved_at is None or identity.proved_at < visit.begun_at - timedelta(seconds=LEEWAY):
        _refuse(session, user.name, "no fresh proof")
        return False
    row.tries, row.locked_until, row.proved_at = 0, None, clock.now()
    record(session, actor=user.name, action="staff.proved", subject=user.name, detail={"provider": identity.issuer})
    return True


def note_refused(session: Session, refused: NotVouched) -> None:
    """Puts down a token that did not hold."""
    _refuse(session, PROVIDER, refused.why)


def set_email(session: Session, *, name: str, typed: str, actor: str) -> None:
    """Sets the e-mail address that an account is known by at the provider, or takes it away. The identity that the account was
    bound to is let go, so that the next sign-in binds it anew. Raises `BadInput` and `Conflict`."""
    user = find(session, name=name)
    email = plain_email(typed)
    if typed.strip() and email is None:
        raise BadInput("This is no e-mail address.", words="oidc.bad_email")
    if email is not None:
        taken = session.scalar(select(StaffUser.id).where(StaffUser.email == email, StaffUser.id != user.id))
        if taken is not None:
            raise Conflict("Another account has this address.", words="oidc.taken")
    user.email = email
    bound = session.get(StaffIdentity, user.id)
    if bound is not None:
        session.delete(bound)
    detail = {"set": email is not None, "let_go": bound is not None}
    record(session, actor=actor, action="staff.email", subject=user.name, detail=detail)


def bound_to(session: Session, *, user_id: int) -> StaffIdentity | None:
    """The identity that an account is bound to."""
    return session.get(StaffIdentity, user_id)


def _owner(session: Session, identity: Identity, visit: Visit) -> StaffUser | Refused:
    """The active account of an identity, bound to it or free to be."""
    user = None
    if identity.email is not None:
        user = session.scalar(select(StaffUser).where(StaffUser.email == identity.email).with_for_update())
    named = PROVIDER if user is None else user.name
    if not use_up(session, visit):
        return _refuse(session, named, "used before")
    if identity.email is None:
        return _refuse(session, named, "no verified e-mail address", subject=identity.subject)
    if user is None:
        return _refuse(session, named, "no account", subject=identity.subject)
    if user.disabled:
        return _refuse(session, named, "switched off")
    bound = session.get(StaffIdentity, user.id)
    if bound is not None:
        same = (bound.issuer, bound.subject) == (identity.issuer, identity.subject)
        return user if same else _refuse(session, named, "another subject", subject=identity.subject)
    s = StaffIdentity
    if session.scalar(select(s.user_id).where(s.issuer == identity.issuer, s.subject == identity.subject)):
        return _refuse(session, named, "bound to another account", subject=identity.subject)
    return user


def _bind(session: Session, user: StaffUser, identity: Identity) -> bool:
    """Binds an account to the identity at its first use; false when it is bound already."""
    if session.get(StaffIdentity, user.id) is not None:
        return False
    session.add(StaffIdentity(user_id=user.id, issuer=identity.issuer, subject=identity.subject, bound_at=clock.now()))
    session.flush()
    return True


def _refuse(session: Session, name: str, why: str, **detail: Any) -> Refused:
    record(session, actor=PROVIDER, action="staff.identity_refused", subject=name, detail={"why": why, **detail})
    return Refused(why)
