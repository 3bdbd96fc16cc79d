"""The agent's own part of a call: who is calling, the key that says they are there, the conference, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from fastapi import Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask
from twilio.twiml.voice_response import VoiceResponse

from console.catalogue import has, text
from desk.models import Handoff
from desk.views import reason_words
from desk.voice import service
from desk.voice.doing import perform
from desk.voice.effects import Effect
from desk.voice.models import VoiceLeg
from desk.voice.rules import Rules
from desk.voice.states import Phase, leg_of
from ivr.talk_twiml import TalkScript, farewell
from ivr.talking import whispered
from ivr.twiml import Spoken, spoken
from knowledge.library import Library, Situation
from server import clock
from server.conversations.models import Conversation
from server.http.deps import ChannelDeps
from server.staff.models import StaffUser
from server.twilio.http import twiml
from server.twilio.signature import verified_form

log = structlog.get_logger()

TRIES: Final = 2
"""So often the agent is told who is calling before the caller goes back to the line."""


class AgentPart:
    """What an agent hears in their telephone."""

    def __init__(self, deps: ChannelDeps) -> None:
        self._deps = deps

    async def answered(
        self, request: Request, answer: Callable[[Session, VoiceLeg, Request, dict[str, str]], VoiceResponse]
    ) -> Response:
        """Answers one request of an agent's part. When anything of ours fails the call to the agent ends, and its end puts the
        caller to the front of the line."""
        form = await verified_form(request, self._deps.settings)

        def run() -> tuple[VoiceResponse, list[Effect]]:
            with self._deps.sessions.begin() as session:
                leg = leg_of(session, token=request.query_params.get("l", ""))
                if leg is None:
                    return farewell([]), []
                document = answer(session, leg, request, form)
                return document, list(session.info.pop("effects", ()))

        try:
            document, effects = await asyncio.to_thread(run)
        except Exception as error:
            # The end of this call is told to us by Twilio, and the caller goes to the front of the line.
            log.error("voice.agent_part_failed", error=repr(error))
            document, effects = farewell([]), []
        response = twiml(document)
        response.background = BackgroundTask(perform, self._deps, effects)
        return response

    def whisper(self, session: Session, leg: VoiceLeg, request: Request, form: dict[str, str]) -> VoiceResponse:
        """The agent's telephone was picked up: who is calling, and the key that connects."""
        del request
        if not service.picked_up(session, leg=leg, call_sid=form.get("CallSid", "")):
            return self._gone(session, leg)
        return self._ask(session, leg, again=1)

    def key(self, session: Session, leg: VoiceLeg, request: Request, form: dict[str, str]) -> VoiceResponse:
        """A key, or none: 1 connects, anything else is asked for once more."""
        if form.get("Digits", "").strip() == "1":
            effects = service.pressed(session, leg=leg, rules=self._rules(session))
            if effects is None:
                return self._gone(session, leg)
            session.info["effects"] = effects
            return self._script(leg).agent_in()
        again = request.query_params.get("again", "")
        tried = int(again) if again.isdecimal() else TRIES
        if tried < TRIES and leg.phase == Phase.WHISPER:
            return self._ask(session, leg, again=tried + 1)
        session.info["effects"] = service.not_reached(session, leg=leg, rules=self._rules(session), reason="no_key")
        return farewell([])

    def left(self, session: Session, leg: VoiceLeg, request: Request, form: dict[str, str]) -> VoiceResponse:
        """The conference is over for the agent."""
        del request, form
        session.info["effects"] = service.agent_gone(session, leg=leg, rules=self._rules(session))
        return self._gone(session, leg)

    def _ask(self, session: Session, leg: VoiceLeg, *, again: int) -> VoiceResponse:
        language = self._language(session, leg)
        conversation, handoff = whispered(session, leg)
        known = f"voice.language_{conversation.language}"
        said = self._library(session).say(
            "system.agent_whisper",
            self._situation(language),
            reason=self._about(session, conversation, handoff, language),
            language=text(known, language) if has(known) else conversation.language,
            place=conversation.place or text("voice.no_place", language),
        )
        return self._script(leg).ask_for_key(spoken([said]), language=language, again=again)

    def _about(self, session: Session, conversation: Conversation, handoff: Handoff, language: str) -> str:
        reason, topic, library = reason_words(handoff.reason, language), conversation.topic, self._library(session)
        if topic is None or topic not in library.topics:
            return reason
        return text("voice.about", language, reason=reason, topic=library.title(topic, language))

    def _gone(self, session: Session, leg: VoiceLeg) -> VoiceResponse:
        return farewell(self._words(session, "system.agent_call_over", self._language(session, leg)))

    def _words(self, session: Session, message_id: str, language: str) -> list[Spoken]:
        return spoken([self._library(session).say(message_id, self._situation(language))])

    def _script(self, leg: VoiceLeg) -> TalkScript:
        return TalkScript(self._deps.settings.public_url, leg.token)

    def _rules(self, session: Session) -> Rules:
        return Rules.of(self._deps, self._library(session).city)

    def _library(self, session: Session) -> Library:
        return self._deps.library.get(session)

    @staticmethod
    def _situation(language: str) -> Situation:
        return Situation(language=language, channel="voice", now=clock.now())

    @staticmethod
    def _language(session: Session, leg: VoiceLeg) -> str:
        return session.scalar(select(StaffUser.language).where(StaffUser.name == leg.agent)) or "en"
