"""Emergencies by phone, over the wire, against the stand-in, which refuses every document that Twilio or this house would not take."""

from __future__ import annotations

import pytest

from desk.models import Handoff
from server.alerts.models import Alert
from server.twilio.control import TwilioCallControl
from server.twilio.standin.api import make_api, serving
from tests.server.harness import failing
from tests.server.twilio.house import ANA, OURS, PSAP, SECOND_PSAP, House

CARD = "If this is an emergency, hang up and dial nine one one now"


class TestEmergency:
    async def test_spoken(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.say("my house is on fire we can't get out")
        document = call.documents[-1]
        assert call.last_heard.startswith(CARD)
        assert document.index("<Say") < document.index('<Pause length="3"') < document.index("<Dial")
        assert f'callerId="{ANA}"' in document
        assert "emergency" in house.alerts
        await call.silence()
        assert (call.state, call.dialed) == ("dialing", [PSAP])

    @pytest.mark.parametrize("keys", ["911", "9911"])
    async def test_keyed(self, house: House, keys: str) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.press(keys)
        assert house.turns[-1].outcome == "emergency_911"

    async def test_keyed_slowly(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.press("9")
        await call.press("1")
        assert house.turns[-1].outcome == "emergency_911"

    async def test_in_spanish(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.press("2")
        await call.say("mi casa se está quemando")
        assert call.last_heard.startswith("Si es una emergencia, cuelgue y marque nueve uno uno")

    async def test_no_emergency_after_all(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        await call.press("2")
        assert "not an emergency" in call.last_heard
        assert not call.dialed
        await call.say("where is a shelter")
        assert not call.last_heard.startswith(CARD)

    @pytest.mark.parametrize("keys", ["0", "5", "#", "1"])
    async def test_any_other_key_connects_at_once(self, house: House, keys: str) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        await call.press(keys)
        assert call.dialed == [PSAP]

    async def test_answered(self, house: House) -> None:
        house.twilio.dial_results[PSAP] = "completed"
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        await call.silence()
        assert call.state == "listening"
        await call.say("where is a shelter")
        assert not call.last_heard.startswith(CARD)
        await call.hang_up()
        assert "emergency_hangup" not in house.alerts

    @pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled", ""])
    async def test_not_answered(self, house: House, status: str) -> None:
        house.twilio.dial_results = {PSAP: status, SECOND_PSAP: status}
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        await call.silence()
        # The first number failed at once, so that the second card is spoken; it is not waited for long.
        assert (call.state, call.dialed) == ("listening", [PSAP])
        assert call.last_heard.startswith(CARD)
        assert "<Pause" not in call.documents[-1]
        (alert,) = failures(house)
        assert (alert.severity, alert.detail) == ("critical", {"status": status, "number": 1})
        assert house.rows(Handoff) == []
        await call.repeat_last()
        assert len(failures(house)) == 1
        await call.silence()
        assert call.dialed == [PSAP, SECOND_PSAP]
        assert CARD in call.last_heard
        assert "agent" in call.last_heard
        assert [alert.detail["number"] for alert in failures(house)] == [1, 2]
        assert house.rows(Handoff)[0].priority == 0
        await call.repeat_last()
        assert len(failures(house)) == 2
        assert call.state == "listening", "waits for a person; nobody hangs up"

    async def test_the_second_number_answers(self, house: House) -> None:
        house.twilio.dial_results = {PSAP: "no-answer", SECOND_PSAP: "completed"}
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        await call.silence()
        assert f'callerId="{ANA}"' in call.documents[-1]
        await call.silence()
        assert call.dialed == [PSAP, SECOND_PSAP]
        assert any(event.kind == "whisper" and "Transfer from Harbor City" in event.text for event in call.events)
        assert (call.state, house.rows(Handoff)) == ("listening", [])
        await call.hang_up()
        assert "emergency_hangup" not in house.alerts

    async def test_no_emergency_after_all_at_the_second_number(self, house: House) -> None:
        house.twilio.dial_results[PSAP] = "busy"
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        await call.silence()
        await call.press("2")
        assert call.dialed == [PSAP]
        assert "not an emergency" in call.last_heard

    async def test_a_key_at_the_second_card_dials_the_second_number(self, house: House) -> None:
        house.twilio.dial_results[PSAP] = "busy"
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        await call.silence()
        await call.press("5")
        assert call.dialed == [PSAP, SECOND_PSAP]

    async def test_after_the_last_number_the_agents_line_rings_at_once(self, house: House) -> None:
        house.twilio.dial_results = {PSAP: "busy", SECOND_PSAP: "failed", "+15555550190": "no-answer"}
        library = house.deps.library.last_good
        library.city = {**library.city, "agent_line": "555-555-0190"}
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        await call.silence()
        await call.silence()
        assert call.dialed == [PSAP, SECOND_PSAP, "+15555550190"]
        assert call.state == "listening", "nobody answered: the call waits at the head of the line"
        assert house.rows(Handoff)[0].priority == 0

    async def test_the_second_number_is_dialed_without_a_database(self, house: House) -> None:
        house.twilio.dial_results = {PSAP: "busy", SECOND_PSAP: "busy"}
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        with failing(house.service.engine, "SELECT", "INSERT", "UPDATE"):
            await call.silence()
            assert call.last_heard.startswith(CARD)
            await call.silence()
        assert call.dialed == [PSAP, SECOND_PSAP]
        assert call.state == "listening"

    async def test_the_end_is_told_before_the_transfer(self, house: House) -> None:
        """Twilio promises no order: the status of the call comes first, then what became of the transfer."""
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        await call.silence()
        action = call.documents[-1].split('<Dial action="')[1].split('"')[0].replace("&amp;", "&")
        status = house.twilio.webhooks.address("/twilio/voice/status")
        fields = {"CallSid": call.sid, "From": ANA, "To": OURS}
        for _ in range(2):
            assert (await house.twilio.webhooks.send(status, {**fields, "CallStatus": "completed"})).status == 204
        document = await house.twilio.webhooks.document(action, {**fields, "DialCallStatus": "canceled"})
        assert "<Hangup" not in document
        assert house.alerts.count("emergency_hangup") == 1
        assert len(failures(house)) == 1

    @pytest.mark.parametrize("states", [("ringing", "in-progress", "completed"), ("completed", "in-progress", "ringing")])
    async def test_states_of_a_call_in_any_order(self, house: House, states: tuple[str, ...]) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        status = house.twilio.webhooks.address("/twilio/voice/status")
        for state in states:
            fields = {"CallSid": call.sid, "From": ANA, "To": OURS, "CallStatus": state}
            assert (await house.twilio.webhooks.send(status, fields)).status == 204
        assert house.alerts.count("emergency_hangup") == 1

    async def test_hanging_up_before_anyone_answered(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        await call.hang_up()
        await call.hang_up()
        assert house.alerts.count("emergency_hangup") == 1

    async def test_hanging_up_on_the_911_center_is_no_alarm(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        await call.silence()
        url = call.documents[-1].split('url="')[1].split('"')[0].replace("&amp;", "&")
        await house.twilio.webhooks.send(url, {"CallSid": "CAleg"})
        await call.hang_up()
        assert "emergency_hangup" not in house.alerts

    async def test_a_withheld_number_is_not_passed_on_as_ours(self, house: House) -> None:
        call = await house.twilio.call("anonymous", OURS)
        await call.say("there is a fire in my house")
        assert "callerId" not in call.documents[-1]

    async def test_a_city_without_a_transfer(self, house: House) -> None:
        without_transfer(house)
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        assert call.last_heard.startswith(CARD)
        assert call.state == "listening"
        await call.silence()
        assert house.rows(Handoff)
        assert not call.dialed

    async def test_the_latch_leads_every_answer(self, house: House) -> None:
        without_transfer(house)
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        await call.say("where is a shelter")
        assert call.last_heard.startswith(CARD)


class TestWhileSpeaking:
    FIRE = "my house is on fire and my kids"

    async def test_two_partial_results_break_off(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        assert await call.partial("my house", number=0) == 204
        await call.partial(self.FIRE, number=1)
        assert (house.turns, call.state) == ([], "listening"), "one is not enough"
        await call.partial(f"{self.FIRE} are", number=2)
        assert call.heard[-1].startswith(CARD)
        assert "emergency" in house.alerts
        assert [(turn.outcome, turn.kind) for turn in house.turns] == [("emergency_911", "speech")]
        await call.silence()
        assert call.dialed == [PSAP]

    async def test_a_long_sentence_is_not_heard_to_its_end(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.speak("my house is on fire and my kids are upstairs and I wanted to ask about the road closures too")
        assert call.heard[-1].startswith(CARD)
        assert "road closures" not in house.turns[0].text
        assert call.transcript.index(f"> {house.turns[0].text}") < call.transcript.index(call.heard[-1])

    async def test_a_stable_one_is_enough(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.partial("and my kids", stable="my house is on fire")
        assert call.heard[-1].startswith(CARD)
        assert house.turns[0].text == "my house is on fire and my kids"

    async def test_the_same_result_twice_is_one(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        for _ in range(3):
            await call.partial(self.FIRE, number=4)
        assert house.turns == []

    async def test_a_result_that_is_taken_back(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.partial("my house is on fire", number=1)
        await call.partial("where is the fire station", number=2)
        await call.partial("my house is on fire", number=3)
        assert house.turns == []

    async def test_the_whole_sentence_after_it_is_the_same_turn(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        gather = call._gather()
        await call.partial(self.FIRE, stable="my house is on fire")
        action = house.twilio.webhooks.address(gather.get("action", ""), call._url)
        fields = {"CallSid": call.sid, "From": ANA, "To": OURS, "SpeechResult": f"{self.FIRE} are inside"}
        document = await house.twilio.webhooks.document(action, fields)
        assert "<Dial" in document
        assert len(house.turns) == 1
        assert house.alerts.count("emergency") == 1

    async def test_after_the_whole_sentence_it_changes_nothing(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        callback = house.twilio.webhooks.address(call._gather().get("partialResultCallback", ""), call._url)
        await call.say(self.FIRE)
        await call.silence()
        assert call.state == "dialing"
        fields = {"CallSid": call.sid, "From": ANA, "To": OURS, "StableSpeechResult": self.FIRE, "SequenceNumber": "9"}
        assert (await house.twilio.webhooks.send(callback, fields)).status == 204
        assert (call.state, len(house.turns)) == ("dialing", 1), "a transfer is not broken off"

    @pytest.mark.parametrize("words", ["two", "it's not an emergency", "no", "I'm fine", "agent", "stop"])
    async def test_nothing_else_comes_of_it(self, house: House, words: str) -> None:
        without_transfer(house)
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        latched = house.conversations[0].latch_until
        await call.say("where is a shelter")
        turns = len(house.turns)
        for number in range(3):
            await call.partial(words, stable=words, number=number)
        assert (len(house.turns), house.conversations[0].latch_until) == (turns, latched)
        assert call.state == "listening"

    async def test_who_has_heard_the_line_is_not_broken_off_again(self, house: House) -> None:
        without_transfer(house)
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        assert "partialResultCallback" not in call.documents[-1]
        await call.say("where is a shelter")
        await call.partial("the fire is spreading", stable="my house is on fire")
        assert len(house.turns) == 2

    async def test_while_waiting_for_a_person(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.press("0")
        await call.partial("I can't breathe", stable="help I can't breathe")
        assert call.heard[-1].startswith(CARD)
        assert house.conversations[0].owner == "queued"

    async def test_without_a_database(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        with failing(house.service.engine, "SELECT", "INSERT", "UPDATE"):
            greeting = len(call.heard)
            await call.partial(self.FIRE, stable=self.FIRE)
        assert call.heard[greeting].startswith(CARD)
        await call.silence()
        assert call.dialed == [PSAP]

    async def test_a_call_that_is_gone(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        callback = house.twilio.webhooks.address(call._gather().get("partialResultCallback", ""), call._url)
        house.twilio.calls.clear()
        fields = {"CallSid": call.sid, "From": ANA, "To": OURS, "StableSpeechResult": self.FIRE}
        assert (await house.twilio.webhooks.send(callback, fields)).status == 204
        assert "emergency" in house.alerts

    async def test_over_the_wire(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        with serving(make_api(house.twilio)) as address:
            control = TwilioCallControl(house.service.settings.model_copy(update={"twilio_api_base": address}))
            assert not await control.lead("CAunknown", "https://311.harborcity.example/twilio/voice/wait")
            assert await control.lead(call.sid, call._gather().get("action", ""))
        assert not await control.lead(call.sid, "https://nobody.example/"), "the service is gone"


def failures(house: House) -> list[Alert]:
    """The alerts of transfers that failed."""
    return [alert for alert in house.rows(Alert) if alert.kind == "psap_transfer_failed"]


def without_transfer(house: House) -> None:
    library = house.deps.library.last_good
    library.city = {key: value for key, value in library.city.items() if key != "psap_transfer"}
