"""Topics: what residents ask about, as content writers keep them in one file each (docs/topics.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from knowledge.yaml_files import explain, read_yaml
from server.errors import BadInput

ChannelName = Literal["sms", "web", "voice"]
Phase = Literal["all", "before", "during", "after", "recovery"]
Hazard = Literal[
    "all", "hurricane", "flood", "tornado", "wildfire", "winter", "heat", "earthquake", "outage",
    "water", "hazmat", "epidemic", "incident", "event",
]  # fmt: skip

CHANNELS: Final[tuple[ChannelName, ...]] = get_args(ChannelName)
PHASES: Final[tuple[str, ...]] = get_args(Phase)
HAZARDS: Final[tuple[str, ...]] = get_args(Hazard)
FALLBACK_LANGUAGE: Final = "en"
LANGUAGES: Final = ("en", "es")
"""Every shipped text stands in these; a city may add others."""

Texts = Mapping[str, Mapping[str, str]]
"""A text by language and channel."""


@dataclass(frozen=True)
class MessageText:
    """One thing that may be said on a topic. `phases` is empty when it fits every phase, `hazards` when it fits every incident."""

    variant: str
    phases: tuple[str, ...]
    texts: Texts
    hazards: tuple[str, ...] = ()


@dataclass(frozen=True)
class Topic:
    """One thing residents ask about, with example phrasings for the understanding and messages in the order tried."""

    intent: str
    title: Mapping[str, str]
    hazards: tuple[str, ...]
    phases: tuple[str, ...]
    owner: str
    sources: tuple[str, ...]
    ask: tuple[str, ...]
    complex: str
    emergency: str
    keywords: Mapping[str, tuple[str, ...]]
    examples: Mapping[str, tuple[str, ...]]
    messages: tuple[MessageText, ...] = ()
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The hazards of the variants that are said in some incidents only, whichever version of them is in force."""

    def data(self) -> dict[str, Any]:
        """All but the messages, as it is stored."""
        only = {variant: list(hazards) for variant, hazards in self.only.items()}
        return {
            "intent": self.intent,
            "title": dict(self.title),
            "hazards": list(self.hazards),
            "phases": list(self.phases),
            "owner": self.owner,
            "sources": list(self.sources),
            "ask": list(self.ask),
            "complex": self.complex,
            "emergency": self.emergency,
            "keywords": {language: list(words) for language, words in self.keywords.items()},
            "examples": {language: list(texts) for language, texts in self.examples.items()},
            **({"only": only} if only else {}),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any], messages: Iterable[MessageText] = ()) -> Topic:
        """The topic again from what is stored."""
        only = {variant: tuple(hazards) for variant, hazards in data.get("only", {}).items()}
        return cls(
            intent=data["intent"],
            title=dict(data["title"]),
            hazards=tuple(data["hazards"]),
            phases=tuple(data["phases"]),
            owner=data["owner"],
            sources=tuple(data["sources"]),
            ask=tuple(data["ask"]),
            complex=data["complex"],
            emergency=data["emergency"],
            keywords={language: tuple(words) for language, words in data["keywords"].items()},
            examples={language: tuple(texts) for language, texts in data["examples"].items()},
            messages=tuple(replace(one, hazards=only.get(one.variant, ())) for one in messages),
            only=only,
        )

    def with_messages(self, messages: Iterable[MessageText]) -> Topic:
        """The topic with other messages."""
        return replace(self, messages=tuple(messages))

    def fits(self, *, hazards: frozenset[str], phase: str) -> bool:
        """True when the topic belongs to one of the hazards and to the phase."""
        return bool({"all", *hazards} & set(self.hazards)) and bool({"all", phase} & set(self.phases))


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=48)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChannelTexts(_File):
    """The wording of one message in one language."""

    sms: Line
    web: Line
    voice: Line


class MessageFile(_File):
    """One entry of `messages`: the languages stand beside `variant`, `phases` and `hazards`."""

    variant: Name
    phases: tuple[Phase, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    texts: dict[Language, ChannelTexts]

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "texts" in value:
            return value
        own = ("variant", "phases", "hazards")
        texts = {key: text for key, text in value.items() if key not in own}
        return {key: value[key] for key in own if key in value} | {"texts": texts}

    @model_validator(mode="after")
    def _english(self) -> MessageFile:
        if FALLBACK_LANGUAGE not in self.texts:
            raise ValueError("needs an English text (en), which is what a missing language falls back to")
        return self

    def text(self) -> MessageText:
        """The message as it is used inside."""
        return MessageText(self.variant, tuple(self.phases), {name: texts.model_dump() for name, texts in self.texts.items()})


class TopicFile(_File):
    """A topic as it stands in its file."""

    intent: Name
    title: dict[Language, Line]
    hazards: Annotated[tuple[Hazard, ...], Field(min_length=1)]
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    owner: Name
    sources: Annotated[tuple[Line, ...], Field(min_length=1)]
    ask: tuple[Name, ...] = ()
    complex: Line
    emergency: Line
    keywords: dict[Language, Annotated[tuple[Line, ...], Field(min_length=1)]]
    examples: dict[Language, Annotated[tuple[Line, ...], Field(min_length=1)]]
    messages: Annotated[tuple[MessageFile, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> TopicFile:
        for name, value in (("title", self.title), ("keywords", self.keywords), ("examples", self.examples)):
            if FALLBACK_LANGUAGE not in value:
                raise ValueError(f"{name} needs an English entry (en)")
        names = [message.variant for message in self.messages]
        if len(names) != len(set(names)):
            raise ValueError("two messages have the same variant name; give each its own")
        return self


def parse_topic(data: object, *, file: str) -> Topic:
    """The topic that `data` describes. Raises `BadInput` naming the file, the field and what to do."""
    try:
        parsed = TopicFile.model_validate(data)
    except ValidationError as error:
        raise BadInput(explain(error, file=file)) from error
    only = {message.variant: message.hazards for message in parsed.messages if message.hazards and "all" not in message.hazards}
    return Topic.from_data(parsed.model_dump(exclude={"messages"}) | {"only": only}, [one.text() for one in parsed.messages])


def read_topic(path: Path) -> Topic:
    """The topic in one file, whose name is the intent."""
    topic = parse_topic(read_yaml(path), file=path.name)
    if topic.intent != path.stem:
        raise BadInput(f"{path.name}: intent: is {topic.intent!r}; name the file {topic.intent}.yml or change the intent.")
    return topic
