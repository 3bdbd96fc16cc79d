"""Who is blocked, or writes faster than a person can, gets no answers and no agent, but every word the triage has for them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from desk import service as desk
from desk.models import Handoff
from server.alerts.models import Alert
from server.assembly import Service
from server.audit.models import AuditRow
from server.blocks import service as blocks
from server.clock import now
from server.conversations.pace import BURST, MOST_IN_A_BURST, NOTICE_EVERY
from server.conversations.turn import Channel, Outcome
from server.errors import BadInput, Conflict, NotFound
from tests.server.harness import Resident, rows

FIRE = {"en": "my house is on fire and we cannot get out", "es": "mi casa se está quemando y no podemos salir"}
QUESTION = "where is a shelter"


async def block(writer: Resident, service: Service, length: str = "day") -> int:
    """A supervisor blocks somebody who has written before."""
    await writer.says(QUESTION)
    with service.sessions.begin() as session:
        reference = writer.conversation().reference
        return blocks.block(session, reference=reference, reason="Threats to three agents.", length=length, by="sam").id


@pytest.mark.parametrize("channel", list(Channel))
async def test_no_answers_and_one_notice(either_service: Service, channel: Channel) -> None:
    writer = Resident(either_service.spine, channel=channel)
    await block(writer, either_service)
    told = await writer.says(QUESTION)
    assert [part.message_id for part in told.parts] == ["system.blocked"]
    assert (told.topic, told.owner) == (None, "bot")
    for text in (QUESTION, "agent", "hello?"):
        again = await writer.says(text)
        assert [part.message_id for part in again.parts] == (["system.blocked"] if channel is Channel.IVR else [])
    assert rows(either_service, Handoff) == []
    assert [turn.text for turn in writer.turns()][-3:] == [QUESTION, "agent", "hello?"], "nothing is lost"


@pytest.mark.parametrize("channel", list(Channel))
async def test_the_triage_speaks_as_ever(either_service: Service, channel: Channel) -> None:
    for language, text in FIRE.items():
        writer = Resident(either_service.spine, channel=channel)
        await block(writer, either_service)
        await writer.says(QUESTION)
        reply = await writer.says(text)
        assert (reply.outcome, reply.parts[0].role, reply.parts[0].language) == (Outcome.EMERGENCY_911, "card", language)
        assert rows(either_service, Alert)[-1].kind == "emergency"
        assert (await writer.says(QUESTION)).emergency, "latched"
        released = await writer.says("2")
        assert [part.message_id for part in released.parts] == ["system.latched_released"]
        crisis = await writer.says("I feel like there is no reason to live anymore")
        assert crisis.parts[0].message_id == "card.crisis_988"


async def test_a_doubt_gets_the_question_and_the_safety_line(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await block(writer, menu_service)
    assert (await writer.says("...")).parts[0].message_id == "card.unclear"
    assert (await writer.says("1")).outcome is Outcome.EMERGENCY_911


async def test_a_card_below_an_emergency_is_said_too(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await block(writer, menu_service)
    await writer.says(QUESTION)
    reply = await writer.says("my neighbor's house was on fire last year")
    assert reply.safety_line, "and the notice is not said again"
    assert not reply.emergency


async def test_it_ends_by_itself_and_by_hand(menu_service: Service) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        writer = Resident(menu_service.spine)
        await block(writer, menu_service, "hour")
        clock.shift(timedelta(minutes=59))
        assert (await writer.says(QUESTION)).topic is None
        clock.shift(timedelta(minutes=2))
        assert (await writer.says(QUESTION)).topic == "shelter_locations"
    held = await block(other := Resident(menu_service.spine), menu_service)
    with menu_service.sessions.begin() as session:
        blocks.lift(session, block_id=held, by="sam")
        blocks.lift(session, block_id=held, by="kim")
    assert (await other.says(QUESTION)).topic == "shelter_locations"
    acts = [entry.action for entry in rows(menu_service, AuditRow) if entry.action.startswith("resident.")]
    assert acts == ["resident.blocked", "resident.blocked", "resident.unblocked"]


async def test_the_number_is_blocked_on_every_channel_that_shows_it(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await block(writer, menu_service)
    call = Resident(menu_service.spine, channel=Channel.IVR)
    assert (await call.says(QUESTION, person=writer.person)).parts[0].message_id == "system.blocked"
    assert (await call.says(QUESTION, person=None, key="ivr:another", claim="another")).topic == "shelter_locations"


async def test_the_notice_is_not_said_over_an_agent(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says("agent")
    with menu_service.sessions.begin() as session:
        handoff = desk.current_handoff(session, conversation_id=writer.conversation().id)
        assert handoff is not None
        desk.accept(session, handoff_id=handoff.id, agent="ana")
        blocks.block(session, reference=writer.conversation().reference, reason="Threats.", length="day", by="sam")
    assert (await writer.says(QUESTION)).parts == ()
    assert (await writer.says(FIRE["en"])).emergency


async def test_what_is_refused(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await block(writer, menu_service)
    reference = writer.conversation().reference
    for refused, values in (
        (NotFound, {"reference": "HC-NOBODY2"}),
        (BadInput, {"reason": "  "}),
        (BadInput, {"reason": "x" * 501}),
        (BadInput, {"length": "forever"}),
        (Conflict, {}),
    ):
        with menu_service.sessions() as session, pytest.raises(refused):
            blocks.block(session, **{"reference": reference, "reason": "Threats.", "length": "day", "by": "sam", **values})


# --- Faster than a person -----------------------------------------------------------------------------------------------------


async def hurry(writer: Resident) -> None:
    for number in range(MOST_IN_A_BURST):
        await writer.says(f"{QUESTION} {number}")


async def test_a_burst_is_told_once_and_then_only_looked_at(menu_service: Service) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        writer = Resident(menu_service.spine)
        await hurry(writer)
        told = await writer.says(QUESTION)
        assert [part.message_id for part in told.parts] == ["system.hurried"]
        assert (await writer.says(QUESTION)).parts == ()
        assert (await writer.says(FIRE["es"])).outcome is Outcome.EMERGENCY_911
        assert len(writer.turns()) == MOST_IN_A_BURST + 3, "nothing is lost"
        await writer.says("2")
        clock.shift(BURST)
        assert (await writer.says(QUESTION)).topic == "shelter_locations"
        clock.shift(NOTICE_EVERY)
        await hurry(writer)
        assert (await writer.says(QUESTION)).parts[0].message_id == "system.hurried"


async def test_who_is_with_a_person_may_write_as_fast_as_they_like(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says("agent")
    await hurry(writer)
    assert (await writer.says("hello?")).outcome is Outcome.AGENT


@pytest.mark.parametrize("channel", [Channel.WEB, Channel.IVR])
async def test_other_channels_have_limits_of_their_own(menu_service: Service, channel: Channel) -> None:
    writer = Resident(menu_service.spine, channel=channel)
    await hurry(writer)
    assert (await writer.says(QUESTION)).topic == "shelter_locations"
