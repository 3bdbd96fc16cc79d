"""The addresses of the steps of a call. Each carries where the call stands, signed, so that a step repeated by Twilio is the same
step, and a process that never saw the call can go on with it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from ivr.flow import Stage
from server.identity.keys import Keys

TURN, WAIT, EMERGENCY, WHISPER, AGENT, HOLD, PARTIAL, CUT_IN, RECORDED, TRANSCRIPT = (
    f"/twilio/voice/{name}"
    for name in (
        "turn",
        "wait",
        "emergency",
        "whisper",
        "agent",
        "hold.wav",
        "partial",
        "cut-in",
        "recorded",
        "transcript",
    )
)


@dataclass(frozen=True)
class Position:
    """Where a call stands: what was heard last, the number of the next step, the language, the rounds of waiting."""

    stage: Stage = Stage.GREETING
    step: int = 1
    language: str = "en"
    rounds: int = 0

    def next(self, stage: Stage, language: str) -> Position:
        """The position one step further."""
        return replace(self, stage=stage, step=self.step + 1, language=language, rounds=0)


@dataclass(frozen=True)
class Links:
    """Writes and reads the addresses of one call."""

    base: str
    keys: Keys
    call: str

    def to(self, path: str, position: Position) -> str:
        """The address of a step; relative when the public address is not configured, which TwiML allows."""
        values = f"{position.stage}.{position.step}.{position.language}.{position.rounds}"
        return f"{self.base}{path}?{urlencode({'c': self.call, 's': values, 'k': self._sign(values)})}"

    def read(self, query: Mapping[str, str], form: Mapping[str, str]) -> Position:
        """The position in an address. One that is missing or was signed with another key is a fresh step of the same call, known
        by what the caller did: what they say is heard all the same."""
        values = query.get("s", "")
        if hmac.compare_digest(self._sign(values).encode(), query.get("k", "").encode()):
            with suppress(ValueError):
                stage, step, language, rounds = values.split(".")
                return Position(Stage(stage), int(step), language, int(rounds))
        done = "\x1f".join(f"{name}={form.get(name, '')}" for name in ("Digits", "SpeechResult", "CallStatus"))
        return Position(Stage.OPEN, 10**6 + int(hashlib.sha256(done.encode()).hexdigest()[:6], 16))

    def _sign(self, values: str) -> str:
        return self.keys.sign(f"voice:{self.call}:{values}")
