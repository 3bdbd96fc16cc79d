"""Incident packs: what staff need when a hazard comes, prepared in calm (docs/packs.md): menus, templates, questions to expect,
facts to collect, and the checklist of the first hour."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from sqlalchemy.orm import Session

from knowledge.changes import open_incident
from knowledge.facts import STATUS, STATUS_LINES, TYPES
from knowledge.models import IncidentRow
from knowledge.plan import BothLanguages
from knowledge.records import Fact
from knowledge.topics import Hazard, Line, Name
from knowledge.yaml_files import explain, read_yaml
from server.errors import BadInput

IncidentPhase = Literal["before", "during", "after", "recovery"]
Level = Literal["monitor", "partial", "full"]
StaffLanguage = Literal["en", "es"]
MENU_SIZE: Final = 9
PREFIX: Final = "incident."
"""An incident that was opened from a pack carries this and the name of the pack."""


@dataclass(frozen=True)
class Question:
    """A question to expect, in each language, and the topic that answers it."""

    topic: str
    text: Mapping[str, str]


@dataclass(frozen=True)
class IncidentPack:
    """What is prepared for one hazard. `hazard` is `all` for the packs that fit any."""

    name: str
    title: Mapping[str, str]
    hazard: str
    phase: IncidentPhase
    level: Level
    cap_events: tuple[str, ...]
    menu: Mapping[str, tuple[str, ...]]
    topics: tuple[str, ...]
    templates: tuple[str, ...]
    questions: tuple[Question, ...]
    facts: tuple[str, ...]
    checklist: Mapping[str, tuple[str, ...]]

    @property
    def all_topics(self) -> tuple[str, ...]:
        """The topics of its menus and the others, each once."""
        return tuple(dict.fromkeys((*(intent for intents in self.menu.values() for intent in intents), *self.topics)))

    def data(self) -> dict[str, Any]:
        """As it is stored and written to its file."""
        return {
            "name": self.name,
            "title": dict(self.title),
            "hazard": self.hazard,
            "opens": {"phase": self.phase, "level": self.level},
            "cap_events": list(self.cap_events),
            "menu": {phase: list(intents) for phase, intents in self.menu.items()},
            "topics": list(self.topics),
            "templates": list(self.templates),
            "questions": [{"topic": one.topic, **one.text} for one in self.questions],
            "facts": list(self.facts),
            "checklist": {language: list(items) for language, items in self.checklist.items()},
        }


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Opens(_File):
    phase: IncidentPhase
    level: Level


class _Question(BothLanguages):
    topic: Name


class _Pack(_File):
    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=38)]
    title: BothLanguages
    hazard: Hazard
    opens: _Opens
    cap_events: tuple[Line, ...] = ()
    menu: dict[IncidentPhase, Annotated[tuple[Name, ...], Field(min_length=1, max_length=MENU_SIZE)]]
    topics: tuple[Name, ...] = ()
    templates: Annotated[tuple[Name, ...], Field(min_length=1)]
    questions: Annotated[tuple[_Question, ...], Field(min_length=1)]
    facts: tuple[Name, ...] = ()
    checklist: dict[StaffLanguage, Annotated[tuple[Line, ...], Field(min_length=1)]]


def parse_incident_pack(data: object, *, file: str) -> IncidentPack:
    """The pack that `data` describes. Raises `BadInput` naming the file, the field and what to do."""
    try:
        parsed = _Pack.model_validate(data)
    except ValidationError as error:
        raise BadInput(explain(error, file=file, guide="docs/packs.md")) from error
    unknown = [name for name in parsed.facts if name not in TYPES and name not in STATUS_LINES]
    if unknown:
        raise BadInput(f"{file}: facts: {unknown[0]} is neither a type of facts nor a status line. docs/topics.md lists them.")
    if len({len(items) for items in parsed.checklist.values()}) != 1 or len(parsed.checklist) != 2:
        raise BadInput(f"{file}: checklist: must have the same steps in English and Spanish.")
    return IncidentPack(
        name=parsed.name,
        title=parsed.title.model_dump(),
        hazard=parsed.hazard,
        phase=parsed.opens.phase,
        level=parsed.opens.level,
        cap_events=parsed.cap_events,
        menu={phase: parsed.menu[phase] for phase in get_args(IncidentPhase) if phase in parsed.menu},
        topics=parsed.topics,
        templates=parsed.templates,
        questions=tuple(Question(one.topic, {"en": one.en, "es": one.es}) for one in parsed.questions),
        facts=parsed.facts,
        checklist={language: parsed.checklist[language] for language in get_args(StaffLanguage)},
    )


def read_incident_packs(folder: Path) -> tuple[IncidentPack, ...]:
    """The incident packs in a pack's folder."""
    packs = []
    for path in sorted((folder / "incidents").glob("*.yml")):
        pack = parse_incident_pack(read_yaml(path), file=f"incidents/{path.name}")
        if pack.name != path.stem:
            raise BadInput(f"incidents/{path.name}: name: is {pack.name!r}; name the file {pack.name}.yml or change the name.")
        packs.append(pack)
    return tuple(packs)


def menus_of(packs: Iterable[IncidentPack]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The topics of the number menu by hazard and phase, the most wanted first."""
    menus: dict[str, dict[str, tuple[str, ...]]] = {}
    for pack in packs:
        lists = menus.setdefault(pack.hazard, {})
        for phase, intents in pack.menu.items():
            lists[phase] = (*lists.get(phase, ()), *intents)
    return menus


def open_from_pack(
    session: Session,
    *,
    pack: IncidentPack,
    name: str,
    actor: str,
    hazard: str | None = None,
    phase: str | None = None,
    level: str | None = None,
    zones: Iterable[str] = (),
) -> IncidentRow:
    """Opens an incident as the pack prepares it. A pack that fits any hazard needs to be told which it is."""
    chosen = hazard or pack.hazard
    if pack.hazard not in ("all", chosen):
        raise BadInput(f"The pack {pack.name} is for {pack.hazard}, not {chosen}.")
    row = open_incident(
        session, name=name, hazard=chosen, phase=phase or pack.phase, level=level or pack.level, zones=zones, actor=actor
    )
    row.pack = f"{PREFIX}{pack.name}"
    return row


@dataclass(frozen=True)
class ToCollect:
    """A kind of fact that a pack wants, and how many there are. Nothing live means that residents hear a holding text."""

    name: str
    live: int
    expired: int
    oldest: datetime | None


def to_collect(pack: IncidentPack, facts: Iterable[Fact], *, now: datetime) -> tuple[ToCollect, ...]:
    """What the pack wants, in its order, with what is there now: the list that the facts desk works down."""
    held: dict[str, list[Fact]] = {}
    for fact in facts:
        held.setdefault(fact.key if fact.type == STATUS else fact.type, []).append(fact)
    wanted = []
    for name in pack.facts:
        of_kind = held.get(name, [])
        live = [fact for fact in of_kind if fact.live(now)]
        wanted.append(ToCollect(name, len(live), len(of_kind) - len(live), min((fact.as_of for fact in live), default=None)))
    return tuple(wanted)
