"""The city's geography as residents name it: zones, ZIP codes, streets and sites."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from knowledge.facts import SITES, STREET, ZONE, folded
from knowledge.records import Fact, Zone

_ZIP: Final = re.compile(r"(?<!\d)(\d{5})(?:-\d{4})?(?!\d)")
_SPOKEN_ZIP: Final = re.compile(r"(?<!\d)\d(?: \d){4}(?!\d)")
_ZONE_WORD: Final = re.compile(r"^(?:my |mi )?(?:evacuation |evac )?(?:zone|zona)(?: de evacuacion)? ")


@dataclass(frozen=True)
class Gazetteer:
    """Names that residents may say, for finding them in a message and for speech hints. Holds no site that is for agents only."""

    shelters: tuple[str, ...]
    sites: tuple[str, ...]
    streets: tuple[str, ...]
    zones: tuple[str, ...]
    zips: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys((*self.shelters, *self.sites, *self.streets, *self.zones, *self.zips)))


class Places:
    """Finds zones by ZIP code, letter or street."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        public = [fact for fact in facts if fact.public]
        self.zones = tuple(Zone(fact.data["name"], tuple(fact.data.get("zips", ()))) for fact in public if fact.type == ZONE)
        self._by_name = {folded(zone.name): zone for zone in self.zones}
        self._by_zip: dict[str, list[Zone]] = defaultdict(list)
        for zone in self.zones:
            for code in zone.zips:
                self._by_zip[code].append(zone)
        streets = {folded(fact.data["name"]): fact.data.get("zone") for fact in public if fact.type == STREET}
        self._by_street = {name: self._by_name.get(folded(zone)) for name, zone in streets.items() if zone}
        self.gazetteer = _gazetteer(public, self.zones, tuple(sorted(self._by_zip)))

    def zone_of(self, place: str) -> Zone | None:
        """The zone of a ZIP code, of `B` or `zone B`, or of a street; nothing when it is unknown or lies in more than one."""
        code = self.zip_of(place)
        if code is not None:
            zones = self._by_zip.get(code, [])
            return zones[0] if len(zones) == 1 else None
        bare = folded(place)
        name = _ZONE_WORD.sub("", bare)
        if name in self._by_name:
            return self._by_name[name]
        street = re.sub(r"^\d+ ", "", bare)
        return self._by_street.get(street)

    def zip_of(self, place: str) -> str | None:
        """The ZIP code in a text, also when its digits are spoken apart; unknown ones are nothing."""
        match = _ZIP.search(place) or _SPOKEN_ZIP.search(place)
        code = match[0].replace(" ", "")[:5] if match else None
        return code if code in self._by_zip else None


def _gazetteer(facts: list[Fact], zones: tuple[Zone, ...], zips: tuple[str, ...]) -> Gazetteer:
    def names(types: Iterable[str]) -> tuple[str, ...]:
        wanted = frozenset(types)
        found = (fact.data["name"] for fact in facts if fact.type in wanted and fact.data.get("name"))
        return tuple(dict.fromkeys(found))

    shelters = {"shelter", "pet_shelter"}
    return Gazetteer(
        shelters=names(shelters),
        sites=names(SITES - shelters),
        streets=names((STREET,)),
        zones=tuple(f"Zone {zone.name}" for zone in zones),
        zips=zips,
    )
