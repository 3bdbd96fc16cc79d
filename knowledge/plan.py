"""The templates of the emergency communications plan: wordings that staff fill in when something happens (docs/packs.md).

A template is never said. Filling one makes a draft, which goes the way of every message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from knowledge.city import PLACEHOLDERS
from knowledge.rendering.placeholders import PLACEHOLDER
from knowledge.topics import LANGUAGES, ChannelTexts, Language, Line, Name, Texts
from knowledge.yaml_files import explain, read_yaml
from server.errors import BadInput

FieldType = Literal["text", "name", "number", "time", "date", "phone"]
PlanPhase = Literal["all", "initial", "before", "watch", "protective_action", "response", "relief", "recovery", "close"]

LONGEST: Final[Mapping[str, int]] = {"time": 24, "date": 12, "phone": 14}
"""The longest way in which these types are written in a text message; the others carry a `max` of their own."""

_CITY_LENGTHS: Final[Mapping[str, int]] = {"page": 32, "phone": 14, "number": 3, "text": 24}
_CITY_LENGTHS_OF: Final[Mapping[str, int]] = {"city": 20, "agent_hours": 40, "languages": 80}


def city_length(name: str) -> int:
    """The room that a plan template keeps for a city value, in characters as they are sent."""
    return _CITY_LENGTHS_OF.get(name, _CITY_LENGTHS[PLACEHOLDERS[name]])


@dataclass(frozen=True)
class PlanField:
    """A gap that staff fill: what kind of value, how long at most, and what to put there."""

    name: str
    type: FieldType
    max: int
    label: Mapping[str, str]

    def data(self) -> dict[str, Any]:
        """As it is stored and written to `plan_fields.yml`."""
        limit = {} if self.type in LONGEST else {"max": self.max}
        return {"type": self.type, **limit, **self.label}


@dataclass(frozen=True)
class Cap:
    """How the message is classed in the Common Alerting Protocol 1.2."""

    category: str
    response: str
    urgency: str
    severity: str
    certainty: str


@dataclass(frozen=True)
class PlanTemplate:
    """One wording of the plan. `topic` is the one whose questions the filled message answers, when there is one."""

    name: str
    title: Mapping[str, str]
    phase: PlanPhase
    purpose: Mapping[str, str]
    owner: str
    topic: str | None
    cap: Cap
    texts: Texts
    guidance: Mapping[str, tuple[str, ...]]
    fields: tuple[PlanField, ...]

    def data(self) -> dict[str, Any]:
        """As it is stored and written to its file; the fields stand in a list of their own."""
        return {
            "name": self.name,
            "title": dict(self.title),
            "phase": self.phase,
            "purpose": dict(self.purpose),
            "owner": self.owner,
            **({"topic": self.topic} if self.topic else {}),
            "cap": dict(vars(self.cap)),
            "texts": {language: dict(channels) for language, channels in self.texts.items()},
            "guidance": {language: list(items) for language, items in self.guidance.items()},
        }


def in_order(languages: Iterable[str]) -> list[str]:
    """The shipped languages first, then the others by name, so that files are written the same way from every database."""
    return sorted(languages, key=lambda one: (LANGUAGES.index(one) if one in LANGUAGES else len(LANGUAGES), one))


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BothLanguages(_File):
    """One line for staff in each language of the staff pages."""

    en: Line
    es: Line


class _Field(BothLanguages):
    type: FieldType
    max: int | None = Field(default=None, ge=1, le=100)

    @model_validator(mode="after")
    def _measured(self) -> _Field:
        if (self.max is None) == (self.type not in LONGEST):
            raise ValueError("text, name and number need a max; time, date and phone have their own")
        return self


class _Cap(_File):
    category: Literal[
        "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"
    ]  # fmt: skip
    response: Literal["Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"]
    urgency: Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
    severity: Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
    certainty: Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]


class _Template(_File):
    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=38)]
    title: BothLanguages
    phase: PlanPhase
    purpose: BothLanguages
    owner: Name
    topic: Name | None = None
    cap: _Cap
    texts: dict[Language, ChannelTexts]
    guidance: dict[str, Annotated[tuple[Line, ...], Field(min_length=1)]]

    @model_validator(mode="after")
    def _whole(self) -> _Template:
        for field, value in (("texts", self.texts), ("guidance", self.guidance)):
            lacking = [language for language in LANGUAGES if language not in value]
            if lacking:
                raise ValueError(f"{field} lacks {', '.join(lacking)}")
        if set(self.guidance) != set(LANGUAGES):
            raise ValueError(f"guidance is for staff, in {' and '.join(LANGUAGES)} only")
        return self


def parse_fields(data: object, *, file: str) -> dict[str, PlanField]:
    """The list of fields by name. Raises `BadInput` naming what is wrong."""
    if not isinstance(data, Mapping):
        raise BadInput(f"{file}: must list fields by name. docs/packs.md shows how.")
    fields = {}
    for name, value in data.items():
        try:
            one = _Field.model_validate(value)
        except ValidationError as error:
            raise BadInput(explain(error, file=f"{file}: {name}", guide="docs/packs.md")) from error
        if name in PLACEHOLDERS:
            raise BadInput(f"{file}: {name}: is a value of the city already. Choose another name.")
        fields[str(name)] = PlanField(str(name), one.type, one.max or LONGEST[one.type], {"en": one.en, "es": one.es})
    return fields


def parse_template(data: object, *, fields: Mapping[str, PlanField], file: str) -> PlanTemplate:
    """The template that `data` describes. Raises `BadInput` naming the file, the field and what to do."""
    try:
        parsed = _Template.model_validate(data)
    except ValidationError as error:
        raise BadInput(explain(error, file=file, guide="docs/packs.md")) from error
    texts = {language: parsed.texts[language].model_dump() for language in in_order(parsed.texts)}
    names = dict.fromkeys(name for channels in texts.values() for text in channels.values() for name in PLACEHOLDER.findall(text))
    unknown = [name for name in names if name not in fields and name not in PLACEHOLDERS]
    if unknown:
        raise BadInput(f"{file}: {{{unknown[0]}}} is neither in plan_fields.yml nor a value of the city (docs/topics.md).")
    return PlanTemplate(
        name=parsed.name,
        title=parsed.title.model_dump(),
        phase=parsed.phase,
        purpose=parsed.purpose.model_dump(),
        owner=parsed.owner,
        topic=parsed.topic,
        cap=Cap(**parsed.cap.model_dump()),
        texts=texts,
        guidance={language: parsed.guidance[language] for language in LANGUAGES},
        fields=tuple(fields[name] for name in names if name in fields),
    )


def read_plan(folder: Path) -> tuple[dict[str, PlanField], tuple[PlanTemplate, ...]]:
    """The fields and templates of a pack's folder; nothing when it has no plan."""
    listed = folder / "plan_fields.yml"
    fields = parse_fields(read_yaml(listed), file=listed.name) if listed.exists() else {}
    templates = []
    for path in sorted((folder / "plan").glob("*.yml")):
        template = parse_template(read_yaml(path), fields=fields, file=f"plan/{path.name}")
        if template.name != path.stem:
            raise BadInput(f"plan/{path.name}: name: is {template.name!r}; name the file {template.name}.yml or change the name.")
        templates.append(template)
    return fields, tuple(templates)
