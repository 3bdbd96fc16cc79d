"""Emergencies by phone, over the wire, against the stand-in, which refuses every document that Twilio or this house would not take."""

from __future__ import annotations

import pytest

from desk.models import Handoff
from server.alerts.models import Alert
from tests.server.twilio.house import ANA, OURS, PSAP, House

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
        house.twilio.dial_results[PSAP] = status
        call = await house.twilio.call(ANA, OURS)
        await call.say("there is a fire in my house")
        await call.silence()
        assert CARD in call.last_heard
        assert "agent" in call.last_heard
        (alert,) = [alert for alert in house.rows(Alert) if alert.kind == "psap_transfer_failed"]
        assert alert.severity == "critical"
        assert house.rows(Handoff)[0].priority == 0
        await call.repeat_last()
        assert house.alerts.count("psap_transfer_failed") == 1

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


def without_transfer(house: House) -> None:
    library = house.deps.library.last_good
    library.city = {key: value for key, value in library.city.items() if key != "psap_transfer"}
