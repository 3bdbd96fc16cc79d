"""The second factor: time-based codes (RFC 6238) from an app on the person's phone, and recovery codes on paper."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

import pyotp
import segno
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from server import clock
from server.audit.service import record
from server.errors import BadInput
from server.identity.keys import Keys
from server.staff.models import RecoveryCode, StaffUser

NEEDED_BY: Final = frozenset({"approver", "supervisor", "administrator"})
"""The roles that must have a second factor in live mode: whoever can put words before residents."""
CODES: Final = 10
_STEP: Final = 30
_DRIFT: Final = 1
"""Steps that a phone's clock may be off, either way."""
_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"


def new_secret() -> str:
    """A secret for an app, not yet anybody's."""
    return pyotp.random_base32()


def picture(secret: str, *, name: str, issuer: str) -> str:
    """The secret as a QR code that an app reads, as the address of an SVG picture."""
    return str(segno.make(address(secret, name=name, issuer=issuer), error="m").svg_data_uri(scale=5, border=3))


def address(secret: str, *, name: str, issuer: str) -> str:
    """The secret as an app reads it (https://github.com/google/google-authenticator/wiki/Key-Uri-Format)."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)


def enrol(session: Session, *, user_id: int, secret: str, code: str, keys: Keys) -> list[str]:
    """Sets the second factor once the app has shown that it knows the secret; gives the recovery codes, which are shown once.

    Raises `BadInput` when the code is not the one of the secret."""
    user = session.get_one(StaffUser, user_id, with_for_update=True)
    step = _step_of(secret, code, after=None)
    if step is None:
        raise BadInput("This code does not fit. Wait for the next one and try again.", words="account.code_wrong")
    user.totp_secret, user.totp_step = keys.seal(secret), step
    record(session, actor=user.name, action="staff.second_factor_set", subject=user.name)
    return _new_codes(session, user)


def accepts(session: Session, *, user: StaffUser, code: str, keys: Keys) -> bool:
    """True when the code is the person's: of their app and not used before, or a recovery code, which is used up by it."""
    if user.totp_secret is None:
        return False
    step = _step_of(keys.open(user.totp_secret), code, after=user.totp_step)
    if step is not None:
        # Two requests with one code: the database lets only the first one pass.
        changed = session.scalar(
            update(StaffUser)
            .where(StaffUser.id == user.id, (StaffUser.totp_step.is_(None)) | (StaffUser.totp_step < step))
            .values(totp_step=step)
            .returning(StaffUser.id)
        )
        return changed is not None
    used = session.scalar(
        update(RecoveryCode)
        .where(RecoveryCode.code_hash == _hash(code), RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None))
        .values(used_at=clock.now())
        .returning(RecoveryCode.code_hash)
    )
    if used is not None:
        record(session, actor=user.name, action="staff.recovery_code_used", subject=user.name)
    return used is not None


def codes_left(session: Session, *, user_id: int) -> int:
    """How many recovery codes are unused."""
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def remove(session: Session, *, user: StaffUser, actor: str) -> None:
    """Takes the second factor and its recovery codes away."""
    user.totp_secret = user.totp_step = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    record(session, actor=actor, action="staff.second_factor_removed", subject=user.name)


def _new_codes(session: Session, user: StaffUser) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = ["-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(3)) for _ in range(CODES)]
    session.add_all(RecoveryCode(code_hash=_hash(code), user_id=user.id) for code in codes)
    return codes


def _step_of(secret: str, code: str, *, after: int | None) -> int | None:
    """The time step whose code this is, if it is later than `after`."""
    typed = "".join(code.split())
    now = int(clock.now().timestamp()) // _STEP
    totp = pyotp.TOTP(secret)
    for step in range(now - _DRIFT, now + _DRIFT + 1):
        if (after is None or step > after) and secrets.compare_digest(totp.at(step * _STEP).encode(), typed.encode()):
            return step
    return None


def _hash(code: str) -> str:
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
