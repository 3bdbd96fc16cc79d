"""One telephone call at Twilio's end: it fetches TwiML, does what it says, and waits where the caller or a dialed party acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from server.twilio.standin.conferences import Conference, Conferences
from server.twilio.standin.grammar import check
from server.twilio.standin.records import new_sid, recorded_sound
from server.twilio.standin.webhooks import Webhooks

_MOST_HOPS: Final = 20
_WORDS_AT_ONCE: Final = 3


class CallError(Exception):
    """Our TwiML is something that Twilio would refuse, or never comes to an end."""


@dataclass(frozen=True)
class Event:
    """One thing that happened in a call, for captions and for staff."""

    kind: str
    text: str = ""
    language: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


class Call:
    """One call. `state` is `listening`, `dialing`, `conference` or `ended`; `heard` is what the caller was told, in order."""

    may_end = False
    """True where a document may end the call."""

    def __init__(
        self,
        webhooks: Webhooks,
        *,
        sid: str,
        account: str,
        caller: str,
        to: str,
        dial_results: Mapping[str, str],
        recordings: dict[str, bytes],
        conferences: Conferences,
    ) -> None:
        self.sid = sid
        self.caller = caller
        self.to = to
        self.state = "ringing"
        self.ended_by = ""
        self.events: list[Event] = []
        self.documents: list[str] = []
        self._webhooks = webhooks
        self._account = account
        self._dial_results = dial_results
        self._recordings = recordings
        self.transcripts_held = False
        """True keeps back what was written down of recordings until `write_down`."""
        self._transcripts: list[tuple[str, dict[str, str]]] = []
        self._conferences = conferences
        self._conference: Conference | None = None
        self._url = ""
        self._verbs: list[Element] = []
        self._open: Element | None = None
        self._hops = 0

    @property
    def transcript(self) -> list[str]:
        """What was said to the caller, and what the caller did, marked with `> `."""
        shown = {"say": "", "press": "> ", "speech": "> ", "silence": "> "}
        return [shown[event.kind] + (event.text or "...") for event in self.events if event.kind in shown]

    @property
    def heard(self) -> list[str]:
        """What was said to the caller."""
        return [event.text for event in self.events if event.kind == "say"]

    @property
    def last_heard(self) -> str:
        """What was said to the caller since they last did something."""
        out: list[str] = []
        for event in reversed(self.events):
            if event.kind in ("press", "speech", "silence"):
                break
            if event.kind == "say":
                out.append(event.text)
        return " ".join(reversed(out))

    @property
    def dialed(self) -> list[str]:
        """The numbers that were dialed for the caller."""
        return [event.text for event in self.events if event.kind == "dial"]

    async def start(self, url: str) -> None:
        """Fetches the first document and runs it."""
        await self._fetch(url, {"CallStatus": "ringing"})
        await self._run()

    async def press(self, keys: str) -> None:
        """The caller presses keys, one after the other. What is left when a gathering ends goes to the next one; what is pressed
        while nobody gathers is lost."""
        self._note("press", keys)
        if self._gather().tag == "Record":
            # Nothing was said before the key: there is no recording, and Twilio goes on with the next verb.
            self._open = None
            await self._run()
            return
        rest = keys
        while rest and self.state == "listening":
            gather = self._gather()
            most = int(gather.get("numDigits") or "0") or len(rest)
            end = gather.get("finishOnKey", "#")
            digits = rest[:most]
            if end and end in digits:
                digits = digits[: digits.index(end)]
                rest = rest[len(digits) + 1 :]
            else:
                rest = rest[most:]
            await self._act(gather, {"Digits": digits, "msg": "Gather End"})

    async def say(self, words: str, confidence: float | None = 0.9) -> None:
        """The caller speaks; while only keys are gathered this is silence."""
        gather = self._gather()
        if gather.tag == "Record":
            await self._record(gather, words)
            return
        if "speech" not in gather.get("input", "dtmf"):
            await self.silence()
            return
        self._note("speech", words)
        fields = {"SpeechResult": words}
        if confidence is not None:
            fields["Confidence"] = str(confidence)
        await self._act(gather, fields)

    async def speak(self, words: str, confidence: float | None = 0.9) -> None:
        """The caller speaks, and the recogniser tells what it has after every few words; once the call is broken off for it, the
        rest of the sentence is not heard."""
        before, documents = len(self.events), len(self.documents)
        spoken = words.split() if "partialResultCallback" in self._gather().attrib else []
        for end in range(_WORDS_AT_ONCE, len(spoken), _WORDS_AT_ONCE):
            sofar = " ".join(spoken[:end])
            await self.partial(sofar, number=end)
            if len(self.documents) > documents:
                self.events.insert(before, Event("speech", sofar))
                return
        await self.say(words, confidence)

    async def silence(self) -> None:
        """The caller does nothing until the gathering ends by itself."""
        gather = self._gather()
        self._note("silence")
        if gather.get("actionOnEmptyResult") == "true":
            await self._act(gather, {"Digits": ""} if gather.get("input", "dtmf") == "dtmf" else {})
            return
        self._open = None
        await self._run()

    async def partial(self, words: str, *, stable: str = "", number: int = 0) -> int:
        """What the recogniser has of a sentence that the caller has not finished; gives our answer's status."""
        callback = self._gather().get("partialResultCallback")
        if callback is None:
            raise CallError("nobody asked for partial results")
        fields = {"UnstableSpeechResult": words, "StableSpeechResult": stable, "SequenceNumber": str(number)}
        answer = await self._webhooks.send(self._webhooks.address(callback, self._url), self._fields(fields))
        return answer.status

    @property
    def recording(self) -> bool:
        """Whether what the caller says now is recorded."""
        return self.state == "listening" and self._open is not None and self._open.tag == "Record"

    async def write_down(self, status: str = "completed") -> list[int]:
        """Posts the words of the recordings; gives our answers' statuses."""
        waiting, self._transcripts = self._transcripts, []
        answers = []
        for url, fields in waiting:
            told = {**fields, "TranscriptionStatus": status}
            if status != "completed":
                told.pop("TranscriptionText")
            answers.append((await self._webhooks.send(url, told)).status)
        return answers

    async def _record(self, verb: Element, words: str) -> None:
        self._note("speech", words)
        sid, seconds = new_sid("RE"), max(1, len(words.split()) // 2)
        self._recordings[sid] = recorded_sound(seconds)
        fields = {
            "RecordingSid": sid,
            "RecordingUrl": f"https://api.twilio.com/Recordings/{sid}",
            "RecordingDuration": str(seconds),
        }
        if verb.get("transcribeCallback"):
            url = self._webhooks.address(verb.get("transcribeCallback", ""), self._url)
            self._transcripts.append((url, self._fields({**fields, "TranscriptionText": words, "TranscriptionSid": new_sid("TR")})))
        await self._act(verb, {**fields, "Digits": "#"})
        if not self.transcripts_held:
            await self.write_down()

    async def led_to(self, url: str) -> None:
        """The REST API breaks off whatever the call is doing and goes on with another document."""
        if self.state == "ended":
            raise CallError("the call has ended")
        self._note("led", url)
        await self._leave()
        self.state, self._open, self._verbs, self._hops = "in-progress", None, [], 0
        await self._fetch(self._webhooks.address(url), {})
        await self._run()

    async def dial_result(self, status: str) -> None:
        """The dialed party answers (`completed`), or does not (`busy`, `no-answer`, `failed`, `canceled`)."""
        if self.state != "dialing" or self._open is None:
            raise CallError(f"nothing is being dialed: {self.state}")
        await self._dialed(self._open, status)
        await self._run()

    async def hang_up(self, status_path: str = "/twilio/voice/status") -> None:
        """The caller hangs up."""
        await self._leave()
        self._end("caller")
        await self._webhooks.send(
            self._webhooks.address(status_path), self._fields({"CallStatus": "completed", "CallDuration": "9"})
        )

    @property
    def held(self) -> bool:
        """True while this call is on hold in a conference."""
        return self._conference is not None and self._conference.participants[self.sid].hold

    async def conference_over(self) -> None:
        """The conference that this call is in ended: it goes on with the action of its `<Dial>`."""
        dial, self._open, self._conference, self.state = self._open, None, None, "in-progress"
        self._note("conference-over")
        action = dial.get("action") if dial is not None else None
        if action:
            await self._fetch(self._webhooks.address(action, self._url), {"DialCallStatus": "completed"})
        await self._run()

    async def _leave(self) -> None:
        conference, self._conference = self._conference, None
        if conference is not None:
            await conference.leave(self.sid)
            await self._conferences.release()

    async def repeat_last(self) -> str:
        """Twilio's retry of the last request; gives the document that comes back, without acting on it."""
        url, fields = self._last
        return await self._webhooks.document(url, fields, retry=self.sid)

    async def _fetch(self, url: str, fields: Mapping[str, str]) -> None:
        self._hops += 1
        if self._hops > _MOST_HOPS:
            raise CallError("the documents lead to one another without end")
        self._url = url
        self._last = url, self._fields(fields)
        document = await self._webhooks.document(*self._last)
        self.documents.append(document)
        root = ElementTree.fromstring(document)  # noqa: S314  (our own app's answer)
        faults = check(root, may_end=self.may_end)
        if faults:
            raise CallError("; ".join(faults))
        self._verbs = list(root)
        self._open = None

    def _fields(self, fields: Mapping[str, str]) -> dict[str, str]:
        known = {
            "CallSid": self.sid,
            "AccountSid": self._account,
            "From": self.caller,
            "To": self.to,
            "Caller": self.caller,
            "Called": self.to,
            "Direction": self._direction(),
            "CallStatus": "in-progress",
            "ApiVersion": "2010-04-01",
        }
        return {**known, **fields}

    def _direction(self) -> str:
        return "inbound"

    async def _over(self) -> None:
        """The documents came to an end, and the call with them."""

    async def _run(self) -> None:
        while self.state != "ended":
            if not self._verbs:
                self._end("twilio")
                await self._over()
                return
            verb = self._verbs.pop(0)
            if verb.tag in ("Say", "Play", "Pause"):
                self._aloud(verb)
            elif verb.tag == "Gather":
                self._note("gather", "", attributes=verb.attrib)
                for child in verb:
                    self._aloud(child)
                self._open, self.state, self._hops = verb, "listening", 0
                return
            elif verb.tag == "Record":
                self._note("record", attributes=verb.attrib)
                self._open, self.state, self._hops = verb, "listening", 0
                return
            elif verb.tag == "Redirect":
                url = self._webhooks.address((verb.text or "").strip(), self._url)
                self._note("redirect", url)
                await self._fetch(url, {})
            elif verb.tag == "Dial":
                if not await self._dial(verb):
                    return
            else:
                self._note(verb.tag.lower())
                self._end("twiml")

    async def _dial(self, verb: Element) -> bool:
        room = verb.find("Conference")
        if room is not None:
            name = (room.text or "").strip()
            self._note("conference", name, attributes=room.attrib)
            self._open, self.state = verb, "conference"
            self._conference = self._conferences.named(name)
            callback = room.get("statusCallback")
            self._conference.join(self, room, self._webhooks.address(callback, self._url) if callback else "")
            await self._conferences.release()
            return False
        number = next((child.text or "" for child in verb.iter("Number")), (verb.text or "")).strip()
        self._note("dial", number, attributes=verb.attrib)
        self._open, self.state = verb, "dialing"
        result = self._dial_results.get(number)
        if result is None:
            return False
        await self._dialed(verb, result)
        return True

    async def _dialed(self, verb: Element, status: str) -> None:
        number = verb.find("Number")
        if status in ("completed", "answered") and number is not None and number.get("url"):
            url = self._webhooks.address(number.get("url", ""), self._url)
            leg = self._fields({"CallSid": self.sid[:-4] + "0000", "ParentCallSid": self.sid, "Direction": "outbound-dial"})
            document = await self._webhooks.document(url, leg)
            whispered = ElementTree.fromstring(document)  # noqa: S314  (our own app's answer)
            for said in whispered.iter("Say"):
                self._note("whisper", said.text or "", said.get("language", ""))
        self._note("dial-result", status)
        self._open, self.state = None, "in-progress"
        action = verb.get("action")
        if action:
            await self._fetch(
                self._webhooks.address(action, self._url), {"DialCallStatus": status, "DialCallSid": self.sid[:-4] + "0000"}
            )

    async def _act(self, gather: Element, fields: Mapping[str, str]) -> None:
        self.state, self._open = "in-progress", None
        await self._fetch(self._webhooks.address(gather.get("action") or self._url, self._url), fields)
        await self._run()

    def _gather(self) -> Element:
        if self.state != "listening" or self._open is None:
            raise CallError(f"nobody listens: {self.state}")
        return self._open

    def _aloud(self, verb: Element) -> None:
        self._note(verb.tag.lower(), (verb.text or "").strip(), verb.get("language", ""), verb.attrib)

    def _note(self, kind: str, text: str = "", language: str = "", attributes: Mapping[str, Any] | None = None) -> None:
        self.events.append(Event(kind, text, language, dict(attributes or {})))

    def _end(self, by: str) -> None:
        self.state, self.ended_by, self._open, self._verbs = "ended", by, None, []
        self._note("hangup", by)
