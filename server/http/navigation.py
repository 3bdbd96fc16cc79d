"""The places that staff go to, as one table: each person sees those that their role may open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from server.staff.permissions import PERMISSIONS


@dataclass(frozen=True)
class Place:
    """One entry of the bar: where it leads, the words of the catalogue, and the permission to open it."""

    path: str
    words: str
    permission: str


PLACES: Final = (
    Place("/console/", "staff.place_home", "console.see"),
    Place("/desk/", "staff.place_desk", "desk.see"),
    Place("/console/messages/", "staff.place_messages", "console.see"),
    Place("/console/facts/", "staff.place_facts", "console.see"),
    Place("/console/incidents/", "staff.place_incidents", "console.see"),
    Place("/console/topics/", "staff.place_topics", "console.see"),
    Place("/console/try/", "topics.try", "console.see"),
    Place("/console/review/", "staff.place_review", "triage.review"),
    Place("/console/blocks/", "blocks.place", "residents.block"),
    Place("/console/people/", "staff.place_people", "people.see"),
    Place("/console/audit/", "staff.place_audit", "audit.see"),
)
"""In the order of the bar."""


HOMES: Final[dict[str, tuple[str, ...]]] = {"agent": ("/desk/", "/console/")}
"""Where the people of a role start, the first of these that there is; everybody else starts in the console."""
_HOME: Final = ("/console/", "/desk/")


def home_for(role: str) -> str:
    """The page that a person of this role starts on."""
    open_to = {place.path for place in PLACES if role in PERMISSIONS[place.permission]}
    return next((path for path in HOMES.get(role, _HOME) if path in open_to), "/desk/")


def same_site(path: str | None) -> str | None:
    """A path of ours that a browser may be led back to, without its host; nothing when it could lead to another site."""
    if not path or len(path) > 500 or not path.startswith("/") or path[1:2] in ("/", "\\") or not path.isprintable():
        return None
    return None if "\\" in path or path.startswith(("/sign-in", "/sign-out", "/confirm")) else path


def places_for(role: str, path: str) -> tuple[tuple[Place, bool], ...]:
    """The places that this role may open, each with whether `path` lies in it; the longest one that fits is the current one."""
    open_to = tuple(place for place in PLACES if role in PERMISSIONS[place.permission])
    here = max((place.path for place in open_to if path.startswith(place.path)), key=len, default=None)
    return tuple((place, place.path == here) for place in open_to)
