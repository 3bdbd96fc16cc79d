"""The routes that Twilio calls during a telephone call. Each answers with TwiML that goes on, whatever fails behind it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final, TypeVar

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask
from twilio.twiml.voice_response import VoiceResponse

from desk.voice.doing import perform
from ivr import calls, flow, links, talking
from ivr.calls import Call, Standing
from ivr.flow import Stage
from ivr.hold import hold_sound
from ivr.links import Position
from ivr.partials import EarlyEar
from ivr.recorded import Recorder
from ivr.steps import Step, Steps
from ivr.talk_routes import router as talk_router
from ivr.talk_twiml import TalkScript
from ivr.twiml import spoken, whisper
from knowledge.library import Said, Situation
from server import clock
from server.conversations.ownership import Owner
from server.conversations.turn import Outcome, Reply
from server.errors import NotFound
from server.http.deps import ChannelDeps
from server.twilio.http import TwilioRoute, twiml
from server.twilio.signature import verified_form
from server.voicemail.service import LANGUAGES as WRITTEN_DOWN

log = structlog.get_logger()

ANNOUNCE_EVERY: Final = 3
"""Rounds of waiting between two announcements of the place in line; a round is about 15 seconds."""
_ENDED: Final = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_T = TypeVar("_T")


def router(deps: ChannelDeps) -> APIRouter:
    """The routes of telephone calls."""
    routes = APIRouter(route_class=TwilioRoute, tags=["twilio"])
    voice, early, recorder = _Voice(deps), EarlyEar(deps), Recorder(deps)

    @routes.post("/twilio/voice")
    async def answer(request: Request) -> Response:
        """A call comes in."""
        return await voice.guarded(request, voice.greet)

    @routes.post(links.TURN)
    async def turn(request: Request) -> Response:
        """The caller pressed, said, or did not say something."""
        return await voice.guarded(request, voice.turn)

    @routes.post(links.WAIT)
    async def wait(request: Request) -> Response:
        """The caller waits for a person."""
        return await voice.guarded(request, voice.wait)

    @routes.post(links.EMERGENCY)
    async def emergency(request: Request) -> Response:
        """A transfer to the 911 center ended."""
        return await voice.guarded(request, voice.after_transfer)

    @routes.post(links.AGENT)
    async def agent(request: Request) -> Response:
        """A call to the agents' line ended."""
        return await voice.guarded(request, voice.after_agent)

    @routes.post(links.CUT_IN)
    async def cut_in(request: Request) -> Response:
        """The call was broken off for an emergency that was heard while the caller spoke."""
        return await voice.guarded(request, voice.cut_in)

    @routes.post(links.PARTIAL)
    async def partial(request: Request) -> Response:
        """The caller is speaking; Twilio does nothing with our answer."""
        form = await verified_form(request, deps.settings)
        await early.heard(request.query_params, form)
        return Response(status_code=204)

    @routes.post(links.RECORDED)
    async def recorded(request: Request) -> Response:
        """A caller has recorded a message."""
        return await voice.guarded(request, voice.recorded)

    @routes.post(links.TRANSCRIPT)
    async def transcript(request: Request) -> Response:
        """What was written down of a recorded message."""
        await recorder.written_down(request.query_params, await verified_form(request, deps.settings))
        return Response(status_code=204)

    @routes.post(links.WHISPER)
    async def announce(request: Request) -> Response:
        """Somebody at the 911 center picked up and hears who is coming."""
        await verified_form(request, deps.settings)
        return twiml(await voice.announce(request))

    @routes.post("/twilio/voice/status")
    async def status(request: Request) -> Response:
        """A call changed its state."""
        form = await verified_form(request, deps.settings)
        if form.get("CallStatus") in _ENDED:
            call = Call.of(form)
            effects = await voice.store(lambda session: calls.ended(session, call=call))
            return Response(status_code=204, background=BackgroundTask(perform, deps, effects))
        return Response(status_code=204)

    @routes.get(links.HOLD)
    async def hold() -> Response:
        """The sound of waiting."""
        sound = await asyncio.to_thread(hold_sound)
        return Response(sound, media_type="audio/wav", headers={"Cache-Control": "public, max-age=86400"})

    routes.include_router(talk_router(deps))
    return routes


class _Voice(Steps):
    """What happens on each route."""

    async def greet(self, step: Step) -> VoiceResponse:
        """The 911 line, the way to Spanish, and one open question; a call that was here before goes on where it was."""
        before = await self.store(lambda session: calls.standing(session, call=step.call, desk=self._deps.spine.desk))
        if before is None:
            return step.script.listen(spoken([step.say("system.greeting_voice", "en")]), Position())
        position = Position(Stage.GREETING, before.turns * 1000 + 1, before.language)
        if before.owner in (Owner.QUEUED, Owner.AGENT):
            return step.script.hold_on([], position.next(Stage.WAITING, before.language))
        return step.script.listen(spoken([step.say("system.greeting_voice", before.language)]), position)

    async def turn(self, step: Step) -> VoiceResponse:
        """What follows from what the caller did."""
        heard, position = calls.heard_in(step.form), step.position
        match flow.decide(position.stage, heard):
            case flow.Finish911():
                return step.script.listen([], position.next(Stage.NINE, position.language))
            case flow.Connect():
                return await self._connect(step)
            case flow.Wait():
                rounds = Position(Stage.WAITING, position.step + 1, position.language, position.rounds + 1)
                return step.script.hold_on([], rounds)
            case flow.Record():
                return self._record(step)
            case flow.Ask(kind, text, language):
                inbound = step.call.inbound(
                    position, keys=self._deps.keys, kind=kind, text=text, language=language, confidence=heard.confidence
                )
                return await self._speak(step, await self._deps.spine.handle(inbound))

    async def _speak(self, step: Step, reply: Reply) -> VoiceResponse:
        words = spoken(reply.parts)
        position = step.position.next(flow.stage_after(reply), reply.language)
        if any(part.message_id == "system.handoff_after_hours" for part in reply.parts):
            words += spoken([step.say("system.voicemail_offer", reply.language)])
        if reply.outcome is Outcome.EMERGENCY_911 and step.psaps:
            return step.script.emergency(words, position, psap=step.psaps[0], caller=step.call.number)
        if reply.engine == "static" and reply.outcome is not Outcome.EMERGENCY_911:
            return self.last_resort(step, words)
        if position.stage is Stage.WAITING:
            return step.script.hold_on(words, position)
        return step.script.listen(words, position)

    @staticmethod
    def _record(step: Step) -> VoiceResponse:
        language = step.position.language
        words = spoken([step.say("system.voicemail", language)])
        return step.script.record(words, step.position.next(Stage.OPEN, language), written=language in WRITTEN_DOWN)

    async def recorded(self, step: Step) -> VoiceResponse:
        """A message was recorded: it is noted, and the caller may go on."""
        await self.store(lambda session: calls.recorded(session, call=step.call, form=step.form))
        words = spoken([step.say("system.voicemail_taken", step.position.language)])
        return step.script.listen(words, step.position.next(Stage.OPEN, step.position.language))

    async def _connect(self, step: Step) -> VoiceResponse:
        rounds = min(step.position.rounds, max(0, len(step.psaps) - 1))
        position = replace(step.position.next(Stage.CARD, step.position.language), rounds=rounds)
        if not step.psaps:
            person = flow.Ask("keys", flow.PERSON)
            inbound = step.call.inbound(
                step.position, keys=self._deps.keys, kind=person.kind, text=person.text, language=None, confidence=None
            )
            return await self._speak(step, await self._deps.spine.handle(inbound))
        return step.script.connect(position, psap=step.psaps[rounds], caller=step.call.number)

    async def cut_in(self, step: Step) -> VoiceResponse:
        """The emergency that was heard in the middle of a sentence: the turn that `partial` stored; if it could not, 911 all the
        same."""
        inbound = step.call.inbound(step.position, keys=self._deps.keys, kind="keys", text="911", language=None, confidence=None)
        return await self._speak(step, await self._deps.spine.handle(inbound))

    async def wait(self, step: Step) -> VoiceResponse:
        """One round of waiting, the agents' line once an agent took the call, or back to the assistant."""
        position = step.position
        desk = self._deps.spine.desk
        now, talk = await self.store(
            lambda session: (
                calls.standing(session, call=step.call, desk=desk),
                talking.talk_of(session, call=step.call, psaps=step.psaps),
            )
        )
        if now is None or now.owner in (Owner.BOT, Owner.CLOSED):
            words = spoken([step.say("system.returned_to_bot", position.language)])
            return step.script.listen(words, position.next(Stage.OPEN, position.language))
        if talk.token and await self._joins(step, talk.token):
            words = spoken([step.say("system.connecting", now.language)])
            return TalkScript(self._deps.settings.public_url, talk.token).caller_in(words, sid=step.call.sid)
        if now.owner == Owner.AGENT and step.agents and not talk.leg:
            words = spoken([step.say("system.connecting", now.language)])
            return step.script.agent(words, position.next(Stage.WAITING, now.language), number=step.agents, caller=step.call.number)
        words = spoken(self._news(step, now)) if position.rounds and position.rounds % ANNOUNCE_EVERY == 0 else []
        if talk.not_reached:
            words = spoken([step.say(talking.NOT_REACHED, now.language)])
        return step.script.wait(words, Position(Stage.WAITING, position.step + 1, now.language, position.rounds))

    async def _joins(self, step: Step, token: str) -> bool:
        return await self.store(lambda session: talking.join(session, call=step.call, token=token, psaps=step.psaps))

    @staticmethod
    def _news(step: Step, now: Standing) -> list[Said]:
        if now.owner == Owner.AGENT:
            return [step.say("system.connecting", now.language)]
        return [step.say("system.still_waiting", now.language, position=now.place_in_line)]

    async def after_transfer(self, step: Step) -> VoiceResponse:
        """After the 911 center: go on, or, when it could not be reached, the 911 line again and a person."""
        status, position = step.form.get("DialCallStatus", ""), step.position
        if status in calls.ANSWERED:
            await self.store(lambda session: calls.transfer_over(session, call=step.call))
            words = spoken([step.say("system.anything_else", position.language)])
            return step.script.listen(words, position.next(Stage.OPEN, position.language))
        attempt = position.rounds + 1
        another = attempt < len(step.psaps)
        stands = await self._failed(step, status, another=another)
        words = spoken([step.say((stands and stands.latch_card) or "card.emergency", position.language)])
        if another:
            again = replace(position.next(Stage.CARD, position.language), rounds=attempt)
            return step.script.emergency(words, again, psap=step.psaps[attempt], caller=step.call.number, pause=0)
        if stands is None:
            return self.last_resort(step, words)
        waiting = position.next(Stage.WAITING, position.language)
        if step.agents:
            return step.script.agent(words, waiting, number=step.agents, caller=step.call.number)
        words += spoken([step.say("system.handoff", position.language, position=stands.place_in_line)])
        return step.script.hold_on(words, waiting)

    async def _failed(self, step: Step, status: str, *, another: bool) -> Standing | None:
        """Tells staff; the next number is dialed even when that cannot be stored."""
        try:
            return await self.store(
                lambda session: calls.transfer_failed(
                    session,
                    call=step.call,
                    position=step.position,
                    status=status,
                    another=another,
                    desk=self._deps.spine.desk,
                )
            )
        except SQLAlchemyError as error:
            log.error("voice.transfer_failed", status=status[:16], error=repr(error))
            return None

    async def after_agent(self, step: Step) -> VoiceResponse:
        """After the agents' line: go on, or keep waiting when nobody answered."""
        position = step.position
        if step.form.get("DialCallStatus", "") in calls.ANSWERED:
            words = spoken([step.say("system.anything_else", position.language)])
            return step.script.listen(words, position.next(Stage.OPEN, position.language))
        if position.stage is Stage.WAITING:
            rounds = Position(Stage.WAITING, position.step + 1, position.language, 1)
            return step.script.wait([], rounds)
        return step.script.listen(
            spoken([step.say("system.static", position.language)]), position.next(Stage.OPEN, position.language)
        )

    async def announce(self, request: Request) -> VoiceResponse:
        """Who is coming, for the call-taker: the city's words with the caller's number and place. Without an approved text for it
        the caller is put through at once."""
        call = Call(request.query_params.get("c", ""), "", "")
        try:
            number, place, watched = await self.store(lambda session: self._reached(session, call))
            words = "system.psap_whisper_watched" if watched else "system.psap_whisper"
            situation = Situation(language="en", channel="voice", now=clock.now())
            return whisper(spoken([self._deps.library.last_good.say(words, situation, number=number, place=place)]))
        except NotFound:
            return whisper([])
        except Exception as error:
            # The call-taker must get the caller, with or without an announcement.
            log.error("voice.whisper_failed", error=repr(error))
            return whisper([])

    def _reached(self, session: Session, call: Call) -> tuple[str, str, bool]:
        conversation = calls.transfer_reached(session, call=call)
        if conversation is None:
            return "", "", False
        number = self._deps.keys.open(conversation.contact) if conversation.contact else ""
        return number, conversation.place or "", bool(conversation.memory.get("watched"))
