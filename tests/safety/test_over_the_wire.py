"""The 911 line over the wire of every channel, from those whom something else would hold back, and on the agent's screen."""

from __future__ import annotations

import re

import httpx
import pytest

from desk.models import Handoff
from server.alerts.models import Alert
from server.assembly import Service
from server.blocks import service as blocks
from server.conversations.models import Conversation
from server.conversations.pace import MOST_IN_A_BURST
from server.conversations.turn import Channel
from server.outbox.models import OutboundMessage
from tests.server.conversations.test_emergencies import FIRE, QUESTION
from tests.server.harness import Resident, rows
from tests.server.staffroom import SAME_SITE, signed_in
from tests.server.twilio.house import ANA, OURS, PSAP, House

CALL_911 = re.compile(r"\ACALL 911|\AIf anyone is in danger CALL 911|\ASi alguien corre peligro LLAME AL 911")


@pytest.mark.parametrize("language", FIRE)
class TestTexts:
    async def test_from_a_blocked_number(self, house: House, language: str) -> None:
        await house.twilio.text(ANA, OURS, "you will all pay for this")
        with house.deps.sessions.begin() as session:
            blocks.block(session, reference=house.conversations[0].reference, reason="Threats.", length="day", by="sam")
        assert await house.twilio.text(ANA, OURS, QUESTION) == [
            "City 311 can't answer this number for now. In an emergency, call 911."
        ]
        assert await house.twilio.text(ANA, OURS, QUESTION) == []
        (said,) = await house.twilio.text(ANA, OURS, FIRE[language])
        assert CALL_911.match(said)

    async def test_from_a_number_that_writes_too_fast(self, house: House, language: str) -> None:
        for _ in range(MOST_IN_A_BURST + 1):
            await house.twilio.text(ANA, OURS, QUESTION)
        assert await house.twilio.text(ANA, OURS, QUESTION) == []
        (said,) = await house.twilio.text(ANA, OURS, FIRE[language])
        assert CALL_911.match(said)

    @pytest.mark.parametrize("sender", ["anonymous", "", "+266696687"])
    async def test_from_a_withheld_number(self, house: House, language: str, sender: str) -> None:
        (said,) = await house.twilio.text(sender, OURS, FIRE[language])
        assert CALL_911.match(said)

    async def test_with_a_picture(self, house: House, language: str) -> None:
        (said,) = await house.twilio.text(ANA, OURS, FIRE[language], media=3)
        assert CALL_911.match(said)

    async def test_sent_again_by_the_carrier(self, house: House, language: str) -> None:
        said = [await house.twilio.text(ANA, OURS, FIRE[language], sid="SM1") for _ in range(2)]
        assert said[0] == said[1]
        assert house.alerts == ["emergency"]

    async def test_after_stop_staff_are_told_to_phone(self, house: House, language: str) -> None:
        await house.twilio.text(ANA, OURS, "STOP")
        assert await house.twilio.text(ANA, OURS, FIRE[language]) == [], "the carrier lets nothing through"
        assert "opted_out_emergency" in house.alerts


class TestCalls:
    async def test_from_a_blocked_number(self, house: House) -> None:
        call = await house.twilio.call(ANA, OURS)
        await call.say(QUESTION)
        with house.deps.sessions.begin() as session:
            blocks.block(session, reference=house.conversations[0].reference, reason="Threats.", length="day", by="sam")
        again = await house.twilio.call(ANA, OURS)
        assert "nine one one" in again.last_heard
        await again.say(QUESTION)
        assert again.last_heard.startswith("City three one one can't answer")
        await again.press("0")
        assert house.rows(Handoff) == []
        assert again.state == "listening", "nobody hangs up"
        await again.say(FIRE["en"])
        await again.silence()
        assert again.dialed == [PSAP]

    @pytest.mark.parametrize("sender", [ANA, "anonymous"])
    async def test_keys_and_partial_results(self, house: House, sender: str) -> None:
        keyed, heard = [await house.twilio.call(sender, OURS) for _ in range(2)]
        await keyed.press("911")
        assert "dial nine one one now" in keyed.last_heard
        await heard.partial(FIRE["en"], stable=FIRE["en"])
        assert "dial nine one one now" in heard.last_heard


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.WEB])
async def test_in_a_live_chat_the_screen_rings_and_only_the_line_is_said(
    client: httpx.AsyncClient, menu_service: Service, channel: Channel
) -> None:
    writer = Resident(menu_service.spine, channel=channel)
    reference = (await writer.says("agent")).conversation
    await signed_in(client, menu_service)
    await client.post(f"/desk/c/{reference}/take", headers=SAME_SITE)
    sheet = f"/desk/c/{reference}?piece=1"
    before = alarms((await client.get(sheet)).text)
    silent = await writer.says("thank you, one moment")
    assert silent.parts == (), "the bot does not talk over a person"
    assert alarms((await client.get(sheet)).text) == before
    reply = await writer.says(FIRE["en"])
    assert [part.role for part in reply.parts] == ["card"], "the line, and not a word besides"
    after = (await client.get(sheet)).text
    assert alarms(after) != before, "a new alarm rings"
    assert "Emergency reported" in (await client.get("/desk/?piece=1")).text
    assert FIRE["en"] in after
    assert writer.conversation().owner == "agent", "the agent keeps the conversation"
    said = [row for row in rows(menu_service, OutboundMessage) if row.speaker == "bot"]
    assert said[-1].emergency


def alarms(page: str) -> str:
    found = re.search(r'data-alarms="([^"]*)"', page)
    assert found is not None
    return found[1]


async def test_nothing_of_an_emergency_is_shared_by_withheld_numbers(house: House) -> None:
    await house.twilio.text("anonymous", OURS, FIRE["en"])
    (said,) = await house.twilio.text("anonymous", OURS, QUESTION)
    assert not CALL_911.match(said)
    assert len(house.rows(Conversation)) == 2
    assert [alert.kind for alert in house.rows(Alert)] == ["emergency"]
