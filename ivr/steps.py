"""One request of a call, and what every step does the same way: a transaction in a thread, and an answer whatever fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from fastapi import Request, Response
from sqlalchemy.orm import Session
from twilio.twiml.voice_response import VoiceResponse

from ivr.calls import Call
from ivr.flow import Stage
from ivr.links import Links
from ivr.twiml import Script, Spoken, spoken
from knowledge.library import Library, Said, Situation
from server import clock
from server.errors import SpillwayError
from server.http.deps import ChannelDeps
from server.metrics import STEP
from server.twilio.addresses import ten_digit, ten_digits
from server.twilio.http import twiml
from server.twilio.signature import verified_form

log = structlog.get_logger()

_T = TypeVar("_T")


class Step:
    """One request of a call: the call, where it stands, and the pen that writes its documents."""

    def __init__(self, deps: ChannelDeps, request: Request, form: dict[str, str], library: Library) -> None:
        self.form = form
        self.query = request.query_params
        self.call = Call.of(form)
        self.caller = self.call.number
        self.library = library
        self.links = Links(deps.settings.public_url, deps.keys, self.call.sid)
        self.position = self.links.read(request.query_params, form)
        self.script = Script(self.links, library)
        self.psaps = ten_digits(library.city.get("psap_transfer"))
        self.agents = ten_digit(library.city.get("agent_line"))

    def say(self, message_id: str, language: str, **values: str | int) -> Said:
        """An approved text for the ear."""
        return self.library.say(message_id, Situation(language=language, channel="voice", now=clock.now()), **values)


class Steps:
    """What the steps of a call stand on."""

    def __init__(self, deps: ChannelDeps) -> None:
        self._deps = deps

    async def store(self, work: Callable[[Session], _T]) -> _T:
        """Runs one transaction in a thread."""

        def run() -> _T:
            with self._deps.sessions.begin() as session:
                return work(session)

        return await asyncio.to_thread(run)

    async def guarded(self, request: Request, answer: Callable[[Step], Awaitable[VoiceResponse]]) -> Response:
        """Answers a step; when anything of ours fails the caller hears the static text and is put through to the agents' line,
        or can go on speaking."""
        form = await verified_form(request, self._deps.settings)
        Call.of(form)
        try:
            library = await asyncio.to_thread(self._deps.library.get)
            step = Step(self._deps, request, form, library)
            response = twiml(await answer(step))
            STEP.labels(part="voice").set(0)
            return response
        except SpillwayError:
            raise
        except Exception as error:
            log.error("voice.failed", error=repr(error))
            STEP.labels(part="voice").set(1)
            return twiml(self._static(Step(self._deps, request, form, self._deps.library.last_good)))

    def _static(self, step: Step) -> VoiceResponse:
        return self.last_resort(step, spoken([step.say("system.static", step.position.language)]))

    @staticmethod
    def last_resort(step: Step, words: list[Spoken]) -> VoiceResponse:
        """The agents' line where there is one; else the caller can go on speaking."""
        position = step.position.next(Stage.OPEN, step.position.language)
        if step.agents:
            return step.script.agent(words, position, number=step.agents, caller=step.call.number)
        return step.script.listen(words, position)
