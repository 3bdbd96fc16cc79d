"""Nothing that endangers somebody whose phone is watched: on the screen, in the air, from us unasked, or from staff."""

from __future__ import annotations

import re

import httpx
import pytest

from server.alerts.models import Alert
from server.assembly import Service
from server.conversations.turn import QUIET_CARDS, Channel, Reply
from server.outbox.models import OutboundMessage
from tests.server.harness import Resident, rows
from tests.server.staffroom import SAME_SITE, signed_in
from tests.server.twilio.house import ANA, OURS, PSAP, House

COVERT = {"en": "can't talk he is here", "es": "no puedo hablar, él está aquí"}
WORSE = {"en": "he has a knife and he is hitting me", "es": "tiene un cuchillo y me está pegando"}
TELLTALE = re.compile(
    r"danger|peligro|safe|salvo|help|ayuda|police|policía|emergency\?|violence|abuse|hurt|knife|talk|hablar|he is|you wrote|escribió",
    re.IGNORECASE,
)
"""Words that would tell somebody who reads along what was said."""


def quiet(reply: Reply) -> None:
    assert {part.message_id for part in reply.parts} <= QUIET_CARDS | {"system.silent_released"}, reply
    assert not TELLTALE.search(reply.text), reply.text


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("language", COVERT)
async def test_from_the_first_word_to_the_last(either_service: Service, language: str, channel: Channel) -> None:
    writer = Resident(either_service.spine, channel=channel)
    first = await writer.says(COVERT[language])
    quiet(first)
    assert "911" in first.text or "nine one one" in first.text or "nueve uno uno" in first.text
    quiet(await writer.says("1"))
    worse = await writer.says(WORSE[language])
    quiet(worse)
    assert worse.emergency, "staff see it, the screen does not"
    assert [alert.kind for alert in rows(either_service, Alert, Alert.severity == "critical")] == ["emergency"] * 3
    quiet(await writer.says("2"))


async def test_a_fire_still_gets_the_loud_words(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says(COVERT["en"])
    assert (await writer.says("I smell gas in my house")).parts[0].message_id == "card.gas"


async def test_nothing_is_written_unasked(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    reference = (await writer.says(COVERT["en"])).conversation
    said = len(rows(menu_service, OutboundMessage))
    await signed_in(client, menu_service)
    for act in ("take", "finish"):
        assert (await client.post(f"/desk/c/{reference}/{act}", headers=SAME_SITE)).status_code == 303
    assert len(rows(menu_service, OutboundMessage)) == said, "nobody who reads along learns that an agent came or went"


async def test_staff_are_told_not_to_call(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    loud = Resident(menu_service.spine)
    other = (await loud.says(WORSE["en"])).conversation
    reference = (await writer.says(COVERT["en"])).conversation
    await writer.says("2")
    await signed_in(client, menu_service)
    warned = "Somebody may be watching this phone. Do not call"
    assert (await client.get("/desk/")).text.count(warned) == 1
    assert warned in (await client.get(f"/desk/c/{reference}")).text, "also after a 2, which somebody else may have typed"
    assert warned in (await client.post(f"/desk/contact/{reference}", headers=SAME_SITE)).text
    assert warned not in (await client.get(f"/desk/c/{other}")).text
    assert "No llame, y no escriba usted primero" in (await client.get(f"/desk/c/{reference}?lang=es")).text


async def test_the_web_page_tells_nothing(client: httpx.AsyncClient) -> None:
    session = (await client.post("/chat/sessions", json={})).json()["session"]
    headers = {"x-spillway-session": session}
    answer = await client.post("/chat/messages", json={"text": COVERT["en"], "client_id": "a"}, headers=headers)
    reply = answer.json()
    assert {part["role"] for part in reply["parts"]} == {"safety"}, "no card that stands out"
    history = (await client.get("/chat/messages", headers=headers)).json()
    assert {part["role"] for said in history["messages"] if said["speaker"] != "resident" for part in said["parts"]} == {"safety"}
    page = await client.get("/chat/", headers=headers)
    title = re.search(r"<title>(.*?)</title>", page.text)
    assert title is not None
    assert not TELLTALE.search(title[1])
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "download" not in page.text, "there is nothing to find on the disk"


async def test_by_phone_the_call_taker_knows(house: House) -> None:
    house.twilio.dial_results[PSAP] = "completed"
    call = await house.twilio.call(ANA, OURS)
    await call.say(COVERT["en"])
    heard = " ".join(event.text for event in call.events if event.kind == "say" and event.language == "en-US")
    assert "City three one one. In an emergency, dial nine one one." in heard
    assert not TELLTALE.search(call.heard[-1])
    await call.press("1")
    assert call.dialed == [PSAP]
    (whispered,) = [event.text for event in call.events if event.kind == "whisper"]
    assert "may not be able to speak" in whispered


async def test_by_phone_a_2_ends_it_without_a_word_of_danger(house: House) -> None:
    call = await house.twilio.call(ANA, OURS)
    await call.say(COVERT["es"])
    await call.press("2")
    assert not call.dialed
    assert not TELLTALE.search(call.heard[-1])
