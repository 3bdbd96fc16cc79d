"""What comes in and what goes back, on every channel: the values that the spine takes and gives."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

from knowledge.library import Said


class Channel(StrEnum):
    """How a resident reached us."""

    SMS = "sms"
    WEB = "web"
    IVR = "ivr"

    @property
    def words(self) -> Literal["sms", "web", "voice"]:
        """The variant of an approved message that this channel speaks."""
        return {Channel.SMS: "sms", Channel.WEB: "web", Channel.IVR: "voice"}[self]  # type: ignore[return-value]


class Outcome(StrEnum):
    """What a turn led to, one each."""

    EMERGENCY_911 = "emergency_911"
    CRISIS_988 = "crisis_988"
    AGENT = "agent"
    ANSWER = "answer"
    CLARIFY = "clarify"
    OUT_OF_SCOPE = "out_of_scope"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    MENU = "menu"
    MENU_CHOICE = "menu_choice"
    REPROMPT = "reprompt"
    GREET = "greet"
    GOODBYE = "goodbye"
    FORM = "form"


Role = Literal["card", "safety", "answer", "system"]
"""What a part is: a 911, 988 or protective card, the safety line, an answer, or a system text."""

Kind = Literal["text", "speech", "keys", "silence", "start", "recorded"]
Engine = Literal["rasa", "menu", "static", "carrier", "desk", "triage"]


@dataclass(frozen=True)
class Inbound:
    """One inbound message, key press, utterance, silence, or the start of a call or chat."""

    channel: Channel
    claim: str
    """The provider's own id, such as a MessageSid: the same one twice is one message."""
    key: str
    """What the conversation is known by: a hash of both numbers, a CallSid, a web session."""
    text: str
    kind: Kind = "text"
    person: str | None = None
    """Keyed hash of the resident's number, or nothing when it is withheld or there is none."""
    contact: str | None = None
    """Sealed number of the resident."""
    our_address: str | None = None
    language: str | None = None
    """A language that the resident chose in so many words or by a key; nothing otherwise."""
    media: int = 0
    opt_out_type: str | None = None
    """`STOP`, `START` or `HELP` when the provider has already answered a carrier keyword itself."""
    confidence: float | None = None

    def storable(self) -> Inbound:
        """The same message without NUL, which PostgreSQL refuses, and without halves of a character, which no UTF-8 holds."""
        return replace(self, text=self.text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8"))


@dataclass(frozen=True)
class Option:
    """One thing a resident can choose: by its number, its key or its button."""

    value: str
    label: str


QUIET_CARDS = frozenset({"card.silent", "card.silent_noted"})
"""Cards for a telephone or screen that somebody else may be watching: nothing about them may look like an alarm."""


def shown_role(message_id: str, role: str) -> str:
    """How a part is made to look: a card for a watched screen looks like any other line with 911 in it."""
    return "safety" if message_id in QUIET_CARDS else role


@dataclass(frozen=True)
class Part:
    """One approved text of a reply."""

    message_id: str
    version: int
    language: str
    text: str
    html: str | None = None
    role: Role = "answer"
    more: tuple[str, ...] = ()
    missing: bool = False

    @classmethod
    def of(cls, said: Said, role: Role) -> Part:
        """A rendered message as a part of a reply."""
        return cls(said.message_id, said.version, said.language, said.text, said.html, role, said.more, said.missing)

    @property
    def reference(self) -> str:
        """The message and its version, as stored with the turn."""
        return f"{self.message_id}@{self.version}"


@dataclass(frozen=True)
class Reply:
    """What one turn answers. The parts are in the order in which they are read; a 911 line is always the first."""

    outcome: Outcome
    parts: tuple[Part, ...] = ()
    language: str = "en"
    topic: str | None = None
    topics: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    level: str = "none"
    category: str | None = None
    engine: Engine = "rasa"
    conversation: str | None = None
    """The reference that staff and residents call the conversation by."""
    owner: str = "bot"
    duplicate: bool = False

    @property
    def text(self) -> str:
        """All parts as one plain text."""
        return "\n\n".join(part.text for part in self.parts)

    @property
    def safety_line(self) -> bool:
        """True when the reply carries the 911 line or the safety line."""
        return any(part.role in ("card", "safety") for part in self.parts)

    @property
    def emergency(self) -> bool:
        """True when the reply must go out whoever owns the conversation."""
        return bool(self.parts) and self.parts[0].role == "card"

    def to_json(self) -> dict[str, Any]:
        """The reply as it is stored with its claim, so that a repeated request gets the same."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reply:
        """The stored reply again, marked as a duplicate."""
        parts = tuple(Part(**{**part, "more": tuple(part["more"])}) for part in data["parts"])
        options = tuple(Option(**option) for option in data["options"])
        own = ("parts", "options", "topics", "outcome", "duplicate")
        rest = {key: value for key, value in data.items() if key not in own}
        return cls(
            outcome=Outcome(data["outcome"]), parts=parts, options=options, topics=tuple(data["topics"]), duplicate=True, **rest
        )

    def led_by(self, *parts: Part) -> Reply:
        """The reply with other parts before its own."""
        return replace(self, parts=(*parts, *self.parts))


@dataclass(frozen=True)
class Asked:
    """What the assistant is asked in one turn, with what it needs to know of the conversation."""

    conversation_id: int
    reference: str
    channel: Channel
    kind: Kind
    text: str
    language: str
    place: str | None
    topic: str | None
    """The topic of the last half hour, for follow-ups."""
    memory: dict[str, Any]
    tracker: bytes | None
    confidence: float | None = None
    """How sure the speech recogniser was, where it says so."""
    level: str = "none"
    category: str | None = None
    """What the triage said of the text."""


@dataclass(frozen=True)
class Answered:
    """What the assistant decided. `handoff` names the reason when a person must take over."""

    outcome: Outcome
    parts: tuple[Part, ...] = ()
    topic: str | None = None
    topics: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    handoff: str | None = None
    slots: dict[str, Any] = field(default_factory=dict)
    place: str | None = None
    language: str | None = None
    memory: dict[str, Any] = field(default_factory=dict)
    tracker: bytes | None = None
    confidence: float | None = None
    engine: Engine = "rasa"
