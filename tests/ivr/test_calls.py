"""Whole calls, over the wire, against the stand-in, which refuses every document that Twilio or this house would not take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from desk import service as desk_service
from desk.models import Handoff
from server.twilio.standin import Call, WebhookFailed
from tests.server.twilio.house import ANA, BEN, OURS, PSAP, House, open_house

CARD = "If this is an emergency, hang up and dial nine one one now"


async def test_the_greeting(house: House) -> None:
    call = await house.twilio.call(ANA, OURS)
    assert call.heard[0].startswith("If this is an emergency, hang up and dial nine one one.")
    assert [(event.text, event.language) for event in call.events if event.kind == "say"][1][1] == "es-US"
    assert "Para español, oprima 2" in call.last_heard
    assert call.last_heard.rstrip(".").endswith("press 0")
    assert call.state == "listening"


async def test_by_speech_alone(house: House) -> None:
    call = await house.twilio.call(ANA, OURS)
    await call.say("where is a shelter")
    assert "shelter" in call.last_heard.lower()
    assert house.turns[-1].outcome == "answer"
    assert call.state == "listening"


async def test_by_keys_alone(house: House) -> None:
    call = await house.twilio.call(ANA, OURS)
    await call.press("#")
    assert "1. " in call.last_heard
    assert "5. " in call.last_heard
    assert "6. " not in call.last_heard
    await call.press("2")
    assert house.turns[-1].outcome == "menu_choice"
    assert house.turns[-1].topic == house.deps.library.last_good.menu("en")[1]
    assert len(call.last_heard.split()) <= 75 + 25


async def test_in_spanish_by_keys_alone(house: House) -> None:
    call = await house.twilio.call(ANA, OURS)
    await call.press("2")
    assert call.last_heard.startswith("Si es una emergencia, cuelgue y marque nueve uno uno")
    await call.press("#")
    await call.press("1")
    assert house.turns[-1].language == "es"
    assert {event.language for event in call.events if event.kind == "say"} >= {"es-US"}
    assert 'language="es-US"' in call.documents[-1]
    await call.say("dónde hay un refugio")
    assert house.turns[-1].language == "es"


class TestReading:
    async def long_answer(self, house: House) -> Call:
        call = await house.twilio.call(ANA, OURS)
        await call.say("are any roads closed")
        return call

    async def test_more_again_and_back(self, house: House) -> None:
        call = await self.long_answer(house)
        first = call.last_heard
        if "There is more" not in first:
            pytest.skip("no answer of the shipped ones is long enough")
        await call.press("1")
        second = call.last_heard
        assert second != first
        await call.press("9")
        await call.silence()
        assert call.last_heard == second
        await call.press("*")
        assert call.last_heard == first
        await call.say("more")
        assert call.last_heard == second

    async def test_again_after_an_answer(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.say("where is a shelter")
        answer = call.last_heard
        await call.press("9")
        await call.silence()
        assert call.last_heard == answer

    async def test_again_with_nothing_said(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.press("99")
        assert "nothing to repeat" in call.last_heard

    async def test_a_second_question(self, house: House) -> None:
        call = await self.long_answer(house)
        await call.say("where is a shelter")
        assert "shelter" in call.last_heard.lower()


class TestLadders:
    async def test_silence(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        heard = []
        for _ in range(3):
            await call.silence()
            heard.append(call.last_heard)
        assert len(set(heard)) == 3
        assert "press 1" in heard[0]
        assert "agent" in heard[2]
        assert house.rows(Handoff)[0].reason == "no_input_x3"
        assert 'input="dtmf"' in call.documents[2]

    @pytest.mark.parametrize("silences", [1, 2])
    async def test_who_cannot_talk_presses_1(self, house: House, silences: int) -> None:
        call = await house.twilio.call(ANA, OURS)
        for _ in range(silences):
            await call.silence()
        if silences == 1:
            await call.press("1")
            assert house.turns[-1].outcome == "emergency_911"
            await call.silence()
            assert call.dialed == [PSAP]

    async def test_keys_that_mean_nothing(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.press("#")
        for _ in range(3):
            await call.press("8")
        assert house.rows(Handoff)[0].reason == "no_match_x3"

    async def test_nothing_that_fits(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        for words in ("blue purple seven", "zigzag marble", "quartz", "umbrella tennis", "piano"):
            if house.rows(Handoff):
                break
            await call.say(words)
        assert house.rows(Handoff)


class TestPerson:
    @pytest.mark.parametrize("before", [[], ["#"], ["2"], ["#", "1"], ["9"], ["#", "8"]])
    async def test_0_from_anywhere(self, house: House, before: list[str]) -> None:
        call = await house.twilio.call(ANA, OURS)
        for key in before:
            await call.press(key)
        await call.press("0")
        assert house.turns[-1].outcome == "agent"
        assert len(house.rows(Handoff)) == 1

    async def test_the_waiting_line(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.say("agent")
        assert "number 1 in line" in call.last_heard
        turns = len(house.turns)
        said = len(call.heard)
        for _ in range(3):
            await call.silence()
        assert any("still in line" in text for text in call.heard[said:])
        assert any(event.kind == "play" for event in call.events)
        assert len(house.turns) == turns

    async def test_an_emergency_while_waiting(self, house: House) -> None:
        for how in ("911", "speech"):
            call = await house.twilio.call(ANA, OURS)
            await call.press("0")
            await call.silence()
            if how == "911":
                await call.press("911")
            else:
                await call.say("the fire is spreading I can't breathe")
            assert call.last_heard.startswith(CARD)
            await call.silence()
            assert call.dialed == [PSAP]

    async def test_what_is_said_while_waiting_reaches_the_agent(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.press("0")
        await call.say("it is about my mother's medication")
        assert house.rows(Handoff)[0].packet["last_message"] == "it is about my mother's medication"
        assert call.state == "listening"

    async def test_an_agent_gives_the_call_back(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.press("0")
        handoff = house.rows(Handoff)[0]
        with house.deps.sessions.begin() as session:
            desk_service.accept(session, handoff_id=handoff.id, agent="rosa")
        await call.silence()
        assert call.state == "listening"
        with house.deps.sessions.begin() as session:
            desk_service.give_back(session, handoff_id=handoff.id, agent="rosa")
        await call.silence()
        assert "automated assistant again" in call.last_heard
        await call.say("where is a shelter")
        assert "shelter" in call.last_heard.lower()

    async def test_the_agents_line_rings_once_an_agent_took_the_call(self, house: House) -> None:
        library = house.deps.library.last_good
        library.city = {**library.city, "agent_line": "555-555-0190"}
        call = await house.twilio.call(ANA, OURS)
        await call.press("0")
        with house.deps.sessions.begin() as session:
            desk_service.accept(session, handoff_id=house.rows(Handoff)[0].id, agent="rosa")
        await call.silence()
        assert call.dialed == ["+15555550190"]
        await call.dial_result("busy")
        assert call.state == "listening"
        await call.silence()
        await call.dial_result("completed")
        assert call.state == "listening"

    async def test_hanging_up_while_waiting_keeps_the_place(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.press("0")
        await call.hang_up()
        assert house.conversations[0].owner == "queued"
        assert house.alerts == ["hung_up_waiting"]


class TestCalls:
    async def test_withheld_numbers_share_nothing(self, house: House) -> None:
        first, second = await house.twilio.call("+266696687", OURS), await house.twilio.call("+266696687", OURS)
        await first.say("my house is on fire")
        await second.say("where is a shelter")
        assert not second.last_heard.startswith(CARD)
        assert {conversation.key for conversation in house.conversations} == {f"ivr:{first.sid}", f"ivr:{second.sid}"}
        assert {conversation.person for conversation in house.conversations} == {None}

    async def test_two_calls_of_one_number_are_two_conversations(self, house: House) -> None:
        first, second = await house.twilio.call(ANA, OURS), await house.twilio.call(ANA, OURS)
        await first.press("2")
        await second.say("where is a shelter")
        assert len(house.conversations) == 2
        assert house.turns[-1].language == "en"

    async def test_a_retry_of_any_step_is_the_same_step(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        assert await call.repeat_last() == call.documents[-1]
        for act in (call.silence, lambda: call.say("where is a shelter"), lambda: call.press("#"), lambda: call.press("0")):
            await act()
            turns = len(house.turns)
            assert await call.repeat_last() == call.documents[-1]
            assert len(house.turns) == turns
        assert len(house.rows(Handoff)) == 1

    async def test_a_call_that_starts_over_goes_on(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.press("2")
        await call.say("dónde hay un refugio")
        again = await house.twilio.call(ANA, OURS, sid=call.sid)
        assert again.last_heard.startswith("Si es una emergencia")
        await again.say("cuándo vuelve la luz")
        assert [turn.topic for turn in house.turns][-1] != [turn.topic for turn in house.turns][-2]
        await again.press("0")
        third = await house.twilio.call(ANA, OURS, sid=call.sid)
        assert any(event.kind == "play" for event in third.events)

    async def test_hanging_up_closes_the_conversation(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.say("where is a shelter")
        await call.hang_up()
        assert house.conversations[0].owner == "closed"
        assert not house.alerts

    async def test_a_step_signed_with_another_key_is_still_heard(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        call._open.set("action", "/twilio/voice/turn?c=x&s=open.1.en.0&k=bad")  # type: ignore[union-attr]
        await call.say("my house is on fire")
        assert call.last_heard.startswith(CARD)

    @pytest.mark.parametrize("path", ["", "/turn", "/wait", "/emergency", "/agent", "/status"])
    async def test_requests_without_a_call(self, house: House, path: str) -> None:
        url = house.twilio.webhooks.address(f"/twilio/voice{path}")
        answer = await house.twilio.webhooks.send(url, {"CallStatus": "completed", "Digits": "1"})
        assert answer.status == 400

    async def test_unsigned(self, house: House) -> None:
        house.twilio.webhooks._validator.token = b"another"
        with pytest.raises(WebhookFailed, match="403: Forbidden"):
            await house.twilio.call(ANA, OURS)

    async def test_the_hold_sound(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.press("0")
        (play,) = [event.text for event in call.events if event.kind == "play"]
        assert play == "https://311.harborcity.example/twilio/voice/hold.wav"

    async def test_low_confidence_is_asked_again_and_never_hides_an_emergency(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.say("my house is on fire", confidence=0.01)
        assert call.last_heard.startswith(CARD)

    @pytest.mark.parametrize("confidence", ["", "high", "nan", "-1", "2", "1e400"])
    async def test_odd_confidence(self, house: House, confidence: str) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call._act(call._gather(), {"SpeechResult": "where is a shelter", "Confidence": confidence})
        assert call.state == "listening"


class TestFaults:
    @pytest.fixture
    def broken(self, house: House) -> Iterator[House]:
        def fails(*_: Any, **__: Any) -> Any:
            raise OperationalError("select 1", {}, Exception("gone"))

        sessions = house.deps.sessions
        begin = sessions.begin
        sessions.begin = fails  # type: ignore[method-assign]
        yield house
        sessions.begin = begin  # type: ignore[method-assign]

    async def test_without_a_database_the_call_goes_on(self, broken: House) -> None:
        call = await broken.twilio.call(ANA, OURS)
        assert "nine one one" in call.last_heard
        await call.say("where is a shelter")
        assert "nine one one" in call.last_heard
        assert call.state == "listening"

    async def test_without_a_database_an_emergency_is_still_transferred(self, broken: House) -> None:
        call = await broken.twilio.call(ANA, OURS)
        await call.say("my house is on fire")
        assert call.last_heard.startswith(CARD)
        await call.silence()
        assert call.dialed == [PSAP]
        await call.dial_result("busy")
        assert call.state in ("listening", "dialing")

    async def test_without_a_database_the_agents_line_rings(self, broken: House) -> None:
        library = broken.deps.library.last_good
        library.city = {**library.city, "agent_line": "555-555-0190"}
        call = await broken.twilio.call(ANA, OURS)
        assert call.dialed == ["+15555550190"]
        await call.dial_result("no-answer")
        assert call.state == "listening"


ACTS = st.one_of(
    st.text(alphabet="0123456789*#", min_size=1, max_size=4),
    st.sampled_from(
        [
            "",
            "where is a shelter",
            "agent",
            "my house is on fire",
            "more",
            "again",
            "what is the meaning of life",
            "dónde hay un refugio",
            "I want to die",
            "stop",
            "no",
            "2",
            "😀 <b>&amp;</b> ]]> \x01",
            "/restart",
        ]
    ).map(lambda words: f"say:{words}"),
    st.sampled_from(["completed", "busy", "failed"]).map(lambda status: f"dial:{status}"),
)


@pytest.fixture(scope="module")
def one_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("calls")) as house:
        yield house


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, max_size=8))
async def test_whatever_a_caller_does_the_line_never_goes_dead(one_house: House, acts: list[str]) -> None:
    """The stand-in checks each document as it comes; here only that the call is always somewhere."""
    call = await one_house.twilio.call(BEN, OURS)
    for act in acts:
        assert call.state in ("listening", "dialing")
        if call.state == "dialing":
            await call.dial_result(act.removeprefix("dial:") if act.startswith("dial:") else "no-answer")
        elif act in ("say:", "dial:completed", "dial:busy", "dial:failed"):
            await call.silence()
        elif act.startswith("say:"):
            await call.say(act.removeprefix("say:"))
        else:
            await call.press(act)
    assert call.state in ("listening", "dialing")
