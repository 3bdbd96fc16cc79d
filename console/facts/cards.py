"""What the pages show of a fact: its state in large, from when, until when, who said so, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.fact_edits import token
from knowledge.facts import SITES, STATUS, STATUSES, TYPES, FactBook, folded, is_said, status_of
from knowledge.models import FactRow
from knowledge.records import Fact
from knowledge.topics import FALLBACK_LANGUAGE

SOON: Final = timedelta(hours=2)
"""A fact that expires within this time is shown as expiring."""
ORDER: Final = (
    "shelter", "road_closure", "evacuation_order", STATUS, "pet_shelter", "rumor", "cooling_center", "warming_center",
    "clean_air_center", "distribution_site", "comfort_station", "sandbag_site", "pickup_point", "evacuation_route",
    "recovery_center", "clinic", "event", "zone", "street",
)  # fmt: skip
"""The types as the overview lists them: what changes most in the first hours comes first."""
SHOWS: Final = ("all", "live", "soon", "expired", "agents", "conflict")
"""What a list can be narrowed to."""
_TONES: Final[Mapping[str, str]] = {
    "open": "good", "limited": "some", "full": "bad", "closed": "bad", "mandatory": "bad", "voluntary": "some", "lifted": "off",
}  # fmt: skip


def state_words(type_: str, status: str) -> str:
    """The catalogue key of a state, which every type calls by its own words."""
    return f"facts.state_{'site' if type_ in SITES else type_}_{status}"


@dataclass(frozen=True)
class Card:
    """One fact on a page."""

    row: FactRow
    token: str
    name: str
    lines: tuple[str, ...]
    status: str | None
    """Nothing for the types that have no states."""
    states: tuple[str, ...]
    expired: bool
    soon: bool
    said: bool
    """True when residents hear of it now."""
    conflict: bool
    overruled: bool
    """True when another fact of the same name is in a safer state, and residents hear that one."""

    @property
    def tone(self) -> str:
        """How the state is coloured; the words always say it too."""
        return "off" if self.expired or self.overruled else _TONES[self.status] if self.status else "plain"

    @property
    def agents_only(self) -> bool:
        """True when the assistant never says it."""
        return self.row.visibility != "public"

    def fits(self, show: str) -> bool:
        """True when it belongs into a list that is narrowed to `show`."""
        held = {
            "live": not self.expired,
            "soon": self.soon,
            "expired": self.expired,
            "agents": self.agents_only,
            "conflict": self.conflict,
        }
        return held.get(show, True)


def card(row: FactRow, *, language: str, now: datetime, conflicts: Mapping[str, bool] = MappingProxyType({})) -> Card:
    """A fact as a page shows it."""
    data, states = row.data, STATUSES.get(row.type, ())
    status = status_of(row.type, data) if states else None
    expired = row.expires_at <= now
    public = row.visibility == "public"
    return Card(
        row=row,
        token=token(row),
        name=str(data.get("name") or _in(data.get("text", {}), language) or row.key),
        lines=_lines(data, language),
        status=status,
        states=states,
        expired=expired,
        soon=not expired and row.expires_at - now <= SOON,
        said=public and not expired and is_said(row.type, status or "open") and not conflicts.get(row.key, False),
        conflict=row.key in conflicts,
        overruled=conflicts.get(row.key, False),
    )


def _lines(data: Mapping[str, Any], language: str) -> tuple[str, ...]:
    place = ", ".join(str(data[name]) for name in ("address", "zip") if data.get(name))
    details = [_in(data.get("hours", {}), language), data.get("phone"), _in(data.get("note", {}), language)]
    text = _in(data.get("text", {}), language) if data.get("name") else ""
    found = (place, " · ".join(str(one) for one in details if one), text, " ".join(data.get("zips", ())))
    return tuple(line for line in found if line)


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or texts.get(FALLBACK_LANGUAGE, "")


def cards(session: Session, *, type_: str | None, query: str, show: str, language: str, now: datetime) -> list[Card]:
    """The facts of a type, or of all types, that hold every word of `query`, in the order in which residents hear them."""
    wanted = select(FactRow).order_by(FactRow.type, FactRow.position, FactRow.key)
    rows = list(session.scalars(wanted.where(FactRow.type == type_) if type_ else wanted))
    torn = conflicts(rows, now)
    words = folded(query).split()
    found = (card(row, language=language, now=now, conflicts=torn.get(row.type, {})) for row in rows)
    return [one for one in found if one.fits(show) and all(word in _searched(one.row) for word in words)]


def _searched(row: FactRow) -> str:
    texts: list[str] = [row.key, row.source, row.owner]
    for value in row.data.values():
        texts.extend(map(str, value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else [value]))
    return folded(" ".join(texts))


def conflicts(rows: Iterable[FactRow], now: datetime) -> dict[str, dict[str, bool]]:
    """The keys of the facts that disagree now, by type, each with whether another one is said in its place."""
    facts = (
        Fact(row.type, row.key, row.data, row.as_of, row.expires_at, public=row.visibility == "public", position=row.position)
        for row in rows
    )
    found: dict[str, dict[str, bool]] = {}
    for one in FactBook(facts).contradictions(now):
        held = found.setdefault(one.type, {})
        held.setdefault(one.said_key, False)
        held[one.unsaid_key] = True
    return found


@dataclass(frozen=True)
class TypeCount:
    """One type on the overview."""

    type: str
    live: int
    soon: int
    expired: int
    agents_only: int
    conflicts: int


def overview(session: Session, *, now: datetime) -> list[TypeCount]:
    """How many facts of each type there are, and how many need a look."""
    rows: dict[str, list[FactRow]] = {type_: [] for type_ in ORDER if type_ in TYPES}
    for row in session.scalars(select(FactRow)):
        rows.setdefault(row.type, []).append(row)
    torn = conflicts((row for held in rows.values() for row in held), now)
    return [
        TypeCount(
            type=type_,
            live=sum(row.expires_at > now for row in held),
            soon=sum(now < row.expires_at <= now + SOON for row in held),
            expired=sum(row.expires_at <= now for row in held),
            agents_only=sum(row.visibility != "public" for row in held),
            conflicts=len(torn.get(type_, ())),
        )
        for type_, held in rows.items()
    ]
