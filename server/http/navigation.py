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


PLACES: Final = (Place("/desk/", "staff.place_desk", "desk.see"),)
"""In the order of the bar."""


def places_for(role: str, path: str) -> tuple[tuple[Place, bool], ...]:
    """The places that this role may open, each with whether `path` lies in it; the longest one that fits is the current one."""
    open_to = tuple(place for place in PLACES if role in PERMISSIONS[place.permission])
    here = max((place.path for place in open_to if path.startswith(place.path)), key=len, default=None)
    return tuple((place, place.path == here) for place in open_to)
