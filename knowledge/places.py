"""The city's geography as residents name it: zones, ZIP codes, streets and sites."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from knowledge.facts import SITES, STREET, ZONE, folded
from knowledge.records import Fact, Zone

_ZIP: Final = re.compile(r"(?<!\d)(\d{5})(?:-\d{4})?(?!\d)")
_SPOKEN_ZIP: Final = re.compile(r"(?<!\d)\d(?: \d){4}(?!\d)")
_ANY_ZIP: Final = re.compile(r"\d{5}(?:-\d{4})?")
_ZIP_CALLED: Final = re.compile(r"\b(?:zip|zipcode|postal|cp)\b(?: \D{1,9}){0,3}? (\d{5})\b")
"""A number of five digits is a ZIP code of somewhere else when it is called one; else it may be a house number."""
_KINDS: Final[Mapping[str, str]] = {
    "st": "street", "str": "street", "ave": "avenue", "av": "avenue", "rd": "road", "dr": "drive", "ln": "lane", "ct": "court",
    "blvd": "boulevard", "hwy": "highway", "wy": "way", "pkwy": "parkway", "pl": "place", "plz": "plaza", "sq": "square",
    "ter": "terrace", "cir": "circle", "rte": "route", "rt": "route",
}  # fmt: skip
"""Kinds of streets as they are shortened, and in full."""
_WHOLE_KINDS: Final = frozenset(_KINDS.values())
_SPANISH_KINDS: Final = frozenset(("calle", "avenida", "camino", "bulevar", "carretera", "paseo", "via"))
_LONGEST_STREET: Final = 5
_ZONE_SAID: Final = re.compile(r"\b(?:zone|zona) (?:de evacuacion )?([a-z0-9]+)\b")
_HEARD: Final[Mapping[str, str]] = {"ay": "a", "be": "b", "bee": "b", "see": "c", "sea": "c", "ce": "c", "dee": "d", "ee": "e"}
"""Letters as a speech recogniser writes them."""
_LEADING: Final = frozenset(
    (
        "i im am in on at near by live living we are were my our the zip code zipcode is it its zone street no not sorry oh ok so "
        "please actually correction wrong incorrect thats that meant mean and from address evacuation area yes hi hello "
        "yo vivo vivimos estoy estamos en por cerca de del la el mi nuestra nuestro codigo postal es zona calle no perdon digo ah "
        "equivocado incorrecto mal "
        "favor si hola direccion area y"
    ).split()
)
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


@dataclass(frozen=True)
class Named:
    """A place as a resident named it; without a zone when it is unknown or lies in more than one. `alone` tells that the message
    says nothing else."""

    kind: Literal["zip", "zone", "street"]
    value: str
    zone: Zone | None
    known: bool = True
    alone: bool = False

    @property
    def kept(self) -> str:
        """What is kept of it: the ZIP code where there is one, which tells what is near better than the zone."""
        return self.value if self.kind == "zip" or self.zone is None else self.zone.name


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
        self._by_street = {_street(name): self._by_name.get(folded(zone)) for name, zone in streets.items() if zone}
        self._by_stem = _stems(self._by_street)
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
        street = _street(re.sub(r"^\d+ ", "", bare))
        return self._by_street.get(street) or self._by_stem.get(_bare_stem(street))

    def zip_of(self, place: str) -> str | None:
        """The ZIP code in a text, also when its digits are spoken apart; unknown ones are nothing."""
        match = _ZIP.search(place) or _SPOKEN_ZIP.search(place)
        code = match[0].replace(" ", "")[:5] if match else None
        return code if code in self._by_zip else None

    def named_in(self, text: str, *, asked: bool = False) -> Named | None:
        """The place that a message names, wherever it stands in it: a ZIP code before a zone before a street. To somebody who was
        asked for a place the letter of a zone alone, or a street without its kind, is one too."""
        bare = folded(text)
        return (
            self._zip_in(text, bare) or self._zone_in(bare) or self._street_in(bare) or (self._short(text, bare) if asked else None)
        )

    def _zip_in(self, text: str, bare: str) -> Named | None:
        code = self.zip_of(text)
        if code is not None:
            return Named("zip", code, self.zone_of(code), alone=_alone(bare, " ".join(code), code))
        stranger = _ANY_ZIP.fullmatch(text.strip(" .,!?")) or _ZIP_CALLED.search(bare)
        if stranger is None:
            return None
        code = stranger[stranger.lastindex or 0][:5]
        return Named("zip", code, None, known=False, alone=_alone(bare, code))

    def _zone_in(self, bare: str) -> Named | None:
        for match in _ZONE_SAID.finditer(bare):
            # `la zona de` and `zone is` name none, unless a city calls a zone so.
            zone = self._by_name.get(match[1]) or self._by_name.get(_HEARD.get(match[1], ""))
            if zone is not None:
                return Named("zone", zone.name, zone, alone=_alone(bare, match[0]))
        return None

    def _street_in(self, bare: str) -> Named | None:
        words = bare.split()
        for begin, word in enumerate(words):
            for length in range(min(_LONGEST_STREET, len(words) - begin), 1, -1):
                said = " ".join(words[begin : begin + length])
                zone = self._by_street.get(_street(said))
                if zone is None and word in _SPANISH_KINDS:
                    zone = self._by_stem.get(_bare_stem(said))
                if zone is not None:
                    return Named("street", said, zone, alone=_alone(bare, said))
        return None

    def _short(self, text: str, bare: str) -> Named | None:
        zone = self.zone_of(text) or self._by_name.get(_HEARD.get(bare, ""))
        return Named("street" if len(bare) > 2 else "zone", bare, zone, alone=True) if zone is not None else None


def _alone(bare: str, *said: str) -> bool:
    """True when a message holds nothing but the place and words that lead to it."""
    for one in said:
        bare = f" {bare} ".replace(f" {one} ", " ")
    return all(word in _LEADING or word.isdigit() for word in bare.split())


def _street(name: str) -> str:
    """A street's name with its kind in full."""
    return " ".join(_KINDS.get(word, word) for word in name.split())


def _bare_stem(name: str) -> str:
    words = [word for word in _street(name).split() if word not in _WHOLE_KINDS and word not in _SPANISH_KINDS]
    return " ".join(word for word in words if word not in ("la", "el", "de"))


def _stems(streets: Mapping[str, Zone | None]) -> dict[str, Zone]:
    """The streets without their kind; those that another street shares in another zone are left out."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, zone in streets.items():
        if zone is not None:
            found[_bare_stem(name)].add(zone.name)
    zones = {zone.name: zone for zone in streets.values() if zone is not None}
    return {stem: zones[names.pop()] for stem, names in found.items() if stem and len(names) == 1}


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
