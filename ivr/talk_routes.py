"""The routes that Twilio calls around a talk with an agent: on the agent's part, on the caller's, and for the conference."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask
from twilio.twiml.voice_response import VoiceResponse

from desk.voice import effects as at
from desk.voice import service
from desk.voice.doing import perform
from desk.voice.effects import Effect, address
from desk.voice.models import VoiceLeg
from desk.voice.rules import Rules
from desk.voice.states import leg_of
from ivr import calls, talking
from ivr.agent_part import AgentPart
from ivr.flow import Stage
from ivr.links import Position
from ivr.steps import Step, Steps
from ivr.talk_twiml import TalkScript
from ivr.talking import After
from ivr.twiml import spoken
from server.http.deps import ChannelDeps
from server.twilio.http import TwilioRoute
from server.twilio.signature import verified_form

log = structlog.get_logger()


def router(deps: ChannelDeps) -> APIRouter:
    """The routes of talks with agents."""
    routes = APIRouter(route_class=TwilioRoute, tags=["twilio"])
    agent, talk = AgentPart(deps), Talks(deps)

    for path, answer in ((at.WHISPER, agent.whisper), (at.KEY, agent.key), (at.LEFT, agent.left)):
        _agents(routes, path, agent, answer)
    for path, go_on in (
        (at.JOIN, talk.join),
        (at.TALKED, talk.talked),
        (at.BACK, talk.back),
        (at.PSAP, talk.to_911),
        (at.DIAL, talk.office),
        (at.DIALED, talk.after_office),
    ):
        _callers(routes, path, talk, go_on)

    @routes.post(at.STATUS)
    async def status(request: Request) -> Response:
        """How the call to an agent's telephone goes."""
        form = await verified_form(request, deps.settings)
        return await told(request, lambda session, leg, rules: _progress(session, leg, rules, form))

    @routes.post(at.CONFERENCE)
    async def conference(request: Request) -> Response:
        """What happens in a conference."""
        form = await verified_form(request, deps.settings)
        return await told(request, lambda session, leg, rules: _conference(session, leg, rules, form))

    async def told(request: Request, work: Callable[[Session, VoiceLeg, Rules], list[Effect]]) -> Response:
        token = request.query_params.get("l", "")

        def run(session: Session) -> list[Effect]:
            leg = leg_of(session, token=token)
            return work(session, leg, Rules.of(deps, deps.library.get(session).city)) if leg is not None else []

        effects = await talk.store(run)
        return Response(status_code=204, background=BackgroundTask(perform, deps, effects))

    return routes


def _agents(
    routes: APIRouter, path: str, part: AgentPart, answer: Callable[[Session, VoiceLeg, Request, dict[str, str]], VoiceResponse]
) -> None:
    async def handle(request: Request) -> Response:
        return await part.answered(request, answer)

    handle.__doc__ = answer.__doc__
    routes.post(path, name=path.rpartition("/")[2])(handle)


def _callers(routes: APIRouter, path: str, talk: Talks, answer: Callable[[Step], Awaitable[VoiceResponse]]) -> None:
    async def handle(request: Request) -> Response:
        return await talk.guarded(request, answer)

    handle.__doc__ = answer.__doc__
    routes.post(path, name=path.rpartition("/")[2])(handle)


def _progress(session: Session, leg: VoiceLeg, rules: Rules, form: dict[str, str]) -> list[Effect]:
    return service.progress(session, leg=leg, status=form.get("CallStatus", ""), rules=rules)


def _conference(session: Session, leg: VoiceLeg, rules: Rules, form: dict[str, str]) -> list[Effect]:
    event, who = form.get("StatusCallbackEvent", ""), form.get("ParticipantLabel", "")
    if event == "conference-start":
        service.both_in(leg)
    elif event == "participant-leave" and who == "agent":
        return service.agent_gone(session, leg=leg, rules=rules)
    return []


class Talks(Steps):
    """What happens on the caller's part."""

    async def join(self, step: Step) -> VoiceResponse:
        """The caller goes into the conference, if the agent is still there."""
        token = step.query.get("l", "")
        if not await self.store(lambda session: talking.join(session, call=step.call, token=token, psaps=step.psaps)):
            return await self.back(step)
        language = (await self._after(step)).stands
        words = spoken([step.say("system.connecting", language.language if language else "en")])
        return TalkScript(self._deps.settings.public_url, token).caller_in(words, sid=step.call.sid)

    async def talked(self, step: Step) -> VoiceResponse:
        """The conference is over and the caller is still there."""

        def run(session: Session) -> None:
            leg = leg_of(session, token=step.query.get("l", ""))
            if leg is not None:
                rules = Rules.of(self._deps, step.library.city)
                service.agent_gone(session, leg=leg, rules=rules, caller_here=True)

        await self.store(run)
        return await self.back(step)

    async def back(self, step: Step) -> VoiceResponse:
        """The caller comes back: to 911 when they were on the way there, to the line, or to the assistant."""
        now = await self._after(step)
        position = self._position(now)
        if now.at_911 and step.psaps:
            card = now.stands.latch_card if now.stands is not None and now.stands.latch_card else "card.emergency"
            words = spoken([step.say(card, position.language)])
            return step.script.emergency(
                words, position.next(Stage.CARD, position.language), psap=step.psaps[0], caller=step.caller
            )
        words = spoken([step.say(now.say, position.language, **now.values)])
        if now.waits:
            return step.script.hold_on(words, position.next(Stage.WAITING, position.language))
        return step.script.listen(words, position.next(Stage.OPEN, position.language))

    async def to_911(self, step: Step) -> VoiceResponse:
        """The agent sent the caller to the 911 center, which is dialed even when nothing can be stored."""
        now = After(None)
        try:
            await self._handed_on(step, "to_911")
            now = await self._after(step)
        except SQLAlchemyError as error:
            log.error("voice.not_handed_on", error=repr(error))
        position = self._position(now)
        if not step.psaps:
            return await self.back(step)
        words = spoken([step.say("system.connecting", position.language)])
        return step.script.connect(
            position.next(Stage.CARD, position.language), psap=step.psaps[0], caller=step.caller, words=words
        )

    async def office(self, step: Step) -> VoiceResponse:
        """The agent sent the caller to another office."""
        wanted = step.query.get("n", "")
        rules = Rules.of(self._deps, step.library.city)
        number = next((one.number for one in rules.numbers if one.key == wanted), None)
        now = await self._after(step)
        if number is None or now.at_911:
            return await self.back(step)
        await self._handed_on(step, "transferred")
        words = spoken([step.say("system.connecting", self._position(now).language)])
        action = address(self._deps.settings.public_url, at.DIALED, c=step.call.sid)
        return step.script.office(words, number=number, action=action, caller=step.caller)

    async def after_office(self, step: Step) -> VoiceResponse:
        """The talk with the other office is over, or nobody answered there."""
        answered = step.form.get("DialCallStatus", "") in calls.ANSWERED
        if not answered:
            await self.store(lambda session: talking.office_silent(session, call=step.call))
        position = self._position(await self._after(step))
        if answered:
            words = spoken([step.say("system.anything_else", position.language)])
            return step.script.listen(words, position.next(Stage.OPEN, position.language))
        words = spoken([step.say("system.transfer_no_answer", position.language)])
        return step.script.hold_on(words, position.next(Stage.WAITING, position.language))

    async def _after(self, step: Step) -> After:
        desk = self._deps.spine.desk
        return await self.store(lambda session: talking.after(session, call=step.call, desk=desk, psaps=step.psaps))

    async def _handed_on(self, step: Step, reason: str) -> None:
        def run(session: Session) -> list[Effect]:
            conversation = calls.find(session, step.call)
            return service.handed_on(session, conversation=conversation, reason=reason) if conversation is not None else []

        await perform(self._deps, await self.store(run))

    @staticmethod
    def _position(now: After) -> Position:
        if now.stands is None:
            return Position(Stage.OPEN)
        return Position(Stage.OPEN, now.stands.turns * 1000 + 1, now.stands.language)
