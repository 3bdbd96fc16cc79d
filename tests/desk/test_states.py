"""The states of a handoff: the table, the owner that goes with each, and claims that race."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from desk import service
from desk.models import Handoff
from desk.states import ALLOWED, OWNER, State, move
from server.assembly import Service, assemble
from server.audit.models import AuditRow
from server.clock import now
from server.conversations.ownership import ALLOWED as OWNERS
from server.conversations.ownership import Owner
from server.conversations.turn import Answered, Asked
from server.errors import Conflict
from server.outbox.models import OutboundMessage
from server.settings import Settings
from tests.server.harness import Resident, Scripted, answer, rows, with_assistant


def test_the_table_is_whole_and_its_owners_can_follow_one_another() -> None:
    assert set(ALLOWED) == set(OWNER) == set(State)
    for before, after in ((one, other) for one in State for other in ALLOWED[one]):
        assert any(to is owner or to in OWNERS[owner] for owner in OWNER[before] for to in OWNER[after]), f"{before} to {after}"


async def waiting(service_: Service) -> tuple[Resident, int]:
    writer = Resident(service_.spine)
    await writer.says("agent")
    return writer, rows(service_, Handoff)[-1].id


@pytest.mark.parametrize("to", list(State))
async def test_every_move_from_the_line(menu_service: Service, to: State) -> None:
    writer, handoff_id = await waiting(menu_service)
    before = writer.conversation().owner_version
    with menu_service.sessions() as session:
        if to in ALLOWED[State.QUEUED]:
            with session.begin():
                move(session, handoff_id=handoff_id, to=to, actor="ana", reason="test", agent="ana")
            assert Owner(writer.conversation().owner) in OWNER[to]
            assert rows(menu_service, AuditRow)[-1].action == f"handoff.{to}"
        else:
            with pytest.raises(Conflict), session.begin():
                move(session, handoff_id=handoff_id, to=to, actor="ana", reason="test")
            assert writer.conversation().owner_version == before


async def test_an_offer_is_the_asked_agents_alone_until_it_runs_out(menu_service: Service) -> None:
    _, handoff_id = await waiting(menu_service)
    with menu_service.sessions.begin() as session:
        service.offer(session, handoff_id=handoff_id, agent="ana")
    with pytest.raises(Conflict), menu_service.sessions.begin() as session:
        service.accept(session, handoff_id=handoff_id, agent="ben")
    with menu_service.sessions.begin() as session:
        service.refuse(session, handoff_id=handoff_id, agent="ana", reason="expired")
    with menu_service.sessions.begin() as session:
        assert service.accept(session, handoff_id=handoff_id, agent="ben").accepted_by == "ben"


async def test_what_was_decided_on_an_older_look_does_nothing(menu_service: Service) -> None:
    _, handoff_id = await waiting(menu_service)
    with menu_service.sessions.begin() as session:
        service.offer(session, handoff_id=handoff_id, agent="ana")
    with menu_service.sessions.begin() as session:
        service.accept(session, handoff_id=handoff_id, agent="ana")
    for stale in (
        lambda session: service.refuse(session, handoff_id=handoff_id, agent="ana"),
        lambda session: service.requeue(session, handoff_id=handoff_id, agent="ben", reason="agent_lost"),
        lambda session: service.end_wrapup(session, handoff_id=handoff_id),
    ):
        with pytest.raises(Conflict), menu_service.sessions.begin() as session:
            stale(session)
    assert rows(menu_service, Handoff)[0].state == "agent"


async def test_who_asks_again_soon_goes_to_the_front(menu_service: Service) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        first, handoff_id = await waiting(menu_service)
        with menu_service.sessions.begin() as session:
            service.accept(session, handoff_id=handoff_id, agent="ana")
        with menu_service.sessions.begin() as session:
            service.finish(session, handoff_id=handoff_id, agent="ana")
        with menu_service.sessions.begin() as session:
            service.file(session, handoff_id=handoff_id, agent="ana", settled="answered")
        await waiting(menu_service)
        clock.shift(timedelta(minutes=5))
        assert "number 1 " in (await first.says("agent")).parts[0].text


@pytest.fixture
def two_processes(postgres_url: str, tmp_path: Path) -> tuple[Service, Service]:
    settings = Settings(data_dir=tmp_path, database_url=postgres_url, twilio_number="+15555550100")
    return assemble(settings, with_assistant=False), assemble(settings, with_assistant=False)


def test_two_processes_race_for_a_claim(two_processes: tuple[Service, Service]) -> None:
    """Each has an engine of its own, as two machines have."""
    try:
        for _ in range(15):
            writer, handoff_id = asyncio.run(waiting(two_processes[0]))
            barrier = threading.Barrier(4)
            won: list[str] = []

            def claim(service_: Service, agent: str, handoff_id: int, barrier: threading.Barrier, won: list[str]) -> None:
                barrier.wait()
                try:
                    with service_.sessions.begin() as session:
                        service.accept(session, handoff_id=handoff_id, agent=agent)
                except Conflict:
                    return
                won.append(agent)

            agents = [(two_processes[number % 2], f"agent{number}", handoff_id, barrier, won) for number in range(4)]
            threads = [threading.Thread(target=claim, args=each) for each in agents]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(won) == 1
            (handoff,) = rows(two_processes[0], Handoff, Handoff.id == handoff_id)
            assert (handoff.state, handoff.accepted_by, writer.conversation().owner) == ("agent", won[0], "agent")
    finally:
        for each in two_processes:
            each.close()


def test_an_answer_and_a_claim_in_two_processes(two_processes: tuple[Service, Service]) -> None:
    """The assistant answers in one process while an agent takes the conversation in the other: never both."""
    there, here = two_processes
    try:
        for _ in range(15):
            writer = Resident(there.spine)

            async def race(writer: Resident = writer) -> None:
                def claim() -> None:
                    with here.sessions.begin() as session:
                        conversation = session.merge(writer.conversation())
                        handoff = service.open_handoff(session, conversation=conversation, reason="agent_pull", text="")
                        service.accept(session, handoff_id=handoff.id, agent="ana")

                async def while_claimed(_asked: Asked) -> Answered:
                    claims.append(asyncio.create_task(asyncio.to_thread(claim)))
                    return answer()

                claims: list[asyncio.Task[None]] = []
                writer.spine = with_assistant(there.spine, Scripted(while_claimed))
                reply = await writer.says("where is a shelter", inline=False)
                await claims[0]
                conversation = writer.conversation()
                assert conversation.owner == "agent"
                for row in rows(there, OutboundMessage, OutboundMessage.conversation_id == conversation.id):
                    assert row.owner_version < conversation.owner_version, "it was written before and is dropped by the outbox"
                assert (reply.parts == ()) is (reply.owner == "agent")

            asyncio.run(race())
    finally:
        for each in two_processes:
            each.close()
