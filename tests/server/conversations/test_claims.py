"""Promise 4: nothing is lost or doubled; one conversation in order, different ones in parallel."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from server.assembly import Service, assemble
from server.conversations.locks import AT_ONCE, lock_number
from server.conversations.models import Claim, Conversation, Turn
from server.conversations.turn import Answered, Asked
from server.outbox.models import OutboundMessage
from tests.server.harness import Resident, Scripted, answer, rows, with_assistant

QUESTION = "where is a shelter"


async def test_the_second_delivery_of_a_message_gets_the_same_reply_and_changes_nothing(either_service: Service) -> None:
    writer = Resident(either_service.spine)
    first = await writer.says(QUESTION, claim="SM1")
    second = await writer.says("even with another text", claim="SM1")
    assert second.duplicate
    assert (second.parts, second.outcome, second.topic) == (first.parts, first.outcome, first.topic)
    assert len(writer.turns()) == 1
    assert len(rows(either_service, OutboundMessage)) == 1
    assert [row.state for row in rows(either_service, Claim)] == ["answered"]


async def test_an_emergency_sent_twice_gets_its_card_twice(either_service: Service) -> None:
    writer = Resident(either_service.spine)
    first = await writer.says("my house is on fire", claim="SM1")
    assert (await writer.says("my house is on fire", claim="SM1")).text == first.text


async def test_five_at_once(either_service: Service) -> None:
    writer = Resident(either_service.spine)
    replies = await asyncio.gather(*(writer.says(QUESTION, claim="SM1") for _ in range(5)))
    assert len({reply.text for reply in replies}) == 1
    assert sorted(reply.duplicate for reply in replies) == [False, True, True, True, True]
    assert len(writer.turns()) == 1
    assert len(rows(either_service, OutboundMessage)) == 1


async def test_five_at_once_in_each_of_two_processes(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> None:
    from server.settings import Settings

    settings = Settings(data_dir=tmp_path_factory.mktemp("two"), database_url=postgres_url)
    one, two = (assemble(settings, with_assistant=False) for _ in range(2))
    try:
        here = Resident(one.spine)
        there = Resident(two.spine, key=here.key)
        replies = await asyncio.gather(*(who.says(QUESTION, claim="SM1") for who in (here, there) * 5))
        assert len({reply.text for reply in replies}) == 1
        assert sum(not reply.duplicate for reply in replies) == 1
        assert len(here.turns()) == 1
        await asyncio.gather(*(who.says(f"{QUESTION} {number}") for number, who in enumerate((here, there) * 8)))
        assert [turn.seq for turn in here.turns()] == list(range(1, 18))
        assert len(rows(one, Conversation)) == 1, "two first messages at once open one conversation"
    finally:
        one.close()
        two.close()


async def test_the_same_id_in_two_conversations_is_one_message(menu_service: Service) -> None:
    """Ids are the provider's and unique; were one to come twice, nobody reads another resident's reply as a new turn."""
    first = await Resident(menu_service.spine).says(QUESTION, claim="SM1")
    other = Resident(menu_service.spine)
    assert (await other.says("agent", claim="SM1")).text == first.text
    assert other.turns() == []


async def test_a_conversation_is_handled_in_order(either_service: Service) -> None:
    busy = 0
    most = 0

    async def slowly(asked: Asked) -> Answered:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        for _ in range(5):
            await asyncio.sleep(0)
        busy -= 1
        return answer(f"to {asked.text}")

    writer = Resident(with_assistant(either_service.spine, Scripted(slowly)))
    sent = [f"question {number}" for number in range(20)]
    replies = await asyncio.gather(*(writer.says(text) for text in sent))
    assert [reply.parts[0].text for reply in replies] == [f"to {text}" for text in sent]
    assert [turn.text for turn in writer.turns()] == sent
    assert [turn.seq for turn in writer.turns()] == list(range(1, 21))
    assert most == 1


async def test_different_conversations_are_handled_at_the_same_time(either_service: Service) -> None:
    together = asyncio.Barrier(8)

    async def meets(_asked: Asked) -> Answered:
        async with asyncio.timeout(20):
            await together.wait()
        return answer()

    spine = with_assistant(either_service.spine, Scripted(meets), alone=True)
    replies = await asyncio.gather(*(Resident(spine).says(QUESTION) for _ in range(8)))
    assert {reply.topic for reply in replies} == {"shelter_locations"}


async def test_more_conversations_at_once_than_connections(either_service: Service) -> None:
    writers = [Resident(either_service.spine) for _ in range(4 * AT_ONCE)]
    replies = await asyncio.gather(*(writer.says(QUESTION) for writer in writers))
    assert {reply.engine for reply in replies} == {"menu"}, "none of them got the static text"
    with either_service.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Turn)) == len(writers)


async def test_a_turn_that_was_given_up_holds_no_lock(either_service: Service) -> None:
    begun = asyncio.Event()

    async def never(_asked: Asked) -> Answered:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    writer = Resident(with_assistant(either_service.spine, Scripted(never), alone=True))
    turn = asyncio.create_task(writer.says(QUESTION))
    waiting = asyncio.create_task(writer.says(QUESTION))
    await begun.wait()
    for task in (waiting, turn):
        task.cancel()
    await asyncio.gather(turn, waiting, return_exceptions=True)
    later = Resident(either_service.spine, key=writer.key)
    assert (await later.says(QUESTION)).topic == "shelter_locations"


def test_lock_numbers_fit_postgresql() -> None:
    numbers = {lock_number(f"key {number}") for number in range(1000)}
    assert len(numbers) == 1000
    assert all(-(2**63) <= number < 2**63 for number in numbers)


async def test_a_reply_is_stored_with_its_versions_and_its_row(either_service: Service) -> None:
    writer = Resident(either_service.spine)
    reply = await writer.says(QUESTION)
    (turn,) = writer.turns()
    (row,) = rows(either_service, OutboundMessage)
    assert turn.message_ids == row.message_ids == [part.reference for part in reply.parts]
    assert (row.text, row.state, row.inline) == (reply.text, "sent", True)
    assert (turn.outcome, turn.topic, turn.engine) == (reply.outcome.value, reply.topic, reply.engine)
    assert turn.text == QUESTION


async def test_what_the_resident_wrote_is_sealed_in_the_inbox(either_service: Service) -> None:
    await Resident(either_service.spine).says("I live in the blue house on Bay Street")
    (claim,) = rows(either_service, Claim)
    assert "blue house" not in claim.payload


async def test_the_dialogue_state_does_not_grow(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    for number in range(12):
        await writer.says(f"{QUESTION} number {number}")
    early = len(str(writer.conversation().memory))
    for number in range(30):
        await writer.says(f"{QUESTION} number {number}")
    assert len(str(writer.conversation().memory)) <= early + 80, "with the time when a hurried writer was asked to slow down"
