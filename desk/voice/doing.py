"""Does at Twilio what a committed change asks for, and takes back what could not be done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import structlog
from sqlalchemy.orm import Session

from desk.voice import rules, service
from desk.voice.effects import DIAL, PSAP, SOUND, STATUS, WHISPER, Dial, Effect, End, Hold, Lead, address, room
from desk.voice.models import VoiceLeg
from desk.voice.rules import Rules, sid_of
from desk.voice.states import Phase, live_leg, look, move
from server import clock
from server.alerts.service import raise_alert
from server.conversations.models import Conversation
from server.http.deps import ChannelDeps
from server.twilio.addresses import is_number
from server.twilio.ports import Ring

log = structlog.get_logger()

EVERY: Final = 3.0
_T = TypeVar("_T")


async def perform(deps: ChannelDeps, effects: Sequence[Effect]) -> None:
    """Does each effect. What fails is made known to the desk: the agent sees it at once, the caller keeps what they have."""
    for effect in effects:
        match effect:
            case Dial(leg_id):
                await _dial(deps, leg_id)
            case Lead():
                await _lead(deps, effect)
            case End(sid):
                await deps.calls.end(sid)
            case Hold(leg_id, on):
                await _hold(deps, leg_id, on=on)


async def _dial(deps: ChannelDeps, leg_id: int) -> None:
    ring = await _store(deps, lambda session: _claimed(deps, session, leg_id))
    if ring is None:
        return
    sid = await deps.calls.ring(ring)

    def settle(session: Session) -> list[Effect]:
        leg = session.get_one(VoiceLeg, leg_id)
        if sid is None:
            found = Rules.of(deps, deps.library.get(session).city)
            return service.not_reached(session, leg=leg, rules=found, reason="not_placed")
        if leg.call_sid is None:
            leg.call_sid = sid
        # The caller may have hung up, or the agent passed the call on, while it was being placed.
        return [End(sid)] if leg.phase == Phase.OVER else []

    await perform(deps, await _store(deps, settle))


def _claimed(deps: ChannelDeps, session: Session, leg_id: int) -> Ring | None:
    leg = session.get_one(VoiceLeg, leg_id)
    if not move(session, leg=leg, to=Phase.DIALING, actor="desk", only_from=(Phase.WANTED,)):
        return None
    ours = session.get_one(Conversation, leg.conversation_id).our_address or ""
    base = deps.settings.public_url
    return Ring(
        to=deps.keys.open(leg.phone),
        sender=ours if is_number(ours) else deps.settings.twilio_number,
        url=address(base, WHISPER, l=leg.token),
        status_url=address(base, STATUS, l=leg.token),
        seconds=service.RING_SECONDS,
    )


async def _lead(deps: ChannelDeps, lead: Lead) -> None:
    query = {name: value for name, value in (("l", lead.token), ("n", lead.to)) if value}
    url = address(deps.settings.public_url, lead.path, c=lead.sid, **query)
    if await deps.calls.lead(lead.sid, url) or lead.path not in (PSAP, DIAL):
        return

    def tell(session: Session) -> None:
        leg = live_leg(session, conversation_id=lead.conversation_id)
        if leg is not None:
            look(session, leg=leg)
            leg.reason, leg.phase_at = "not_led", clock.now()
        if lead.path == PSAP:
            # The caller is still where they were: what follows must not take them for one who is on the way to 911.
            rules.not_at_911(session.get_one(Conversation, lead.conversation_id))
            detail = {"status": "not_led"}
            raise_alert(
                session, kind="psap_transfer_failed", severity="critical", conversation_id=lead.conversation_id, detail=detail
            )

    await _store(deps, tell)


async def _hold(deps: ChannelDeps, leg_id: int, *, on: bool) -> None:
    def read(session: Session) -> tuple[str, str]:
        leg = session.get_one(VoiceLeg, leg_id)
        return leg.token, sid_of(session.get_one(Conversation, leg.conversation_id))

    token, sid = await _store(deps, read)
    if await deps.calls.hold(room(token), sid, on=on, url=deps.settings.public_url + SOUND):
        return
    to = Phase.TALKING if on else Phase.HELD
    await _store(deps, lambda session: move(session, leg=session.get_one(VoiceLeg, leg_id), to=to, actor="desk", reason="not_held"))


async def _store(deps: ChannelDeps, work: Callable[[Session], _T]) -> _T:
    def run() -> _T:
        with deps.sessions.begin() as session:
            return work(session)

    return await asyncio.to_thread(run)


class VoiceRounds:
    """Dials what a stopped process left undialed, and gives up telephones of which nothing is heard."""

    def __init__(self, deps: ChannelDeps) -> None:
        self._deps = deps

    async def run(self, stop: asyncio.Event) -> None:
        """Goes round until `stop` is set. Whatever fails is tried again in the next round."""
        while not stop.is_set():
            try:
                await self.once()
            except Exception as error:
                # Nothing is lost by going on: every leg stays where it is and is looked at again in the next round.
                log.error("voice.round_failed", error=repr(error))
            try:
                async with asyncio.timeout(EVERY):
                    await stop.wait()
            except TimeoutError:
                continue

    async def once(self) -> None:
        """One round."""
        await perform(self._deps, await _store(self._deps, self._due))

    def _due(self, session: Session) -> list[Effect]:
        late, astray = service.overdue(session), service.astray(session)
        if not (late or astray):
            return []
        found = Rules.of(self._deps, self._deps.library.get(session).city)
        effects: list[Effect] = []
        for conversation in astray:
            effects += service.follow(session, conversation=conversation, rules=found, reason="moved")
        for leg in late:
            if leg.phase == Phase.WANTED:
                effects.append(Dial(leg.id))
                continue
            effects += [End(leg.call_sid)] if leg.call_sid else []
            effects += service.not_reached(session, leg=leg, rules=found, reason="no_answer")
        return effects
