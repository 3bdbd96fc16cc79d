"""A form that was sent when its sender had to prove who they are first: kept sealed with their session, so that nothing is typed
twice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from server import clock
from server.identity.keys import Keys
from server.staff.models import StaffSession
from server.staff.service import session_hash

LASTS: Final = timedelta(minutes=15)
LARGEST: Final = 40_000
"""Characters of a form that is kept; a larger one is sent again by its page."""
KEPT_UNDER: Final = ("/console/", "/desk/")
"""The addresses whose forms are kept. Those of an account hold passwords and are not."""
_TOLD: Final = ("reason", "name")
"""The fields that are shown again before the form goes on its way: what a person wrote by hand."""


@dataclass(frozen=True)
class Kept:
    """A form and where it goes."""

    path: str
    fields: tuple[tuple[str, str], ...]

    @property
    def told(self) -> tuple[str, ...]:
        """What the person wrote in it."""
        return tuple(value for name, value in self.fields if name in _TOLD and value.strip())


def keep(session: Session, *, token: str, form: Kept, keys: Keys) -> bool:
    """Keeps a form with its session in place of the one before; false when it is too large or not of a kind that is kept."""
    row = session.get(StaffSession, session_hash(token), with_for_update=True)
    if row is None or row.half or not form.path.startswith(KEPT_UNDER):
        return False
    content = json.dumps({"at": clock.now().isoformat(), "path": form.path, "fields": form.fields}, ensure_ascii=False)
    if len(content) > LARGEST:
        return False
    row.kept = keys.seal(content)
    return True


def kept(session: Session, *, token: str, keys: Keys) -> Kept | None:
    """The form that a session keeps, unless it is too old."""
    row = session.get(StaffSession, session_hash(token))
    if row is None or row.half or row.kept is None:
        return None
    held = json.loads(keys.open(row.kept))
    if clock.now() - datetime.fromisoformat(held["at"]) > LASTS:
        return None
    return Kept(held["path"], tuple((name, value) for name, value in held["fields"]))
