"""Promise 1: no emergency is held back, in any state."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import time_machine

from desk import service as desk
from server.alerts.models import Alert
from server.assembly import Service, assemble
from server.blocks import service as blocks
from server.clock import now
from server.conversations import spine
from server.conversations.ledger import LATCH
from server.conversations.ownership import Owner
from server.conversations.pace import MOST_IN_A_BURST
from server.conversations.turn import Channel, Outcome, Reply
from server.outbox.models import OutboundMessage
from tests.server.harness import Resident, Scripted, answer, failing, raising, rows, with_assistant

FIRE = {"en": "my house is on fire and we cannot get out", "es": "mi casa se está quemando y no podemos salir"}
QUESTION = "where is a shelter"
Setting = Callable[[Resident, Service], Awaitable[None]]


async def new(_writer: Resident, _service: Service) -> None:
    return None


async def after_an_answer(writer: Resident, _service: Service) -> None:
    await writer.says(QUESTION)


async def after_fifty(writer: Resident, _service: Service) -> None:
    for number in range(50):
        await writer.says(f"{QUESTION} {number}")


async def with_a_form_open(writer: Resident, _service: Service) -> None:
    waiting = Scripted(lambda _asked: answer("What is your ZIP code?", tracker=b"open", memory={"options": []}))
    await Resident(with_assistant(writer.spine, waiting), key=writer.key, channel=writer.channel).says("my zone")


async def queued(writer: Resident, _service: Service) -> None:
    assert (await writer.says("agent")).owner == "queued"


async def with_an_agent(writer: Resident, service: Service) -> None:
    await queued(writer, service)
    with service.sessions.begin() as session:
        handoff = desk.current_handoff(session, conversation_id=writer.conversation().id)
        assert handoff is not None
        desk.accept(session, handoff_id=handoff.id, agent="ana")


async def opted_out(writer: Resident, _service: Service) -> None:
    await writer.says("STOP")


async def latched(writer: Resident, _service: Service) -> None:
    await writer.says("there is a fire in my kitchen, it is spreading")


async def asked_whether_in_danger(writer: Resident, _service: Service) -> None:
    assert (await writer.says("hhhhhelp!!!")).level in ("soft", "hard")


async def closed(writer: Resident, service: Service) -> None:
    await writer.says(QUESTION)
    with service.sessions.begin() as session:
        conversation = session.merge(writer.conversation())
        desk.close(session, conversation=conversation, agent="ana")


async def blocked(writer: Resident, service: Service) -> None:
    await writer.says(QUESTION)
    with service.sessions.begin() as session:
        blocks.block(session, reference=writer.conversation().reference, reason="Threats.", length="day", by="sam")


async def rate_limited(writer: Resident, _service: Service) -> None:
    for number in range(MOST_IN_A_BURST + 2):
        await writer.says(f"{QUESTION} {number}")


async def opted_out_and_blocked(writer: Resident, service: Service) -> None:
    await blocked(writer, service)
    await opted_out(writer, service)


async def kept_for_later(writer: Resident, _service: Service) -> None:
    assert (await writer.says("agent")).owner == "queued"
    await writer.says("later")


STATES = [
    new, after_an_answer, after_fifty, with_a_form_open, queued, with_an_agent, opted_out, latched, asked_whether_in_danger, closed,
    blocked, rate_limited, opted_out_and_blocked, kept_for_later,
]  # fmt: skip


SPOKEN = re.compile(r"911|9\W+1\W+1|nine one one|nueve uno uno")


def leads_with_a_card(reply: Reply) -> bool:
    return bool(reply.parts) and reply.parts[0].role == "card" and SPOKEN.search(reply.parts[0].text) is not None


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_the_911_line_comes_first_in_every_state(menu_service: Service, state: Setting, language: str) -> None:
    writer = Resident(menu_service.spine)
    await state(writer, menu_service)
    reply = await writer.says(FIRE[language])
    assert reply.outcome is Outcome.EMERGENCY_911
    assert leads_with_a_card(reply)
    assert reply.parts[0].language == language
    assert reply.emergency
    alerts = rows(menu_service, Alert, Alert.severity == "critical")
    stopped = state in (opted_out, opted_out_and_blocked)
    assert alerts[-1].kind == ("opted_out_emergency" if stopped else "emergency")
    assert FIRE[language] not in str(alerts[-1].detail)


@pytest.mark.parametrize("channel", list(Channel))
async def test_every_channel(menu_service: Service, channel: Channel) -> None:
    assert leads_with_a_card(await Resident(menu_service.spine, channel=channel).says(FIRE["en"]))


async def test_nine_one_one_by_keys(menu_service: Service) -> None:
    caller = Resident(menu_service.spine, channel=Channel.IVR)
    assert leads_with_a_card(await caller.says("911", kind="keys"))


async def test_a_call_to_the_assistant_is_not_needed(menu_service: Service) -> None:
    asked = Scripted(raising)
    assert leads_with_a_card(await Resident(with_assistant(menu_service.spine, asked, alone=True)).says(FIRE["en"]))
    assert asked.asked == []


@pytest.mark.parametrize("fails", ["INSERT INTO inbox", "INSERT INTO turns", "SELECT", "UPDATE"])
async def test_while_the_database_fails(menu_service: Service, fails: str) -> None:
    writer = Resident(menu_service.spine)
    with failing(menu_service.engine, fails):
        reply = await writer.says(FIRE["en"])
    assert leads_with_a_card(reply)
    assert reply.outcome is Outcome.EMERGENCY_911


async def test_a_message_that_says_nothing_else_than_yes_to_the_danger_question(menu_service: Service) -> None:
    for yes in ("yes", "si", "1", "help"):
        writer = Resident(menu_service.spine)
        asked = await writer.says("...")
        assert asked.parts[0].message_id == "card.unclear", "the setting of this test"
        assert leads_with_a_card(await writer.says(yes)), yes


async def test_one_sentence_in_two_texts_is_read_as_one(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    assert (await writer.says("my dad")).level != "hard"
    assert leads_with_a_card(await writer.says("wont wake up"))


async def test_two_texts_an_hour_apart_are_two(menu_service: Service) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        writer = Resident(menu_service.spine)
        await writer.says("my dad")
        clock.shift(timedelta(hours=1))
        assert (await writer.says("wont wake up")).parts
    assert timedelta(hours=1) > spine.SAME_BREATH


# --- The latch --------------------------------------------------------------------------------------------------------------


async def test_after_an_emergency_every_reply_begins_with_its_card(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    first = await writer.says("I smell gas in my house")
    assert first.parts[0].message_id == "card.gas"
    after = await writer.says(QUESTION)
    assert after.parts[0].message_id == "card.gas"
    assert after.topic == "shelter_locations"


@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_person_is_one_step_away_after_an_emergency(menu_service: Service, language: str) -> None:
    writer = Resident(menu_service.spine)
    await writer.says(FIRE[language])
    asked = await writer.says({"en": "agent", "es": "agente"}[language])
    assert leads_with_a_card(asked)
    assert asked.owner == "queued"


@pytest.mark.parametrize("words", ["2", "not an emergency", "no es emergencia", "It's not an emergency."])
async def test_the_resident_releases_it(menu_service: Service, words: str) -> None:
    writer = Resident(menu_service.spine)
    await writer.says(FIRE["en"])
    released = await writer.says(words)
    assert released.outcome is Outcome.MENU_CHOICE
    assert [part.message_id for part in released.parts] == ["system.latched_released"]
    after = await writer.says(QUESTION)
    assert not after.emergency
    assert leads_with_a_card(await writer.says(FIRE["en"])), "and it can be set again"


async def test_it_ends_after_half_an_hour(menu_service: Service) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        writer = Resident(menu_service.spine)
        await writer.says(FIRE["en"])
        clock.shift(LATCH - timedelta(seconds=1))
        assert (await writer.says(QUESTION)).emergency
        clock.shift(timedelta(seconds=2))
        assert not (await writer.says(QUESTION)).emergency


async def test_a_new_emergency_sets_it_anew(menu_service: Service) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        writer = Resident(menu_service.spine)
        await writer.says(FIRE["en"])
        clock.shift(LATCH - timedelta(minutes=1))
        await writer.says(FIRE["en"])
        clock.shift(LATCH - timedelta(minutes=1))
        assert (await writer.says(QUESTION)).emergency


async def test_it_outlives_the_process(either_service: Service) -> None:
    writer = Resident(either_service.spine)
    await writer.says("I smell gas in my house")
    second = assemble(either_service.settings, with_assistant=False)
    try:
        later = Resident(second.spine, key=writer.key)
        assert (await later.says(QUESTION)).parts[0].message_id == "card.gas"
    finally:
        second.close()


async def test_it_holds_in_the_queue_and_with_an_agent(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await queued(writer, menu_service)
    await writer.says(FIRE["en"])
    assert (await writer.says("hello?")).emergency
    assert Owner(writer.conversation().owner) is Owner.QUEUED, "an emergency does not lose the place in line"


# --- Crisis and the opted out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_a_crisis_gets_988_in_every_state(menu_service: Service, state: Setting) -> None:
    writer = Resident(menu_service.spine)
    await state(writer, menu_service)
    reply = await writer.says("I feel like there is no reason to live anymore")
    assert reply.outcome in (Outcome.CRISIS_988, Outcome.EMERGENCY_911)
    assert "988" in reply.parts[0].text
    assert reply.parts[0].role == "card"


async def test_an_opted_out_emergency_is_put_before_staff_and_in_the_outbox(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says("STOP")
    await writer.says(FIRE["en"], inline=False)
    alert = rows(menu_service, Alert)[-1]
    assert (alert.kind, alert.severity, alert.conversation_id) == ("opted_out_emergency", "critical", writer.conversation().id)
    last = rows(menu_service, OutboundMessage)[-1]
    assert (last.emergency, last.state) == (True, "queued")
    assert (await writer.says("hello")).emergency, "latched, whatever was asked of us"
