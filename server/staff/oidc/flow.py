"""One visit to the identity provider: what a browser takes along in a sealed cookie, so that those who begin leave nothing here.

The cookie is SameSite=Strict. The provider leads back from another site, which sends no such cookie; the first page after that
therefore only leads on to the second one, from our own site, and that one does the work."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from server import clock
from server.errors import NotReady
from server.identity.keys import Keys
from server.staff.models import StaffVisit

COOKIE: Final = "spillway_oidc"
PATH: Final = "/sign-in/oidc"
LASTS: Final = timedelta(minutes=10)
_PURPOSE: Final = "oidc visit"


@dataclass(frozen=True)
class Visit:
    """What has to fit when the browser comes back."""

    state: str
    nonce: str
    verifier: str
    begun_at: datetime
    back: str | None
    kept: bool
    proves: str | None
    """The hash of the session that is to be proved anew; nothing for a sign-in."""

    @classmethod
    def begin(cls, *, back: str | None, kept: bool = False, proves: str | None = None) -> Visit:
        """A visit with secrets of its own."""
        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        return cls(state, nonce, verifier, clock.now(), back, kept, proves)

    def sealed(self, keys: Keys) -> str:
        """The visit as its cookie holds it."""
        written = {**asdict(self), "begun_at": self.begun_at.isoformat(), "purpose": _PURPOSE}
        return keys.seal(json.dumps(written))

    def fits(self, state: str) -> bool:
        """True when what came back belongs to this visit."""
        return hmac.compare_digest(self.state.encode(), state.encode())


def visit_of(cookie: str, keys: Keys) -> Visit | None:
    """The visit in a cookie, unless it is too old or not ours."""
    try:
        written = json.loads(keys.open(cookie))
    except (NotReady, ValueError):
        return None
    if not isinstance(written, dict) or written.pop("purpose", None) != _PURPOSE:
        return None
    visit = Visit(**{**written, "begun_at": datetime.fromisoformat(written["begun_at"])})
    return visit if timedelta(0) <= clock.now() - visit.begun_at <= LASTS else None


def use_up(session: Session, visit: Visit) -> bool:
    """Notes that a visit has done its work; false when it had before. Those that are too old to come back are forgotten."""
    now = clock.now()
    session.execute(delete(StaffVisit).where(StaffVisit.used_at < now - 2 * LASTS))
    try:
        with session.begin_nested():
            session.add(StaffVisit(state_hash=hashlib.sha256(visit.state.encode()).hexdigest(), used_at=now))
    except IntegrityError:
        return False
    return True
