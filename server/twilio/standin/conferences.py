"""Conferences at Twilio's end: who is in, when one starts and ends, and what is reported of it.

The rules are those of Twilio's `<Conference>` page: it starts when two are in and one of them starts it, ends when a participant
leaves whose `endConferenceOnExit` is set or when nobody is left, and tells the callback that the first participant named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from xml.etree.ElementTree import Element

from server.twilio.standin.records import Refusal, new_sid

_EVENTS: Final = {
    "start": ("conference-start",),
    "end": ("conference-end",),
    "join": ("participant-join",),
    "leave": ("participant-leave",),
    "hold": ("participant-hold", "participant-unhold"),
}
"""What each word of `statusCallbackEvent` reports."""

Report = Callable[[str, Mapping[str, str]], None]
"""Puts one callback in line: its address and its fields."""


class Leg(Protocol):
    """What a conference needs of a call."""

    sid: str

    async def conference_over(self) -> None:
        """The conference ended; the call goes on with what stands after it."""
        ...


@dataclass
class Participant:
    """One call in a conference."""

    leg: Leg
    label: str
    starts: bool
    ends: bool
    hold: bool = False
    hold_url: str = ""


@dataclass
class Conference:
    """One conference, by its name."""

    name: str
    report: Report
    sid: str = field(default_factory=lambda: new_sid("CF"))
    participants: dict[str, Participant] = field(default_factory=dict)
    status: str = "init"
    callback: str = ""
    wanted: frozenset[str] = frozenset()
    _number: int = 0

    def join(self, leg: Leg, noun: Element, callback: str) -> None:
        """A call comes in. The first one's callback is the conference's."""
        if not self.participants and callback:
            words = (noun.get("statusCallbackEvent") or "").split()
            self.callback, self.wanted = callback, frozenset(event for word in words for event in _EVENTS.get(word, ()))
        self.participants[leg.sid] = Participant(
            leg,
            noun.get("participantLabel", ""),
            starts=noun.get("startConferenceOnEnter", "true") == "true",
            ends=noun.get("endConferenceOnExit", "false") == "true",
        )
        self._tell("participant-join", leg.sid)
        if self.status == "init" and len(self.participants) > 1 and any(one.starts for one in self.participants.values()):
            self.status = "in-progress"
            self._tell("conference-start", leg.sid)

    async def leave(self, sid: str) -> None:
        """A call leaves, and takes the others out with it when it ends the conference."""
        gone = self.participants.get(sid)
        if gone is None:
            return
        self._tell("participant-leave", sid)
        del self.participants[sid]
        if self.participants and not gone.ends:
            return
        self.status = "completed"
        self._tell("conference-end", sid, {"CallSidEndingConference": sid})
        left, self.participants = list(self.participants.values()), {}
        for one in left:
            await one.leg.conference_over()

    def hold(self, sid: str, *, on: bool, url: str) -> Participant:
        """Holds a participant, or lets them back. Raises `Refusal` as Twilio does for one who is not in."""
        one = self.participants.get(sid)
        if one is None:
            raise Refusal(404, 20404, "The requested resource was not found")
        one.hold, one.hold_url = on, url if on else ""
        self._tell("participant-hold" if on else "participant-unhold", sid)
        return one

    def _tell(self, event: str, sid: str, more: Mapping[str, str] | None = None) -> None:
        if event not in self.wanted:
            return
        self._number += 1
        one = self.participants.get(sid)
        about = {"CallSid": sid, "ParticipantLabel": one.label, "Hold": str(one.hold).lower(), "Muted": "false"} if one else {}
        fields = {
            "ConferenceSid": self.sid,
            "FriendlyName": self.name,
            "StatusCallbackEvent": event,
            "SequenceNumber": str(self._number),
            **about,
            **(more or {}),
        }
        self.report(self.callback, fields)


class Conferences:
    """The conferences of an account. One that has ended makes room for a new one of the same name."""

    def __init__(self, report: Report, release: Callable[[], Awaitable[object]]) -> None:
        self._report = report
        self.release = release
        self.all: dict[str, Conference] = {}

    def named(self, name: str) -> Conference:
        """The conference that goes by a name, made when there is none."""
        known = self.running(name)
        if known is None:
            known = Conference(name, self._report)
            self.all[known.sid] = known
        return known

    def running(self, name: str) -> Conference | None:
        """The conference that goes by a name and has not ended."""
        return next((one for one in self.all.values() if one.name == name and one.status != "completed"), None)
