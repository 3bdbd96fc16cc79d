"""A desk with an agent who takes calls in their own telephone, and the telephone network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import httpx
from fastapi import FastAPI

from desk.models import DeskAgent, Handoff
from desk.voice.doing import VoiceRounds
from desk.voice.models import VoiceLeg
from desk.voice.rules import Rules
from server.alerts.models import Alert
from server.assembly import Service
from server.conversations.models import Conversation
from server.http.deps import ChannelDeps
from server.twilio.standin import Call, OutboundCall, StandIn, make_call_control, standin_of
from tests.conftest import NUMBER
from tests.server.harness import rows
from tests.server.staffroom import SAME_SITE, make_user, sign_in

ANA, BEN = "+15555550161", "+15555550162"
PSAP, SECOND_PSAP = "+15555550111", "+15555550112"


@dataclass
class Room:
    """A desk with one agent, and the telephone network."""

    client: httpx.AsyncClient
    service: Service
    twilio: StandIn
    deps: ChannelDeps

    async def waits(self) -> Call:
        """A caller who waits for a person."""
        call = await self.twilio.call(ANA, NUMBER)
        await call.press("0")
        return call

    async def act(self, act: str, to: str = "", text: str = "", status: int = 303) -> httpx.Response:
        """Presses a button of the conversation's page."""
        answer = await self.client.post(
            f"/desk/c/{self.conversation.reference}/{act}", data={"to": to, "text": text}, headers=SAME_SITE
        )
        assert answer.status_code == status, answer.text
        return answer

    @property
    def phone(self) -> OutboundCall:
        """The agent's telephone, which rings or speaks."""
        (call,) = self.twilio.ringing()
        return call

    async def connected(self) -> tuple[Call, OutboundCall]:
        """A caller and an agent who speak with each other."""
        call = await self.waits()
        await self.act("take")
        agent = self.phone
        await agent.answer()
        await agent.press("1")
        assert (call.state, agent.state, self.leg.phase) == ("conference", "conference", "talking")
        return call, agent

    @property
    def leg(self) -> VoiceLeg:
        """The newest leg."""
        return rows(self.service, VoiceLeg)[-1]

    @property
    def handoff(self) -> Handoff:
        """The newest handoff."""
        return rows(self.service, Handoff)[-1]

    @property
    def conversation(self) -> Conversation:
        """The newest conversation."""
        return rows(self.service, Conversation)[-1]

    @property
    def alerts(self) -> list[str]:
        """The kinds of the alerts raised."""
        return [alert.kind for alert in rows(self.service, Alert)]

    def presence(self, name: str = "rosa") -> str:
        """What an agent is."""
        return next(agent.state for agent in rows(self.service, DeskAgent) if agent.name == name)

    def rules(self, **changes: Any) -> Rules:
        """What holds for calls here."""
        return replace(Rules.of(self.deps, self.service.library.last_good.city), **changes)

    async def rounds(self) -> None:
        """What is done every few seconds, done once."""
        await VoiceRounds(self.deps).once()


async def open_room(client: httpx.AsyncClient, app: FastAPI, service: Service) -> Room:
    """A desk with Rosa at it, a supervisor."""
    make_user(service, "rosa", "supervisor")
    assert (await sign_in(client, "rosa")).status_code == 303
    settings = service.settings.model_copy(update={"public_url": "http://testserver"})
    deps = ChannelDeps(settings, service.spine, service.library, service.keys, service.sessions, service.wake)
    deps = replace(deps, calls=make_call_control(app, settings))
    return Room(client, service, standin_of(app, settings), deps)
