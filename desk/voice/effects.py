"""What is to be done at Twilio once a change is committed, and the addresses that are given to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

WHISPER, KEY, LEFT, STATUS, CONFERENCE, JOIN, TALKED, BACK, PSAP, DIAL, DIALED = (
    f"/twilio/voice/desk/{name}"
    for name in ("whisper", "key", "left", "status", "conference", "join", "talked", "back", "psap", "dial", "dialed")
)
SOUND: Final = "/twilio/voice/hold.wav"
"""What is heard on hold and while the other one is not there yet."""


@dataclass(frozen=True)
class Dial:
    """Let the agent's telephone ring."""

    leg_id: int


@dataclass(frozen=True)
class Lead:
    """Lead the caller elsewhere."""

    conversation_id: int
    sid: str
    path: str
    token: str = ""
    to: str = ""


@dataclass(frozen=True)
class End:
    """End the agent's part of the call."""

    sid: str


@dataclass(frozen=True)
class Hold:
    """Hold the caller, or let them back."""

    leg_id: int
    on: bool


Effect = Dial | Lead | End | Hold


def address(base: str, path: str, **query: str) -> str:
    """The absolute address of a step; Twilio's REST API takes no relative one."""
    return f"{base}{path}?{urlencode(query)}"


def room(token: str) -> str:
    """The name of a leg's conference. Twilio asks for names that tell nothing about a person."""
    return f"talk-{token}"
