"""Whole calls that an agent takes in their own telephone, over the wire, against the stand-in."""

from __future__ import annotations

import pytest

from desk.voice.rules import PRACTICE_PHONE
from server.twilio.standin import Callbacks, Refusal
from tests.conftest import NUMBER
from tests.server.staffroom import make_user, sign_in
from tests.server.twilio.room import ANA, BEN, PSAP, SECOND_PSAP, Room


class TestTheWayToTheTalk:
    async def test_from_the_line_to_the_talk_and_back(self, room: Room) -> None:
        call = await room.waits()
        await room.act("take")
        agent = room.phone
        assert (agent.to, agent.caller, agent.state, room.leg.phase) == (PRACTICE_PHONE, NUMBER, "ringing", "dialing")
        await agent.answer()
        assert "press 1" in agent.last_heard
        assert ANA not in agent.last_heard
        assert call.state == "listening", "the caller goes on waiting until somebody pressed 1"
        await agent.press("1")
        assert call.heard[-1].startswith("I am connecting you now")
        assert (call.state, agent.state) == ("conference", "conference")
        assert room.leg.joined_at is not None
        await agent.hang_up()
        assert "Did this help?" in call.last_heard
        assert room.conversation.reference in call.last_heard
        assert (call.state, room.leg.phase, room.handoff.state) == ("listening", "over", "wrapup")
        await call.press("1")
        assert room.handoff.helped is True
        await call.say("where is a shelter")
        assert "shelter" in call.last_heard.lower()

    @pytest.mark.parametrize("document", ["caller", "agent"])
    async def test_the_conference_as_twilio_has_it(self, room: Room, document: str) -> None:
        call, agent = await room.connected()
        written = (call if document == "caller" else agent).documents[-1]
        for attribute in (
            'startConferenceOnEnter="true"',
            'endConferenceOnExit="true"',
            'beep="false"',
            'record="do-not-record"',
            'waitMethod="GET"',
            'maxParticipants="2"',
            f'participantLabel="{document}"',
            'statusCallbackEvent="start end join leave hold"',
        ):
            assert attribute in written

    @pytest.mark.parametrize(
        ("how", "reason"),
        [("busy", "busy"), ("no-answer", "no_answer"), ("failed", "not_placed"), ("mailbox", "no_key"), ("hangs up", "no_key")],
    )
    async def test_an_agent_who_is_not_reached(self, room: Room, how: str, reason: str) -> None:
        call = await room.waits()
        await room.act("take")
        agent = room.phone
        if how == "mailbox":
            await agent.answer()
            while agent.state != "ended":
                await agent.silence()
        elif how == "hangs up":
            await agent.answer()
            await agent.hang_up()
        else:
            await agent.refuse(how)  # type: ignore[arg-type]
        assert (room.leg.phase, room.leg.reason) == ("failed", reason)
        assert (room.handoff.state, room.handoff.front, room.handoff.accepted_at) == ("queued", True, None)
        assert room.presence() == "break"
        await call.silence()
        await call.silence()
        said = [text for text in call.heard if text.startswith("I could not reach that agent")]
        assert len(said) == 1, "told once"
        await room.act("take")
        await room.phone.answer()
        await room.phone.press("1")
        assert call.state == "conference"

    async def test_twilio_does_not_take_the_call(self, room: Room) -> None:
        await room.waits()
        room.twilio.refusals.append(Refusal(429, 20429, "Too many requests"))
        await room.act("take")
        assert (room.leg.reason, room.handoff.state, room.presence()) == ("not_placed", "queued", "break")

    async def test_another_key_is_asked_again_and_one_connects(self, room: Room) -> None:
        call = await room.waits()
        await room.act("take")
        agent = room.phone
        await agent.answer()
        await agent.press("5")
        assert "press 1" in agent.last_heard
        await agent.press("1")
        assert call.state == "conference"

    async def test_the_caller_is_fetched_by_their_own_round_when_they_cannot_be_led(self, room: Room) -> None:
        call = await room.waits()
        await room.act("take")
        agent = room.phone
        await agent.answer()
        room.twilio.calls.pop(call.sid)
        await agent.press("1")
        assert (call.state, room.leg.phase) == ("listening", "joining")
        await call.silence()
        assert (call.state, room.leg.phase) == ("conference", "talking")

    async def test_the_agent_leaves_before_the_caller_is_there(self, room: Room) -> None:
        call = await room.waits()
        await room.act("take")
        agent = room.phone
        await agent.answer()
        room.twilio.calls.pop(call.sid)
        await agent.press("1")
        await agent.hang_up()
        assert (room.leg.phase, room.leg.reason, room.handoff.state) == ("failed", "lost", "queued")
        await call.silence()
        assert call.heard[-1].startswith("I could not reach that agent")


class TestTheTalk:
    async def test_hold_and_back(self, room: Room) -> None:
        call, _ = await room.connected()
        await room.act("hold")
        assert call.held
        assert room.leg.phase == "held"
        await room.act("hold")
        await room.act("resume")
        assert not call.held
        assert room.leg.phase == "talking"

    async def test_a_hold_that_twilio_refuses_is_taken_back(self, room: Room) -> None:
        await room.connected()
        room.twilio.conferences.all.clear()
        await room.act("hold")
        assert (room.leg.phase, room.leg.reason) == ("talking", "not_held")

    @pytest.mark.parametrize("held", [False, True])
    async def test_the_caller_hangs_up(self, room: Room, held: bool) -> None:
        call, agent = await room.connected()
        if held:
            await room.act("hold")
        await call.hang_up()
        assert agent.state == "ended"
        assert "no longer on the line" in agent.last_heard
        assert (room.leg.phase, room.handoff.state, room.conversation.owner) == ("over", "wrapup", "closed")
        await room.act("file", to="answered")
        assert room.handoff.state == "closed"

    async def test_the_caller_hangs_up_while_the_agents_phone_rings(self, room: Room) -> None:
        call = await room.waits()
        await room.act("take")
        agent = room.phone
        await call.hang_up()
        assert (agent.state, room.leg.phase, room.leg.reason) == ("ended", "over", "caller_gone")
        assert (room.handoff.state, room.handoff.accepted_by) == ("agent", "rosa"), "the packet stays, to call back"

    async def test_the_caller_hangs_up_before_the_key(self, room: Room) -> None:
        call = await room.waits()
        await room.act("take")
        agent = room.phone
        await agent.answer()
        await call.hang_up()
        await agent.press("1")
        assert "no longer on the line" in agent.last_heard
        assert agent.state == "ended"

    async def test_back_to_the_assistant(self, room: Room) -> None:
        call, agent = await room.connected()
        await room.act("return")
        assert "automated assistant again" in call.last_heard
        assert (call.state, agent.state, room.handoff.state) == ("listening", "ended", "bot")

    async def test_finish_at_the_desk(self, room: Room) -> None:
        call, agent = await room.connected()
        await room.act("finish")
        assert "Did this help?" in call.last_heard
        assert (agent.state, room.leg.phase, room.handoff.state) == ("ended", "over", "wrapup")

    async def test_close_and_later_leave_nobody_in_silence(self, room: Room) -> None:
        call, agent = await room.connected()
        await room.act("later")
        assert (call.state, agent.state) == ("listening", "ended")
        assert "automated assistant again" in call.last_heard

    async def test_passed_on_to_a_colleague(self, room: Room) -> None:
        make_user(room.service, "omar")
        await sign_in(room.client, "omar")
        await room.client.get("/desk/")
        await sign_in(room.client, "rosa")
        call, agent = await room.connected()
        await room.act("pass", to="agent:omar", text="needs the interpreter")
        assert call.heard[-1].startswith("A colleague takes over")
        assert (call.state, agent.state, room.handoff.state) == ("listening", "ended", "offered")
        await sign_in(room.client, "omar")
        await room.act("take")
        await room.phone.answer()
        await room.phone.press("1")
        assert (call.state, room.leg.agent) == ("conference", "omar")
        await sign_in(room.client, "rosa")
        await room.act("over")
        assert call.heard[-1].startswith("A colleague takes over")
        assert (room.phone.state, room.leg.agent, room.leg.phase) == ("ringing", "rosa", "dialing")

    async def test_one_call_at_a_time(self, room: Room) -> None:
        await room.connected()
        second = await room.twilio.call(BEN, NUMBER)
        await second.press("0")
        await room.act("take", status=409)
        assert room.handoff.state == "queued"


class TestElsewhere:
    async def test_to_911_in_one_step(self, room: Room) -> None:
        call, agent = await room.connected()
        await room.act("to-911")
        assert call.dialed == [PSAP]
        assert 'callerId="+15555550161"' in call.documents[-1]
        assert (agent.state, room.leg.phase, room.leg.reason, room.handoff.state) == ("ended", "over", "to_911", "wrapup")
        assert "agent_to_911" in room.alerts
        await call.dial_result("completed")
        assert call.state == "listening"

    async def test_no_number_of_the_911_center_answers(self, room: Room) -> None:
        call, _ = await room.connected()
        room.twilio.dial_results.update({PSAP: "busy", SECOND_PSAP: "no-answer"})
        await room.act("to-911")
        await call.silence()
        assert call.dialed == [PSAP, SECOND_PSAP]
        assert room.alerts.count("psap_transfer_failed") == 2
        assert (room.handoff.state, room.handoff.priority) == ("queued", 0)
        await room.act("take")
        await room.phone.answer()
        await room.phone.press("1")
        assert call.state == "conference", "the way to 911 is over, and a person may take them again"

    async def test_a_caller_on_the_way_to_911_is_taken_by_nobody(self, room: Room) -> None:
        call = await room.waits()
        await call.say("my house is on fire")
        await call.silence()
        assert call.state == "dialing"
        await room.act("take", status=409)
        assert call.state == "dialing"

    async def test_an_emergency_said_while_the_agents_phone_rings_goes_first(self, room: Room) -> None:
        call = await room.waits()
        await room.act("take")
        agent = room.phone
        await agent.answer()
        await call.say("my house is on fire")
        await call.silence()
        assert call.dialed == [PSAP]
        await agent.press("1")
        assert (call.state, agent.state) == ("dialing", "conference"), "the agent waits, the call to 911 goes on"
        room.twilio.dial_results[SECOND_PSAP] = "busy"
        await call.dial_result("busy")
        await call.silence()
        assert call.state == "conference", "nobody answered at 911, the agent is there"

    async def test_911_cannot_be_begun(self, room: Room) -> None:
        call, agent = await room.connected()
        room.twilio.calls.pop(call.sid)
        await room.act("to-911")
        assert (call.state, agent.state, room.leg.phase) == ("conference", "conference", "talking"), "nobody is taken away"
        assert "psap_transfer_failed" in room.alerts

    @pytest.mark.parametrize("answered", [True, False])
    async def test_to_a_number_of_the_citys_list(self, room: Room, answered: bool) -> None:
        call, agent = await room.connected()
        await room.act("to-number", to="power")
        assert call.dialed == ["+15555550120"]
        assert (agent.state, room.handoff.state) == ("ended", "wrapup")
        await call.dial_result("completed" if answered else "busy")
        if answered:
            assert (call.state, room.conversation.owner) == ("listening", "bot")
        else:
            assert call.heard[-1].startswith("Nobody answered there")
            assert (room.handoff.state, room.handoff.front, room.handoff.reason) == ("queued", True, "transfer_failed")

    async def test_a_number_that_is_not_on_the_list(self, room: Room) -> None:
        call, _ = await room.connected()
        await room.act("to-number", to="911", status=409)
        assert call.state == "conference"


class TestWhatTwilioTells:
    @pytest.mark.parametrize("backwards", [False, True])
    async def test_late_twice_and_backwards(self, room: Room, backwards: bool) -> None:
        room.twilio.callbacks = Callbacks.HELD
        call = await room.waits()
        await room.act("take")
        agent = room.phone
        await agent.answer()
        await agent.press("1")
        await agent.hang_up()
        assert call.state == "listening"
        assert set(await room.twilio.release(backwards=backwards, twice=True)) == {204}
        assert (room.leg.phase, room.handoff.state) == ("over", "wrapup")
        assert call.state == "listening"
        assert room.presence() == "available"

    async def test_of_a_leg_that_there_is_not(self, room: Room) -> None:
        for path in ("status", "conference"):
            url = f"{room.twilio.public_url}/twilio/voice/desk/{path}?l=nothing"
            fields = {"CallSid": "CAx", "CallStatus": "completed", "StatusCallbackEvent": "conference-start"}
            assert (await room.twilio.webhooks.send(url, fields)).status == 204

    async def test_without_a_signature(self, room: Room) -> None:
        for path in ("whisper", "key", "left", "status", "conference", "join", "talked", "back", "psap", "dial", "dialed"):
            answer = await room.client.post(f"/twilio/voice/desk/{path}?l=x", data={"CallSid": "CAx"})
            assert answer.status_code == 403, path
