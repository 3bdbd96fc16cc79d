"""Packs as they lie in files: topics, system texts, city values, facts and an incident."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from knowledge.facts import STATUS, STATUS_LINES, checked_data
from knowledge.records import Contents, Fact, Incident, Published
from knowledge.topics import (
    FALLBACK_LANGUAGE,
    ChannelTexts,
    Hazard,
    Language,
    Line,
    Name,
    Texts,
    Topic,
    explain,
    read_topic,
    read_yaml,
)
from server.errors import BadInput, NotFound
from server.settings import ROOT

FLOOR: Final = ("card.emergency", "card.emergency_text911", "system.static", "system.holding")
"""The texts that are said as shipped when the city has none of its own in force."""
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_OFFSET: Final = re.compile(r"^([+-]\d+)([mhd])$")


@dataclass(frozen=True)
class SystemText:
    """A card or a system text of a pack."""

    message_id: str
    texts: Texts
    owner: str
    source: str


@dataclass(frozen=True)
class PackFact:
    """A fact of a pack. Its times are counted from the moment it is loaded, so that a sample city is always fresh."""

    type: str
    key: str
    data: Mapping[str, Any]
    age: timedelta
    lasts: timedelta
    source: str
    owner: str
    visibility: str
    position: int


@dataclass(frozen=True)
class PackIncident:
    """The incident that a sample city is in."""

    name: str
    hazard: str
    phase: str
    level: str
    zones: tuple[str, ...]
    age: timedelta


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


def read_pack(folder: Path) -> Pack:
    """Reads a pack. Raises `NotFound` when there is none, `BadInput` naming the file and field when something in it is wrong."""
    if not folder.is_dir():
        raise NotFound(f"There is no pack {folder.name}.")
    city = dict(read_yaml(folder / "city.yml") or {}) if (folder / "city.yml").exists() else {}
    fictional = bool(city.pop("fictional", False))
    for name in ("menus", "link_hosts"):
        if (folder / f"{name}.yml").exists():
            city[name] = read_yaml(folder / f"{name}.yml")
    return Pack(
        name=folder.name,
        fictional=fictional,
        topics=tuple(read_topic(path) for path in sorted((folder / "topics").glob("*.yml"))),
        system=read_system(folder / "system.yml") if (folder / "system.yml").exists() else (),
        city=city,
        facts=tuple(_facts(folder)),
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
            Incident(one.name, one.hazard, one.phase, one.level, one.zones, now - one.age)
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


def fact_at(fact: PackFact, now: datetime) -> Fact:
    """A fact of a pack loaded at `now`."""
    return Fact(
        type=fact.type,
        key=fact.key,
        data=fact.data,
        as_of=now - fact.age,
        expires_at=now + fact.lasts,
        source=fact.source,
        owner=fact.owner,
        public=fact.visibility == "public",
        position=fact.position,
    )


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


class _Status(_File):
    en: Line
    es: Line
    as_of: str = "-30m"
    expires: str = "+7d"
    source: Line
    owner: Name


class _Incident(_File):
    name: Line
    hazard: Hazard
    phase: Literal["before", "during", "after", "recovery"]
    level: Literal["monitor", "partial", "full"]
    zones: tuple[Line, ...] = ()
    started: str = "-1d"


class _Row(_File):
    """One line of a table of facts."""

    key: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=100)]
    source: Line
    owner: Name
    as_of: str = "-30m"
    expires: str = "+7d"
    visibility: Literal["public", "agents_only"] = "public"
    fields: dict[str, Any] = Field(default_factory=dict)


def _facts(folder: Path) -> Iterable[PackFact]:
    for path in sorted((folder / "facts").glob("*.csv")):
        yield from _table(path)
    if (folder / "status.yml").exists():
        yield from _status(folder / "status.yml")


def _table(path: Path) -> Iterable[PackFact]:
    with path.open(encoding="utf-8", newline="") as file:
        for position, row in enumerate(csv.DictReader(file)):
            where = f"{path.name}: line {position + 2}"
            if None in row:
                raise BadInput(f"{where}: has more cells than the first line. Put quotes around cells that hold a comma.")
            cells = {name: text.strip() for name, text in row.items() if text and text.strip()}
            own = {name: cells.pop(name) for name in ("key", "source", "owner", "as_of", "expires", "visibility") if name in cells}
            try:
                parsed = _Row.model_validate(own)
            except ValidationError as error:
                raise BadInput(explain(error, file=where)) from error
            yield PackFact(
                type=path.stem,
                key=parsed.key,
                data=checked_data(path.stem, _nested(cells), where=where),
                age=-_offset(parsed.as_of, where),
                lasts=_offset(parsed.expires, where),
                source=parsed.source,
                owner=parsed.owner,
                visibility=parsed.visibility,
                position=position,
            )


def _nested(cells: Mapping[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, text in cells.items():
        field_name, _, language = name.rpartition("_")
        if field_name in ("hours", "note", "text"):
            data.setdefault(field_name, {})[language] = text
        elif name == "zips":
            data[name] = tuple(text.split())
        else:
            data[name] = text
    return data


def _status(path: Path) -> Iterable[PackFact]:
    for position, (name, value) in enumerate((read_yaml(path) or {}).items()):
        if name not in STATUS_LINES:
            raise BadInput(f"{path.name}: {name}: is no status line. docs/topics.md lists them.")
        try:
            parsed = _Status.model_validate(value)
        except ValidationError as error:
            raise BadInput(explain(error, file=f"{path.name}: {name}")) from error
        where = f"{path.name}: {name}"
        yield PackFact(
            type=STATUS,
            key=name,
            data=checked_data(STATUS, {"text": {"en": parsed.en, "es": parsed.es}}, where=where),
            age=-_offset(parsed.as_of, where),
            lasts=_offset(parsed.expires, where),
            source=parsed.source,
            owner=parsed.owner,
            visibility="public",
            position=position,
        )


def _incident(path: Path) -> PackIncident:
    try:
        parsed = _Incident.model_validate(read_yaml(path))
    except ValidationError as error:
        raise BadInput(explain(error, file=path.name)) from error
    age = -_offset(parsed.started, path.name)
    return PackIncident(parsed.name, parsed.hazard, parsed.phase, parsed.level, tuple(parsed.zones), age)


def _offset(text: str, where: str) -> timedelta:
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise BadInput(f"{where}: {text!r} is no time. Write -20m, -3h, +12h or +7d, counted from the moment of loading.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
