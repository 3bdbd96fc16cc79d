"""Packs as they lie in files: topics, system texts, city values, plan templates, incident packs, facts and an incident."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from knowledge.fact_rows import Moment, at
from knowledge.incident_packs import IncidentPack, read_incident_packs
from knowledge.pack_facts import PackFact, fact_at, moment, read_facts
from knowledge.plan import PlanTemplate, read_plan
from knowledge.records import Contents, Incident, Published
from knowledge.topics import FALLBACK_LANGUAGE, ChannelTexts, Hazard, Language, Line, Name, Texts, Topic, read_topic
from knowledge.yaml_files import explain, read_yaml
from server.errors import BadInput, NotFound
from server.settings import ROOT

FLOOR: Final = ("card.emergency", "card.emergency_text911", "system.static", "system.holding")
"""The texts that are said as shipped when the city has none of its own in force."""
LISTED: Final = ("link_hosts", "owners")
"""Lists of a pack that stand in a file of their own and are stored beside the city values."""


@dataclass(frozen=True)
class SystemText:
    """A card or a system text of a pack."""

    message_id: str
    texts: Texts
    owner: str
    source: str


@dataclass(frozen=True)
class PackIncident:
    """The incident that a sample city is in."""

    name: str
    hazard: str
    phase: str
    level: str
    zones: tuple[str, ...]
    started: Moment


@dataclass(frozen=True)
class Pack:
    """Everything in one pack's folder."""

    name: str
    fictional: bool = False
    topics: tuple[Topic, ...] = ()
    system: tuple[SystemText, ...] = ()
    city: Mapping[str, Any] = field(default_factory=dict)
    facts: tuple[PackFact, ...] = ()
    incident: PackIncident | None = None
    plan: tuple[PlanTemplate, ...] = ()
    incident_packs: tuple[IncidentPack, ...] = ()


def read_pack(folder: Path) -> Pack:
    """Reads a pack. Raises `NotFound` when there is none, `BadInput` naming the file and field when something in it is wrong."""
    if not folder.is_dir():
        raise NotFound(f"There is no pack {folder.name}.")
    city = dict(read_yaml(folder / "city.yml") or {}) if (folder / "city.yml").exists() else {}
    fictional = bool(city.pop("fictional", False))
    if fictional:
        city["fictional"] = True
    for name in LISTED:
        if (folder / f"{name}.yml").exists():
            city[name] = read_yaml(folder / f"{name}.yml")
    fields, plan = read_plan(folder)
    if fields:
        city["plan_fields"] = {name: one.data() for name, one in fields.items()}
    incidents = read_incident_packs(folder)
    city |= {f"plan.{one.name}": one.data() for one in plan} | {f"incident.{one.name}": one.data() for one in incidents}
    return Pack(
        name=folder.name,
        fictional=fictional,
        topics=tuple(read_topic(path) for path in sorted((folder / "topics").glob("*.yml"))),
        system=read_system(folder / "system.yml") if (folder / "system.yml").exists() else (),
        city=city,
        facts=tuple(read_facts(folder)),
        plan=plan,
        incident_packs=incidents,
        incident=_incident(folder / "incident.yml") if (folder / "incident.yml").exists() else None,
    )


@lru_cache(maxsize=1)
def shipped_floor() -> tuple[Published, ...]:
    """The shipped wording of the few texts that must never be missing, as version 0."""
    system = read_system(ROOT / "knowledge" / "packs" / "core" / "system.yml")
    return tuple(Published(one.message_id, 0, None, one.texts) for one in system if one.message_id in FLOOR)


def contents_of(packs: Iterable[Pack], *, now: datetime) -> Contents:
    """What a library holds when some packs, and nothing else, are published at `now`."""
    packs = list(packs)
    return Contents(
        topics=tuple(topic for pack in packs for topic in pack.topics),
        messages=tuple(message for pack in packs for message in published(pack)),
        facts=tuple(fact_at(fact, now) for pack in packs for fact in pack.facts),
        city={name: value for pack in packs for name, value in pack.city.items()},
        incidents=tuple(
            Incident(one.name, one.hazard, one.phase, one.level, one.zones, at(one.started, now))
            for one in (pack.incident for pack in packs)
            if one is not None
        ),
    )


def published(pack: Pack) -> list[Published]:
    """The messages of a pack as first versions."""
    messages = [Published(one.message_id, 1, None, one.texts) for one in pack.system]
    for topic in pack.topics:
        for position, message in enumerate(topic.messages):
            identity = f"{topic.intent}.{message.variant}"
            messages.append(Published(identity, 1, topic.intent, message.texts, message.phases, position))
    return messages


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


MessageId = Annotated[str, StringConstraints(pattern=r"^(safety_line|(card|system)\.[a-z][a-z0-9_]*)$", max_length=100)]


class _System(_File):
    owner: Name
    source: Line
    messages: dict[MessageId, dict[Language, ChannelTexts]]

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, value: Any) -> Any:
        """One string stands for all channels; where `web` or `voice` is not given it is as `sms`."""
        if not isinstance(value, dict) or not isinstance(value.get("messages"), dict):
            return value
        return value | {
            "messages": {
                name: {language: _channels(text) for language, text in texts.items()} if isinstance(texts, dict) else texts
                for name, texts in value["messages"].items()
            }
        }


def _channels(text: Any) -> Any:
    if isinstance(text, str):
        return {"sms": text, "web": text, "voice": text}
    return {"web": text["sms"], "voice": text["sms"], **text} if isinstance(text, dict) and "sms" in text else text


def read_system(path: Path) -> tuple[SystemText, ...]:
    """The cards and system texts of a file."""
    try:
        parsed = _System.model_validate(read_yaml(path))
    except ValidationError as error:
        raise BadInput(explain(error, file=path.name)) from error
    texts = []
    for name, languages in parsed.messages.items():
        if FALLBACK_LANGUAGE not in languages:
            raise BadInput(f"{path.name}: {name}: has no English text (en). Add it: other languages fall back to it.")
        wordings = {language: wording.model_dump() for language, wording in languages.items()}
        texts.append(SystemText(name, wordings, parsed.owner, parsed.source))
    return tuple(texts)


class _Incident(_File):
    name: Line
    hazard: Hazard
    phase: Literal["before", "during", "after", "recovery"]
    level: Literal["monitor", "partial", "full"]
    zones: tuple[Line, ...] = ()
    started: str = "-1d"


def _incident(path: Path) -> PackIncident:
    try:
        parsed = _Incident.model_validate(read_yaml(path))
    except ValidationError as error:
        raise BadInput(explain(error, file=path.name)) from error
    started = moment(parsed.started, path.name)
    return PackIncident(parsed.name, parsed.hazard, parsed.phase, parsed.level, tuple(parsed.zones), started)
