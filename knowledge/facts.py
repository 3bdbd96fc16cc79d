"""Facts: their types, what must stand in them, which of two that disagree is said, and how they fill placeholders."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from knowledge.records import Fact
from knowledge.rendering.placeholders import Item, Value
from knowledge.topics import FALLBACK_LANGUAGE
from knowledge.yaml_files import explain
from server.errors import BadInput

LISTS: Final[Mapping[str, str]] = {
    "shelters": "shelter",
    "pet_shelters": "pet_shelter",
    "cooling_centers": "cooling_center",
    "warming_centers": "warming_center",
    "clean_air_centers": "clean_air_center",
    "distribution_sites": "distribution_site",
    "comfort_stations": "comfort_station",
    "sandbag_sites": "sandbag_site",
    "recovery_centers": "recovery_center",
    "clinics": "clinic",
    "pickup_points": "pickup_point",
    "road_closures": "road_closure",
    "evacuation_orders": "evacuation_order",
    "evacuation_routes": "evacuation_route",
    "rumors": "rumor",
    "events": "event",
}
"""The placeholder of each list, and the type of the facts in it."""

STATUS: Final = "status"
_STATUS_NAMES: Final = (
    "city storm power water transit schools offices trash debris curfew reentry air fuel phones snow wildfire hazmat police "
    "bridge quake fema sba benefits unemployment permits fees donations mosquito epidemic housing parking"
)
STATUS_LINES: Final = tuple(f"status_{name}" for name in _STATUS_NAMES.split())
ZONE: Final = "zone"
STREET: Final = "street"
TYPES: Final = frozenset({*LISTS.values(), STATUS, ZONE, STREET})

SITES: Final = frozenset(LISTS.values()) - {"road_closure", "evacuation_order", "evacuation_route", "rumor", "event"}
"""The types that are places one can go to."""

_SAFER: Final = ("lifted", "open", "voluntary", "limited", "full", "mandatory", "closed")
"""The states of a fact, the one that keeps people safer when two disagree further right."""
_WHOLE: Final = frozenset({"evacuation_orders"})
"""Lists that are never shortened: who hears half of the orders may think that theirs is not among them."""
STATUSES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(SITES, ("open", "limited", "full", "closed")),
    "road_closure": ("closed", "limited", "open"),
    "evacuation_order": ("mandatory", "voluntary", "lifted"),
    "evacuation_route": ("open", "limited", "closed"),
    "rumor": ("open", "lifted"),
    "event": ("open", "lifted"),
}
"""The states that a fact of each type can be in, the usual one first. The other types have none to choose from."""
_UNSAID: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(SITES, frozenset({"full", "closed"})),
    "road_closure": frozenset({"open"}),
    "evacuation_route": frozenset({"closed"}),
}
"""In these states a fact is not said: nobody is sent to a full shelter, and a road that is open again is no closure. What is lifted
is never said."""
_UNTOLD: Final = ("road_closure", "evacuation_order")
"""Types whose state does not go without saying: without one they are in force, in their usual state."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]


class FactData(BaseModel):
    """What a fact says. A place has a name and an address; a notice has a sentence in each language; a zone has ZIP codes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Text | None = None
    address: Text | None = None
    zip: Annotated[str, StringConstraints(pattern=r"^\d{5}$")] | None = None
    zone: Text | None = None
    status: Text = "open"
    phone: Text | None = None
    hours: dict[str, Text] = {}
    note: dict[str, Text] = {}
    text: dict[str, Text] = {}
    zips: tuple[Annotated[str, StringConstraints(pattern=r"^\d{5}$")], ...] = ()

    @model_validator(mode="after")
    def _sayable(self) -> FactData:
        if not self.name and not self.text:
            raise ValueError("needs a name, or a text in each language")
        if self.text and FALLBACK_LANGUAGE not in self.text:
            raise ValueError("text needs English (en), which is what a missing language falls back to")
        if self.status not in _SAFER:
            raise ValueError(f"status must be one of {', '.join(_SAFER)}")
        return self


def status_of(type_: str, data: Mapping[str, Any]) -> str:
    """The state of a fact; when nobody named one, a road closure is closed and an order is one to leave."""
    return str(data.get("status") or (STATUSES[type_][0] if type_ in _UNTOLD else "open"))


def status_problem(type_: str, status: str) -> str | None:
    """What is wrong with a state for a type; nothing when it fits."""
    known = STATUSES.get(type_, ("open",))
    return None if status in known else f"status must be one of {', '.join(known)}"


def parsed_data(type_: str, data: Mapping[str, Any]) -> FactData:
    """What a fact of a type says, its usual state filled in. Raises `ValidationError`."""
    return FactData.model_validate({**data, "status": status_of(type_, data)})


def stored_data(type_: str, parsed: FactData) -> dict[str, Any]:
    """The data of a fact as it is stored: without what goes without saying."""
    data = parsed.model_dump(mode="json", exclude_defaults=True)
    return {**data, "status": parsed.status} if type_ in _UNTOLD else data


def checked_data(type_: str, data: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """The data of a fact in its stored form. Raises `BadInput` naming what is wrong and where."""
    if type_ not in TYPES:
        raise BadInput(f"{where}: type: {type_!r} is unknown. Use one of {', '.join(sorted(TYPES))}.")
    try:
        parsed = parsed_data(type_, data)
    except ValidationError as error:
        raise BadInput(explain(error, file=where)) from error
    problem = status_problem(type_, parsed.status)
    if problem:
        raise BadInput(f"{where}: {problem}.")
    return stored_data(type_, parsed)


@dataclass(frozen=True)
class Contradiction:
    """Two live facts that cannot both be true; the safer one is said until staff settle it."""

    type: str
    subject: str
    said: str
    unsaid: str
    said_key: str
    unsaid_key: str


class FactBook:
    """The public facts of a snapshot. Facts for agents only are not even in it."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._facts: dict[str, list[Fact]] = defaultdict(list)
        for fact in sorted(facts, key=lambda fact: (fact.position, fact.key)):
            if fact.public:
                self._facts[fact.type].append(fact)
        self._ends = {type_: sorted({fact.expires_at for fact in held}) for type_, held in self._facts.items()}
        self._lines = {fact.key: fact for fact in self._facts.get(STATUS, ())}
        self._settled: dict[tuple[str, int], tuple[list[Fact], list[Contradiction]]] = {}
        self._items: dict[tuple[str, str, str], Item] = {}

    def all(self, type_: str) -> tuple[Fact, ...]:
        """The public facts of a type, expired ones too."""
        return tuple(self._facts.get(type_, ()))

    def live(self, type_: str, now: datetime) -> list[Fact]:
        """What holds now, contradictions settled."""
        return list(self._settle(type_, now)[0])

    def contradictions(self, now: datetime) -> tuple[Contradiction, ...]:
        """The facts that disagree now."""
        return tuple(found for type_ in sorted(self._facts) for found in self._settle(type_, now)[1])

    def _settle(self, type_: str, now: datetime) -> tuple[list[Fact], list[Contradiction]]:
        """What holds now, settled once for each stretch of time in which nothing of the type expires."""
        key = (type_, bisect_right(self._ends.get(type_, ()), now))
        if key not in self._settled:
            self._settled[key] = self._settle_anew(type_, now)
        return self._settled[key]

    def _settle_anew(self, type_: str, now: datetime) -> tuple[list[Fact], list[Contradiction]]:
        said: dict[str, Fact] = {}
        found: list[Contradiction] = []
        for fact in self._facts.get(type_, ()):
            if not fact.live(now):
                continue
            subject = _subject(fact)
            other = said.get(subject)
            if other is None or _status(other) == _status(fact):
                said.setdefault(subject if other is None else f"{subject}#{fact.key}", fact)
                continue
            safer, worse = (fact, other) if _SAFER.index(_status(fact)) > _SAFER.index(_status(other)) else (other, fact)
            said[subject] = safer
            found.append(Contradiction(type_, _name(fact), _status(safer), _status(worse), safer.key, worse.key))
        return list(said.values()), found

    def status(self, name: str, *, language: str, now: datetime) -> Value | None:
        """The value of a status line, or nothing when nobody vouches for it now."""
        fact = self._lines.get(name)
        return Value(text=_in(fact.data["text"], language), as_of=fact.as_of) if fact is not None and fact.live(now) else None

    def listed(self, placeholder: str, *, language: str, now: datetime, zip_code: str | None, zone: str | None) -> Value | None:
        """The value of a list, the resident's own ZIP code and zone first, or nothing when there is nothing to say."""
        type_ = LISTS[placeholder]
        facts = [fact for fact in self.live(type_, now) if is_said(type_, _status(fact))]
        facts.sort(key=lambda fact: _distance(fact, zip_code, zone))
        items = tuple(self._item(fact, language) for fact in facts)
        if not items:
            return None
        return Value(items=items, as_of=min(fact.as_of for fact in facts), whole=placeholder in _WHOLE)

    def _item(self, fact: Fact, language: str) -> Item:
        key = (fact.type, fact.key, language)
        if key not in self._items:
            self._items[key] = _item(fact, language)
        return self._items[key]


def _distance(fact: Fact, zip_code: str | None, zone: str | None) -> int:
    if zip_code and fact.data.get("zip") == zip_code:
        return 0
    return 1 if zone and fact.data.get("zone") == zone else 2


def is_said(type_: str, status: str) -> bool:
    """True when residents hear of a fact in this state."""
    return status != "lifted" and status not in _UNSAID.get(type_, frozenset())


def _status(fact: Fact) -> str:
    return status_of(fact.type, fact.data)


def _name(fact: Fact) -> str:
    return str(fact.data.get("name") or fact.key)


def _subject(fact: Fact) -> str:
    return folded(str(fact.data.get("name") or fact.data.get("text", {}).get(FALLBACK_LANGUAGE, fact.key)))


def folded(text: str) -> str:
    """A text without case, accents and marks, for comparing."""
    letters = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", letters))


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or texts[FALLBACK_LANGUAGE]


def _item(fact: Fact, language: str) -> Item:
    data = fact.data
    if data.get("text"):
        text = _in(data["text"], language)
        return Item(short=text, long=text, address=data.get("address"))
    place = ", ".join(part for part in (data["name"], data.get("address")) if part)
    hours = _local(data.get("hours", {}), language)
    details = [detail for detail in (hours, data.get("phone"), _local(data.get("note", {}), language)) if detail]
    short = f"{place} ({hours})" if hours else place
    return Item(short=short, long=", ".join((place, *details)), address=data.get("address"))


def _local(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or texts.get(FALLBACK_LANGUAGE, "")
