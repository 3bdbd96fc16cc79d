"""What is done by itself for calls: undialed, unheard of, and taken away from their agent."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from desk.models import DeskAgent
from desk.rounds import DeskRounds
from desk.voice.models import VoiceLeg
from desk.voice.service import STALE, no_calls
from desk.voice.states import Phase
from server.clock import now
from tests.server.twilio.room import Room


def later(room: Room, *, by: timedelta, **values: object) -> None:
    """Makes a leg as old as that."""
    with room.service.sessions.begin() as session:
        session.execute(update(VoiceLeg).values(phase_at=now() - by, **values))


async def test_what_a_stopped_process_left_undialed_is_dialed_once(room: Room) -> None:
    await room.waits()
    await room.act("take")
    room.twilio.calls.pop(room.phone.sid)
    later(room, by=timedelta(seconds=10), phase=Phase.WANTED.value, call_sid=None)
    await room.rounds()
    await room.rounds()
    assert (room.phone.state, room.leg.phase) == ("ringing", "dialing")


async def test_a_telephone_of_which_nothing_is_heard(room: Room) -> None:
    call = await room.waits()
    await room.act("take")
    phone = room.phone
    later(room, by=STALE + timedelta(seconds=1))
    await room.rounds()
    assert (phone.state, room.leg.phase, room.leg.reason) == ("ended", "failed", "no_answer")
    assert (room.handoff.state, room.handoff.front) == ("queued", True)
    await call.silence()
    assert call.heard[-1].startswith("I could not reach that agent")


async def test_a_talk_that_goes_on_is_left_alone(room: Room) -> None:
    call, agent = await room.connected()
    later(room, by=timedelta(hours=2))
    await room.rounds()
    assert (call.state, agent.state, room.leg.phase) == ("conference", "conference", "talking")


async def test_going_offline_gives_the_caller_back_to_the_line(room: Room) -> None:
    call, agent = await room.connected()
    await room.client.post("/desk/presence", data={"state": "offline"}, headers={"sec-fetch-site": "same-origin"})
    await room.rounds()
    assert (call.state, agent.state, room.leg.phase, room.handoff.state) == ("listening", "ended", "over", "queued")


async def test_an_agent_whose_browser_is_gone_keeps_the_talk_and_nothing_after_it(room: Room) -> None:
    call, _ = await room.connected()
    with room.service.sessions.begin() as session:
        session.execute(update(DeskAgent).values(seen_at=now() - timedelta(minutes=5)))
    later(room, by=timedelta(minutes=5))
    assert DeskRounds(room.deps).once() == 0
    assert call.state == "conference"


async def test_who_takes_no_calls(room: Room) -> None:
    rules = room.rules()
    with room.service.sessions() as session:
        assert no_calls(session, rules=rules) == set()
        assert no_calls(session, rules=room.rules(practice=False)) == {"rosa"}
        assert no_calls(session, rules=room.rules(practice=False, agents_line=True)) == set()
    await room.connected()
    with room.service.sessions() as session:
        assert no_calls(session, rules=rules) == {"rosa"}
