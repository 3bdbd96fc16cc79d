"""What the pages of incidents show: the state of one, what is still to do, and what closing it would take back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from knowledge.answer_changes import incident_of
from knowledge.changes import LEVELS
from knowledge.incident_packs import IncidentPack
from knowledge.library import Library
from knowledge.models import IncidentRow, MessageVersion
from knowledge.records import Incident, Situation
from knowledge.topics import HAZARDS, PHASES
from server import clock
from server.errors import BadInput, NotFound
from server.staff.models import StaffUser

HAZARDS_OF_INCIDENTS: Final = HAZARDS[1:]
PHASES_OF_INCIDENTS: Final = PHASES[1:]
CLOSING: Final = "close"
"""The phase of the communications plan that thanks people and ends the surge."""


def seen_of(row: IncidentRow) -> str:
    """The state of an incident that a page shows."""
    return "|".join((row.phase, row.level, *sorted(row.zones), "closed" if row.closed_at else "open"))


def find_incident(session: Session, incident_id: int, *, lock: bool = False) -> IncidentRow:
    """An incident, kept from others with `lock`. Raises `NotFound`."""
    row = session.get(IncidentRow, incident_id, with_for_update=lock or None)
    if row is None:
        raise NotFound("There is no such incident.", words="incidents.no_incident")
    return row


def moved(row: IncidentRow, *, phase: str, level: str, zones: Iterable[str]) -> Incident:
    """The incident as it would be. Raises `BadInput` for a word that there is not."""
    if phase not in PHASES_OF_INCIDENTS or level not in LEVELS:
        raise BadInput("Choose a phase and a level from the lists.", words="incidents.phase_needed")
    return replace(incident_of(row), phase=phase, level=level, zones=tuple(zones))


def known_zones(library: Library, wanted: Iterable[str], held: Collection[str] = ()) -> list[str]:
    """The zones that were chosen, in order. Raises `BadInput` for one that is not on the map."""
    names = {zone.name for zone in library.zones} | set(held)
    chosen = sorted(set(wanted))
    unknown = [name for name in chosen if name not in names]
    if unknown:
        raise BadInput(f"There is no zone {unknown[0][:40]}.", words="incidents.zone_unknown")
    return chosen


@dataclass(frozen=True)
class Expected:
    """A question to expect, and what it is answered with now."""

    question: str
    topic: str
    text: str
    missing: bool


def expected(pack: IncidentPack, library: Library, language: str) -> list[Expected]:
    """The questions that a pack foresees with today's answers."""
    now = clock.now()
    found = []
    for one in pack.questions:
        said = library.answer(one.topic, Situation(language, "sms", now))
        found.append(Expected(one.text.get(language, one.text["en"]), one.topic, said.text, said.missing))
    return found


@dataclass(frozen=True)
class ZoneGap:
    """A zone that the incident and the evacuation orders disagree about."""

    zone: str
    ordered: bool
    """True when the incident says that it must leave and no order in force says so; False the other way round."""


def zone_gaps(row: IncidentRow, library: Library) -> list[ZoneGap]:
    """Where the zones of an incident and the orders that residents hear are not the same."""
    now = clock.now()
    orders = {
        str(fact.data.get("zone"))
        for fact in library.facts
        if fact.type == "evacuation_order" and fact.public and fact.live(now) and fact.data.get("status") == "mandatory"
    } - {"None"}
    held = set(row.zones)
    return [ZoneGap(zone, True) for zone in sorted(held - orders)] + [ZoneGap(zone, False) for zone in sorted(orders - held)]


@dataclass(frozen=True)
class Published:
    """A message that staff published during an incident. One that began in it can be withdrawn with it; one that stood before was
    only reworded, and stays."""

    version: MessageVersion
    began: bool


def published_during(session: Session, row: IncidentRow) -> list[Published]:
    """What staff published since the incident began and residents still hear, the newest first."""
    staff = set(session.scalars(select(StaffUser.name)))
    by_staff = MessageVersion.author.in_(staff) | MessageVersion.approver.in_(staff)
    live = select(MessageVersion).where(
        MessageVersion.state == "published", MessageVersion.published_at >= row.started_at, by_staff
    )
    found = list(session.scalars(live.order_by(MessageVersion.published_at.desc())))
    versions = session.execute(
        select(MessageVersion.message_id, MessageVersion.author, MessageVersion.created_at).where(
            MessageVersion.message_id.in_([one.message_id for one in found])
        )
    )
    older = {message_id for message_id, author, created in versions if author not in staff or created < row.started_at}
    return [Published(one, one.message_id not in older) for one in found]
