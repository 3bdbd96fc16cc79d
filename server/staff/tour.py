"""The tour of the console for those who are new: a few words on each of its places, one after another, until it is dismissed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from server.errors import BadInput
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS


@dataclass(frozen=True)
class Step:
    """One place of the tour, and what the catalogue says about it."""

    number: int
    path: str
    words: str


STEPS: Final = tuple(
    Step(number, path, f"tour.{name}")
    for number, (path, name) in enumerate(
        (
            ("/console/", "home"),
            ("/console/facts/", "facts"),
            ("/console/messages/", "messages"),
            ("/console/incidents/", "incidents"),
            ("/console/try/", "try_it"),
        )
    )
)
WHO: Final = PERMISSIONS["messages.draft"]
"""The roles that are shown the tour: those who change what residents are told."""


def step_for(user: StaffUser, path: str) -> Step | None:
    """The step that a page shows to its reader: theirs, on its own page only, so that it is in nobody's way elsewhere."""
    if user.tour is None or user.one_time or user.role not in WHO or not 0 <= user.tour < len(STEPS):
        return None
    step = STEPS[user.tour]
    return step if step.path == path else None


def move(session: Session, *, user_id: int, act: str, seen: int) -> Step | None:
    """Goes on from the step that the person saw, back, begins again, or ends; gives the step that is shown next, if any.

    Raises `BadInput`."""
    targets = {"next": seen + 1, "back": seen - 1, "again": 0, "end": len(STEPS)}
    if act not in targets:
        raise BadInput("There is no such act.")
    number = max(0, targets[act])
    user = session.get_one(StaffUser, user_id)
    user.tour = number if number < len(STEPS) else None
    return STEPS[number] if number < len(STEPS) else None
