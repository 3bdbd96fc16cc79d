"""Every odd message gets a sensible reply and stays in its own conversation."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.assembly import Service
from server.conversations.turn import Channel, Inbound, Reply
from tests.server.harness import Resident

ODD = {
    "empty": "",
    "blank": " \t\r\n ",
    "ten thousand characters": "where is a shelter " * 527,
    "one word of ten thousand letters": "a" * 10_000,
    "emoji only": "🌊🏠😭",
    "a command of Rasa": "/restart",
    "an intent of Rasa": '/shelter_locations{"place":"x"}',
    "an intent with nonsense": '/intent{"x":"y"}',
    "braces": "{{7*7}} {city} {0} %s ${x}",
    "markup": "<script>alert(1)</script><b>where</b>",
    "SQL": "'; DROP TABLE turns; --",
    "NUL": "where is\x00 a shelter\x00",
    "control characters": "\x01\x02\x1b[31mshelter\x7f",
    "half a character": "shelter \ud83d",
    "right to left": "‮where is a shelter",
    "zero width": "shel​ter",
    "a path": "../../etc/passwd",
    "a number": "9" * 400,
    "combining": "s" + "́" * 2000,
    "one letter": "k",
    "an underscore": "_",
    "lines": "\n".join(["shelter"] * 200),
}


def sensible(reply: Reply) -> bool:
    return bool(reply.parts) and reply.engine != "static" and all(part.version >= 1 and part.text.strip() for part in reply.parts)


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("text", list(ODD.values()), ids=list(ODD))
async def test_odd_messages(menu_service: Service, text: str, channel: Channel) -> None:
    writer = Resident(menu_service.spine, channel=channel)
    reply = await writer.says(text)
    assert sensible(reply)
    assert "49" not in reply.text
    assert (await writer.says("where is a shelter")).topic == "shelter_locations", "and the conversation goes on"


@pytest.mark.parametrize("text", ["NUL \x00 in it", "half \ud800 a character", "\x00", "ünïcödé ñ 漢字 🌊"])
async def test_what_a_database_cannot_hold_is_stored_without_it(either_service: Service, text: str) -> None:
    writer = Resident(either_service.spine)
    assert sensible(await writer.says(text))
    await writer.says("agent")
    assert (await writer.says(text)).engine != "static", "nor in the packet of an agent"
    (first, *_) = writer.turns()
    assert "\x00" not in first.text
    assert first.text.encode()


async def test_pictures_alone_are_said_not_to_be_seen(menu_service: Service) -> None:
    reply = await Resident(menu_service.spine).says("", media=20)
    assert reply.parts[0].message_id == "system.media_only"
    assert (await Resident(menu_service.spine).says("where is a shelter", media=20)).topic == "shelter_locations"
    assert (await Resident(menu_service.spine).says("my house is on fire", media=1)).emergency


async def test_withheld_numbers_share_nothing(menu_service: Service) -> None:
    one, two = Resident(menu_service.spine), Resident(menu_service.spine)
    await one.says("I live at 1200 Bay Street, zone A", person=None)
    await two.says("agent", person=None)
    assert one.conversation().owner == "bot"
    assert two.conversation().place is None
    assert (await one.says("STOP", person=None)).outcome == "opt_out", "there is nobody to note it for, and nothing breaks"
    assert (await one.says("where is a shelter", person=None)).parts


@pytest.mark.parametrize("kind", ["keys", "silence", "start", "speech"])
async def test_every_kind_of_turn_of_a_call(menu_service: Service, kind: str) -> None:
    caller = Resident(menu_service.spine, channel=Channel.IVR)
    for text in ("", "5", "911911", "#*", "12345678901234567890"):
        assert (await caller.says(text, kind=kind)).engine != "static"


@settings(max_examples=80)
@given(text=st.text(st.characters(), max_size=200))
def test_any_text_can_be_stored_and_sealed(text: str) -> None:
    plain = Inbound(Channel.SMS, "c", "k", text).storable().text
    assert "\x00" not in plain
    assert plain.encode().decode() == plain
    assert Inbound(Channel.SMS, "c", "k", plain).storable().text == plain
