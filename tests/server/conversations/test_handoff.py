"""Promise 3: a person is always one step away, and the bot never talks over a person."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import time_machine

from desk import service as desk
from desk.models import Handoff
from server.assembly import Service
from server.clock import now
from server.conversations.ownership import Owner
from server.conversations.pace import STILL_WAITING_EVERY
from server.conversations.turn import Answered, Asked, Outcome, Reply
from server.outbox.models import OutboundMessage
from tests.server.harness import Resident, Scripted, answer, rows, with_assistant

QUESTION = "where is a shelter"


def said(reply: Reply) -> list[str]:
    return [part.message_id for part in reply.parts]


def take(service: Service, writer: Resident, agent: str = "ana") -> None:
    with service.sessions.begin() as session:
        conversation = session.merge(writer.conversation())
        handoff = desk.current_handoff(session, conversation_id=conversation.id)
        if handoff is None:
            handoff = desk.open_handoff(session, conversation=conversation, reason="agent_pull", text="")
        desk.accept(session, handoff_id=handoff.id, agent=agent)


@pytest.mark.parametrize("wish", ["agent", "AGENTE", "a person please", "quiero hablar con una persona", "0", "operator"])
async def test_a_person_on_the_first_word(either_service: Service, wish: str) -> None:
    writer = Resident(either_service.spine)
    reply = await writer.says(wish)
    assert reply.outcome is Outcome.AGENT
    assert said(reply).count("system.handoff") == 1
    assert "1" in reply.parts[0].text
    assert reply.owner == "queued"
    (handoff,) = rows(either_service, Handoff)
    assert (handoff.state, handoff.reason) == ("queued", "user_request")
    assert handoff.packet["last_message"] == wish


async def test_exactly_one_handoff_message_and_then_a_word_a_minute(menu_service: Service) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        writer = Resident(menu_service.spine)
        replies = [await writer.says(text) for text in ("agent", "agent", "hello?", QUESTION, "agent")]
        assert [said(reply) for reply in replies[1:]] == [["system.still_waiting"], [], [], []]
        assert [turn.outcome for turn in writer.turns()] == ["agent"] * 5
        clock.shift(STILL_WAITING_EVERY)
        assert said(await writer.says("still there?")) == ["system.still_waiting"]
        assert said(await writer.says("hm")) == []
    everything = [part for row in rows(menu_service, OutboundMessage) for part in row.message_ids]
    assert sum(part.startswith("system.handoff@") for part in everything) == 1
    assert len(rows(menu_service, Handoff)) == 1, "a second `agent` keeps the place"


async def test_places_in_line(menu_service: Service) -> None:
    first, second, third = (Resident(menu_service.spine) for _ in range(3))
    for place, writer in enumerate((first, second, third), 1):
        assert f"number {place} " in (await writer.says("agent")).parts[0].text
    assert "number 2" in (await second.says("agent")).text
    take(menu_service, first)
    assert "number 2" in (await third.says("hello")).text


async def test_what_is_written_in_line_is_kept_for_the_agent(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says(QUESTION)
    await writer.says("agent")
    for text in ("we are five", "and a dog"):
        await writer.says(text)
    (handoff,) = rows(menu_service, Handoff)
    assert handoff.packet["since"] == ["we are five", "and a dog"]
    assert handoff.packet["last_message"] == "and a dog"
    assert any(told["message"].startswith("shelter_locations") for told in handoff.packet["told"])
    assert "shelter" in handoff.packet["summary"]


async def test_the_bot_is_silent_while_an_agent_speaks(either_service: Service) -> None:
    writer = Resident(either_service.spine)
    await writer.says("agent")
    take(either_service, writer)
    sent = len(rows(either_service, OutboundMessage))
    for text in (QUESTION, "agent", "menu", "help me find a shelter", "1"):
        reply = await writer.says(text)
        assert (reply.parts, reply.owner, reply.engine) == ((), "agent", "desk")
    assert len(rows(either_service, OutboundMessage)) == sent
    assert len(writer.turns()) == 6, "what was written is kept"


async def test_it_speaks_again_when_the_agent_gives_the_conversation_back(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says("agent")
    take(menu_service, writer)
    with menu_service.sessions.begin() as session:
        handoff = desk.current_handoff(session, conversation_id=writer.conversation().id)
        assert handoff is not None
        desk.give_back(session, handoff_id=handoff.id, agent="ana")
    assert (await writer.says(QUESTION)).topic == "shelter_locations"
    assert said(await writer.says("agent")) == ["system.handoff"], "and a second handoff is a new one"
    assert len(rows(menu_service, Handoff)) == 2


async def test_an_answer_that_was_being_made_when_an_agent_took_over_is_not_said(either_service: Service) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_asked: Asked) -> Answered:
        asked.set()
        await go_on.wait()
        return answer()

    writer = Resident(with_assistant(either_service.spine, Scripted(slowly)))
    turn = asyncio.create_task(writer.says(QUESTION))
    await asked.wait()
    take(either_service, writer)
    go_on.set()
    reply = await turn
    assert reply.parts == ()
    assert (reply.owner, writer.conversation().owner) == ("agent", "agent")
    assert rows(either_service, OutboundMessage) == []
    (handoff,) = rows(either_service, Handoff)
    assert handoff.packet["since"] == [QUESTION], "the agent sees the question instead"


async def test_a_message_that_came_while_the_conversation_was_closed_opens_the_next_one(menu_service: Service) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_asked: Asked) -> Answered:
        asked.set()
        await go_on.wait()
        return answer()

    writer = Resident(with_assistant(menu_service.spine, Scripted(slowly)))
    turn = asyncio.create_task(writer.says(QUESTION))
    await asked.wait()
    before = writer.conversation()
    with menu_service.sessions.begin() as session:
        desk.close(session, conversation=session.merge(before), agent="ana")
    go_on.set()
    assert (await turn).topic == "shelter_locations"
    after = writer.conversation()
    assert after.id != before.id
    assert (after.owner, after.turns) == ("bot", 1)
    assert len(writer.turns()) == 1


async def test_an_assistant_that_wants_a_person_says_the_place_once(menu_service: Service) -> None:
    wants = Scripted(lambda _asked: Answered(Outcome.AGENT, handoff="low_confidence_x2", slots={"place": "Zone A"}))
    writer = Resident(with_assistant(menu_service.spine, wants))
    assert said(await writer.says("something odd"))[0] == "system.handoff"
    (handoff,) = rows(menu_service, Handoff)
    assert (handoff.reason, handoff.packet["slots"]) == ("low_confidence_x2", {"place": "Zone A"})


async def test_the_next_message_after_the_end_opens_a_new_conversation(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    first = await writer.says(QUESTION)
    with menu_service.sessions.begin() as session:
        desk.close(session, conversation=session.merge(writer.conversation()), agent="ana")
    second = await writer.says(QUESTION)
    assert second.conversation != first.conversation


@pytest.mark.parametrize(("owner", "hours", "new"), [("bot", 11, False), ("bot", 13, True), ("queued", 13, False)])
async def test_a_conversation_left_alone_ends_unless_a_person_is_awaited(
    menu_service: Service, owner: str, hours: int, new: bool
) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        writer = Resident(menu_service.spine)
        first = await writer.says("agent" if owner == "queued" else QUESTION)
        clock.shift(timedelta(hours=hours))
        second = await writer.says("hello again, where is a shelter")
    assert (second.conversation != first.conversation) is new
    assert Owner(writer.conversation().owner) is (Owner.QUEUED if owner == "queued" else Owner.BOT)
