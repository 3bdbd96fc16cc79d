"""The stand-in inside a process that hosts it: one for each app, and the outbox's way to it."""

from __future__ import annotations

from fastapi import FastAPI

from server.identity.keys import Keys
from server.outbox.service import Outgoing
from server.outbox.worker import Sender, SendFailed
from server.settings import Settings
from server.twilio.callbacks import reference_of_row, status_url
from server.twilio.client import TwilioSender
from server.twilio.control import PROGRESS, TwilioCallControl
from server.twilio.ports import CallControl, Recordings, Ring
from server.twilio.recordings import TwilioRecordings
from server.twilio.standin.core import StandIn
from server.twilio.standin.records import Refusal
from server.twilio.standin.webhooks import post_to_app


def standin_of(app: FastAPI, settings: Settings) -> StandIn:
    """The stand-in of an app, made once, so that the simulator's phones get what the outbox sends."""
    known = getattr(app.state, "standin", None)
    if isinstance(known, StandIn):
        return known
    token, address = settings.twilio_auth_token.get_secret_value(), settings.public_url
    app.state.standin = StandIn(settings.twilio_account_sid, token, post_to_app(app, address), public_url=address)
    return standin_of(app, settings)


def make_sender(app: FastAPI, settings: Settings, keys: Keys) -> Sender:
    """What the outbox sends through: Twilio in live mode or where another address is configured, else the app's stand-in."""
    if settings.live or settings.twilio_api_base:
        return TwilioSender(settings, keys=keys)
    return StandInSender(standin_of(app, settings), settings, keys)


def make_call_control(app: FastAPI, settings: Settings) -> CallControl:
    """What changes calls: Twilio in live mode or where another address is configured, else the app's stand-in."""
    if settings.live or settings.twilio_api_base:
        return TwilioCallControl(settings)
    return StandInCallControl(standin_of(app, settings))


def make_recordings(app: FastAPI, settings: Settings) -> Recordings:
    """What fetches recordings: Twilio in live mode or where another address is configured, else the app's stand-in."""
    if settings.live or settings.twilio_api_base:
        return TwilioRecordings(settings)
    return StandInRecordings(standin_of(app, settings))


class StandInRecordings:
    """The recordings of a stand-in in the same process, for training mode."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin

    async def fetch(self, recording: str) -> bytes | None:
        """The sound, while the stand-in has it."""
        return self._standin.recordings.get(recording)

    async def remove(self, recording: str) -> bool:
        """Forgets it."""
        self._standin.recordings.pop(recording, None)
        return True


class StandInCallControl:
    """Changes the calls of a stand-in in the same process, for training mode."""

    def __init__(self, standin: StandIn) -> None:
        self._standin = standin

    async def lead(self, sid: str, url: str) -> bool:
        """Breaks off and goes on elsewhere, as Twilio does."""
        call = self._standin.calls.get(sid)
        if call is None or call.state == "ended":
            return False
        await call.led_to(url)
        return True

    async def ring(self, ring: Ring) -> str | None:
        """Lets a telephone ring."""
        try:
            call = await self._standin.place(
                to=ring.to, sender=ring.sender, url=ring.url, status_callback=ring.status_url, events=frozenset(PROGRESS)
            )
        except Refusal:
            return None
        return call.sid

    async def end(self, sid: str) -> bool:
        """Hangs up."""
        call = self._standin.calls.get(sid)
        if call is None or call.state == "ended":
            return False
        await call.hang_up()
        return True

    async def hold(self, conference: str, sid: str, *, on: bool, url: str) -> bool:
        """Holds a participant."""
        room = self._standin.conferences.running(conference)
        if room is None or sid not in room.participants:
            return False
        room.hold(sid, on=on, url=url)
        await self._standin.prompt()
        return True


class StandInSender:
    """Sends the outbox's texts through a stand-in in the same process, for training mode."""

    def __init__(self, standin: StandIn, settings: Settings, keys: Keys) -> None:
        self._standin = standin
        self._settings = settings
        self._keys = keys

    async def send(self, outgoing: Outgoing) -> str:
        """Hands one text to the stand-in's carrier."""
        try:
            message = await self._standin.accept(
                to=outgoing.to,
                sender=outgoing.sender or self._settings.twilio_number,
                body=outgoing.text,
                status_callback=status_url(self._settings, self._keys, reference_of_row(outgoing.id)),
                validity_period=outgoing.valid_seconds,
            )
        except Refusal as refusal:
            raise SendFailed(str(refusal.code), refusal.status) from refusal
        return message.sid

    async def find(self, outgoing: Outgoing) -> str | None:
        """The id of this text when the carrier has it already."""
        known = self._standin.messages.values()
        return next((m.sid for m in known if m.to == outgoing.to and m.body == outgoing.text and m.direction != "inbound"), None)
