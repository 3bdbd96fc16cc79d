"""The JSON of the simulator's phones."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, StringConstraints

from knowledge.rendering.segments import measure
from server.twilio.standin import Call, OutboundCall

_CARRIER = "[carrier] "

Number = Annotated[str, StringConstraints(max_length=20)]


class TextIn(BaseModel):
    """A text from one of the simulated numbers."""

    sender: Number
    body: Annotated[str, StringConstraints(min_length=1, max_length=1600)]


class CallIn(BaseModel):
    """A call from one of the simulated numbers."""

    sender: Number


class KeysIn(BaseModel):
    """Keys that the caller presses."""

    keys: Annotated[str, StringConstraints(pattern=r"^[0-9*#]{1,20}$")]


class SpeechIn(BaseModel):
    """What the caller says, as a recogniser heard it."""

    words: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    confidence: float = 0.9


class DialIn(BaseModel):
    """How a transfer ends."""

    result: Literal["completed", "busy", "no-answer"]


class TextOut(BaseModel):
    """One text as the carrier counts it."""

    text: str
    carrier: bool
    segments: int
    encoding: str


class TextsOut(BaseModel):
    """Every text that reached a number, what its last own text cost, and whether the carrier blocks it."""

    sent: TextOut | None
    received: list[TextOut]
    blocked: bool


class EventOut(BaseModel):
    """One step of a call."""

    kind: str
    text: str
    language: str
    attributes: dict[str, Any]


class RingIn(BaseModel):
    """How an agent's telephone that rings is not picked up."""

    result: Literal["busy", "no-answer"]


class CallOut(BaseModel):
    """A call as far as it has run. `number` is what is being dialed, or the agent's own; `held` is true on hold."""

    sid: str
    state: str
    ended_by: str
    number: str
    held: bool
    language: str
    speech: bool
    events: list[EventOut]


class AgentsOut(BaseModel):
    """The calls to agents' telephones that are not over, the newest last."""

    calls: list[CallOut]


def text_out(text: str) -> TextOut:
    """A text with its segments."""
    measured = measure(text)
    carrier = text.startswith(_CARRIER)
    return TextOut(text=text.removeprefix(_CARRIER), carrier=carrier, segments=measured.segments, encoding=measured.encoding)


def call_out(call: Call) -> CallOut:
    """A call as JSON."""
    gathers = [event.attributes for event in call.events if event.kind == "gather"]
    last = gathers[-1] if gathers else {}
    return CallOut(
        sid=call.sid,
        state=call.state,
        ended_by=call.ended_by,
        number=call.to if isinstance(call, OutboundCall) else call.dialed[-1] if call.state == "dialing" else "",
        held=call.held,
        language=last.get("language", "en-US"),
        speech=call.recording or "speech" in last.get("input", "dtmf"),
        events=[EventOut(kind=e.kind, text=e.text, language=e.language, attributes=dict(e.attributes)) for e in call.events],
    )
