"""The call flow as tables: where a call stands, what the caller did, and what follows. Values in, values out.

Keys that mean the same everywhere: `0` a person, `9` again, `*` back, `#` the choices, and 911 an emergency. They are taken one
at a time, so that a choice acts at once; a 9 therefore waits two seconds for the rest of 911 before it means "again"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from server.conversations.ownership import Owner
from server.conversations.turn import Kind, Outcome, Reply


class Stage(StrEnum):
    """What the caller has just heard, and so what an answer means."""

    GREETING = "greeting"
    OPEN = "open"
    UNHEARD = "unheard"
    KEYS = "keys"
    NINE = "nine"
    CARD = "card"
    WAITING = "waiting"
    LATER = "later"


@dataclass(frozen=True)
class Heard:
    """What came back from one gathering: keys, words, or neither."""

    digits: str = ""
    speech: str = ""
    confidence: float | None = None

    @property
    def silent(self) -> bool:
        """True when nothing came."""
        return not self.digits and not self.speech


@dataclass(frozen=True)
class Ask:
    """Put this to the assistant, as what was said, pressed or not said."""

    kind: Kind
    text: str = ""
    language: str | None = None


@dataclass(frozen=True)
class Finish911:
    """Listen briefly for the rest of 911."""


@dataclass(frozen=True)
class Connect:
    """Connect to the 911 center now."""


@dataclass(frozen=True)
class Wait:
    """Go on waiting for a person."""


@dataclass(frozen=True)
class Record:
    """Record a message."""


Move = Ask | Finish911 | Connect | Wait | Record

PERSON, AGAIN, BACK, CHOICES, ENGLISH, SPANISH = "agent", "repeat", "back", "menu", "en", "es"
"""What the keys are called when they are put to the assistant, so that an agent who reads the call understands them."""

_EMERGENCY: Final = Ask("keys", "911")
_SILENCE: Final = "silence"

KEYS: Final[dict[str, Move]] = {
    "0": Ask("keys", PERSON),
    "9": Finish911(),
    "*": Ask("keys", BACK),
    "#": Ask("keys", CHOICES),
    **{digit: Ask("keys", digit) for digit in "12345678"},
    _SILENCE: Ask("silence"),
}
"""What follows a key or silence, unless the stage says otherwise."""

MOVES: Final[dict[Stage, dict[str, Move]]] = {
    Stage.GREETING: {"1": Ask("keys", ENGLISH, "en"), "2": Ask("keys", SPANISH, "es")},
    Stage.OPEN: {},
    Stage.UNHEARD: {"1": _EMERGENCY},
    Stage.KEYS: {},
    Stage.NINE: {"1": _EMERGENCY, _SILENCE: Ask("keys", AGAIN), "9": Ask("keys", AGAIN)},
    Stage.CARD: {**dict.fromkeys([*"013456789*#", _SILENCE], Connect()), "2": Ask("keys", "2")},
    Stage.WAITING: dict.fromkeys([*"0123456789*#", _SILENCE], Wait()),
    Stage.LATER: {"1": Record()},
}
"""What a stage does differently."""


def decide(stage: Stage, heard: Heard) -> Move:
    """What follows. A 9 and a 1 next to each other are 911 with a key lost on the way; words are always put to the assistant,
    which looks for an emergency first."""
    keys = re.sub(r"[^0-9*#]", "", heard.digits)
    if "91" in keys:
        return _EMERGENCY
    if stage is Stage.NINE and keys.startswith("1"):
        return _EMERGENCY
    if heard.speech:
        return Ask("speech", heard.speech)
    if len(keys) > 1 and stage not in (Stage.WAITING, Stage.CARD):
        return Ask("keys", keys)
    key = keys[:1] or _SILENCE
    return MOVES[stage].get(key, KEYS[key])


_STAGES: Final[tuple[tuple[str, Stage], ...]] = (
    ("system.no_input_keys", Stage.KEYS),
    ("system.no_input", Stage.UNHEARD),
    ("card.unclear", Stage.UNHEARD),
    ("system.greeting_voice", Stage.GREETING),
    ("system.handoff_after_hours", Stage.LATER),
    ("system.callback_noted", Stage.LATER),
)
"""The messages after which a key means something of its own."""


def stage_after(reply: Reply) -> Stage:
    """Where a call stands once a reply has been said; read from the reply alone, so that a repeated request gives the same."""
    if reply.outcome is Outcome.EMERGENCY_911:
        return Stage.CARD
    if reply.owner in (Owner.QUEUED, Owner.AGENT):
        return Stage.WAITING
    said = {part.message_id for part in reply.parts}
    return next((stage for message_id, stage in _STAGES if message_id in said), Stage.OPEN)


@dataclass(frozen=True)
class Listen:
    """How long and for what a stage listens. `digits` keys end the listening at once."""

    speech: bool
    timeout: int
    digits: int = 1


LISTEN: Final[dict[Stage, Listen]] = {
    Stage.GREETING: Listen(speech=True, timeout=6),
    Stage.OPEN: Listen(speech=True, timeout=7),
    Stage.UNHEARD: Listen(speech=True, timeout=10),
    Stage.KEYS: Listen(speech=False, timeout=12),
    Stage.NINE: Listen(speech=True, timeout=2, digits=2),
    Stage.CARD: Listen(speech=True, timeout=10),
    Stage.WAITING: Listen(speech=True, timeout=3, digits=3),
    Stage.LATER: Listen(speech=True, timeout=10),
}
