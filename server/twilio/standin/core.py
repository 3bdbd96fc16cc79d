"""The stand-in itself: the carrier's memory, the phones, and the way texts and calls start."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from xml.etree import ElementTree

from server.twilio.standin.calls import Call
from server.twilio.standin.conferences import Conferences
from server.twilio.standin.outbound import OutboundCall
from server.twilio.standin.records import Message, Refusal, new_sid
from server.twilio.standin.webhooks import Post, Webhooks, post_to

_STOP: Final = frozenset("STOP UNSUBSCRIBE END QUIT STOPALL REVOKE OPTOUT CANCEL".split())
_START: Final = frozenset("START YES UNSTOP".split())
_HELP: Final = frozenset("HELP INFO".split())
_NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}|\d{5,6}")
_UNDELIVERED: Final = frozenset({"30003", "30004", "30005", "30006", "30007", "30008"})


class Callbacks(StrEnum):
    """When status callbacks are posted: at once and in order, or when `release` says so."""

    PROMPT = "prompt"
    HELD = "held"


class OptOuts(StrEnum):
    """What the carrier does with STOP, START and HELP: `default` answers and blocks, `advanced` also tells the webhook by
    `OptOutType`, `none` leaves all of it to us."""

    DEFAULT = "default"
    ADVANCED = "advanced"
    NONE = "none"


CARRIER_WORDS: Final[dict[str, str]] = {
    "STOP": "[carrier] You will get no more messages from this number. Reply START to get them again.",
    "START": "[carrier] You will get messages from this number again. Reply STOP to end.",
    "HELP": "[carrier] Reply STOP to end. Message and data rates may apply.",
}
"""What the stand-in's carrier answers by itself; the real one's words belong to Twilio and to the city's settings there."""


@dataclass
class StandIn:
    """One Twilio account. `webhooks_to` is the public address of our app, or a way to post to it."""

    account_sid: str
    auth_token: str
    webhooks_to: str | Post
    public_url: str = ""
    sms_path: str = "/twilio/sms"
    voice_path: str = "/twilio/voice"
    callbacks: Callbacks = Callbacks.PROMPT
    opt_outs: OptOuts = OptOuts.DEFAULT
    dial_results: dict[str, str] = field(default_factory=dict)
    """What happens when a number is dialed, such as `busy`; a number that is not here rings until the test decides."""
    fates: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """How texts to a number end, such as `("undelivered", "30003")`; the others are delivered."""
    refusals: deque[Refusal] = field(default_factory=deque)
    """What the REST API answers next instead of taking a text."""
    messages: dict[str, Message] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    blocked: set[tuple[str, str]] = field(default_factory=set)
    """Pairs of a resident's number and ours that the carrier sends nothing between."""
    recordings: dict[str, bytes] = field(default_factory=dict)
    """The sounds that callers recorded, by their ids."""

    def __post_init__(self) -> None:
        post = post_to(self.webhooks_to) if isinstance(self.webhooks_to, str) else self.webhooks_to
        address = self.public_url or (self.webhooks_to if isinstance(self.webhooks_to, str) else "")
        if not address:
            raise ValueError("a stand-in that posts by a callable needs the public address that it signs")
        self.webhooks = Webhooks(self.auth_token, post, address)
        self._inboxes: defaultdict[str, list[str]] = defaultdict(list)
        self._reports: list[tuple[str, dict[str, str]]] = []
        self.conferences = Conferences(self._tell, self.prompt)

    def phone(self, number: str) -> Phone:
        """A resident's telephone."""
        return Phone(self, number)

    def inbox(self, number: str) -> list[str]:
        """Every text that reached a number, the oldest first."""
        return self._inboxes[number]

    async def text(
        self, from_: str, to: str, body: str | None, media: int = 0, *, sid: str | None = None, extra: dict[str, str] | None = None
    ) -> list[str]:
        """A resident sends a text; gives what reached their phone in return. The same `sid` again is Twilio's retry."""
        before = len(self._inboxes[from_])
        again = sid is not None and sid in self.messages
        message = Message(sid or new_sid("SM"), from_, to, body or "", "inbound", "received")
        self.messages[message.sid] = message
        fields = self._inbound_fields(message, media, body is None)
        word = None if again else self._keyword(from_, to, body or "")
        if word and self.opt_outs is OptOuts.ADVANCED:
            fields["OptOutType"] = word
        fields |= extra or {}
        url = self.webhooks.address(self.sms_path)
        document = await self.webhooks.document(url, fields, retry=message.sid if again else None)
        answer = ElementTree.fromstring(document)  # noqa: S314  (our own app's answer)
        for element in answer.iter("Message"):
            text = "".join(child.text or "" for child in element.iter("Body")) or (element.text or "")
            action = element.get("action") or element.get("statusCallback")
            await self._deliver(to, from_, text, self.webhooks.address(action, url) if action else None, "outbound-reply")
        return self._inboxes[from_][before:]

    def _inbound_fields(self, message: Message, media: int, bare: bool) -> dict[str, str]:
        fields = {
            "ToCountry": "US",
            "ToState": "",
            "SmsMessageSid": message.sid,
            "NumMedia": str(media),
            "ToCity": "",
            "FromZip": "",
            "SmsSid": message.sid,
            "FromState": "",
            "SmsStatus": "received",
            "FromCity": "",
            "FromCountry": "US",
            "To": message.to,
            "NumSegments": "1",
            "MessageSid": message.sid,
            "AccountSid": self.account_sid,
            "From": message.sender,
            "ApiVersion": "2010-04-01",
        }
        if not bare:
            fields["Body"] = message.body
        for number in range(media):
            fields[f"MediaUrl{number}"] = (
                f"https://api.twilio.com/2010-04-01/Accounts/{self.account_sid}/Messages/{message.sid}/Media/{number}"
            )
            fields[f"MediaContentType{number}"] = "image/jpeg"
        return fields

    def _keyword(self, resident: str, ours: str, body: str) -> str | None:
        """What the carrier makes of a whole message, with its own answer."""
        word = body.strip().upper()
        kind = "STOP" if word in _STOP else "START" if word in _START else "HELP" if word in _HELP else None
        if kind is None or self.opt_outs is OptOuts.NONE:
            return None
        if kind == "HELP" and (resident, ours) in self.blocked:
            return kind
        if kind == "STOP":
            self.blocked.add((resident, ours))
        elif kind == "START":
            self.blocked.discard((resident, ours))
        self._inboxes[resident].append(CARRIER_WORDS[kind])
        return kind

    async def accept(
        self,
        *,
        to: str,
        sender: str,
        body: str,
        status_callback: str | None = None,
        validity_period: int | None = None,
        service: str | None = None,
    ) -> Message:
        """Takes a text over the REST API. Raises `Refusal` as Twilio does."""
        if self.refusals:
            raise self.refusals.popleft()
        if not _NUMBER.fullmatch(to):
            raise Refusal(400, 21211, f"The 'To' number {to} is not a valid phone number.")
        if not body:
            raise Refusal(400, 21602, "Message body is required.")
        if len(body) > 1600:
            raise Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
        if (to, sender) in self.blocked:
            raise Refusal(400, 21610, "Attempt to send to unsubscribed recipient")
        callback = self.webhooks.address(status_callback) if status_callback else None
        message = await self._deliver(sender, to, body, callback, "outbound-api")
        message.validity_period, message.service = validity_period, service
        return message

    async def _deliver(self, ours: str, resident: str, body: str, callback: str | None, direction: str) -> Message:
        message = Message(new_sid("SM"), ours, resident, body, direction, "queued", callback)
        self.messages[message.sid] = message
        if (resident, ours) in self.blocked:
            steps: list[tuple[str, str | None]] = [("failed", "21610")]
        else:
            status, error = self.fates.get(resident, ("delivered", None))
            steps = [("queued", None), ("sent", None), (status, error)]
            if status == "delivered" and error not in _UNDELIVERED:
                self._inboxes[resident].append(body)
        for status, error in steps:
            message.status, message.error_code = status, error
            self._report(message)
        if self.callbacks is Callbacks.PROMPT:
            await self.release()
        return message

    def _report(self, message: Message) -> None:
        if message.status_callback is None:
            return
        fields = {
            "AccountSid": self.account_sid,
            "ApiVersion": "2010-04-01",
            "From": message.sender,
            "MessageSid": message.sid,
            "MessageStatus": message.status,
            "SmsSid": message.sid,
            "SmsStatus": message.status,
            "To": message.to,
        }
        if message.error_code:
            fields["ErrorCode"] = message.error_code
        self._reports.append((message.status_callback, fields))

    def _tell(self, url: str, fields: Mapping[str, str]) -> None:
        if url:
            self._reports.append((url, {"AccountSid": self.account_sid, **fields}))

    async def prompt(self) -> None:
        """Posts what is to be told, unless it is held."""
        if self.callbacks is Callbacks.PROMPT:
            await self.release()

    async def release(self, *, backwards: bool = False, twice: bool = False) -> list[int]:
        """Posts the status callbacks that are held, in order or backwards, each once or twice; gives the answers' statuses."""
        reports, self._reports = self._reports, []
        ordered = list(reversed(reports)) if backwards else reports
        sent = [await self.webhooks.send(url, fields) for url, fields in (ordered * 2 if twice else ordered)]
        return [answer.status for answer in sent]

    async def call(self, from_: str, to: str, *, sid: str | None = None) -> Call:
        """A resident calls; the call has run up to the first thing that waits for them."""
        call = Call(
            self.webhooks,
            sid=sid or new_sid("CA"),
            account=self.account_sid,
            caller=from_,
            to=to,
            dial_results=self.dial_results,
            recordings=self.recordings,
            conferences=self.conferences,
        )
        self.calls[call.sid] = call
        await call.start(self.webhooks.address(self.voice_path))
        return call

    async def place(self, *, to: str, sender: str, url: str, status_callback: str, events: frozenset[str]) -> OutboundCall:
        """Takes a call over the REST API and lets the telephone ring. Raises `Refusal` as Twilio does."""
        if self.refusals:
            raise self.refusals.popleft()
        if not _NUMBER.fullmatch(to):
            raise Refusal(400, 21211, f"The 'To' number {to} is not a valid phone number.")
        if not _NUMBER.fullmatch(sender):
            raise Refusal(400, 21212, f"The 'From' number {sender} is not a valid phone number.")
        if not url:
            raise Refusal(400, 21205, "Url parameter is required.")
        call = OutboundCall(
            self.webhooks,
            sid=new_sid("CA"),
            account=self.account_sid,
            caller=sender,
            to=to,
            dial_results=self.dial_results,
            recordings=self.recordings,
            conferences=self.conferences,
            url=self.webhooks.address(url),
            status_callback=self.webhooks.address(status_callback),
            events=events or frozenset({"completed"}),
            report=self._tell,
            release=self.prompt,
        )
        self.calls[call.sid] = call
        call.placed()
        await self.prompt()
        return call

    def ringing(self, number: str = "") -> list[OutboundCall]:
        """The calls from our side that are not over, at one number or at all of them."""
        ours = [call for call in self.calls.values() if isinstance(call, OutboundCall) and call.state != "ended"]
        return [call for call in ours if number in ("", call.to)]


@dataclass(frozen=True)
class Phone:
    """A resident's telephone: sends texts, shows what came, and places calls."""

    standin: StandIn
    number: str

    async def send(self, body: str, *, to: str, media: int = 0) -> list[str]:
        """Sends a text and gives what came back."""
        return await self.standin.text(self.number, to, body, media)

    @property
    def inbox(self) -> list[str]:
        """Every text that reached this telephone."""
        return self.standin.inbox(self.number)

    async def call(self, to: str) -> Call:
        """Places a call."""
        return await self.standin.call(self.number, to)
