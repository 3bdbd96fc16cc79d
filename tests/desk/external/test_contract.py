"""What every desk that is not ours must do, whoever makes it: the same tests for each adapter, over sockets on loopback."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update

from desk.external.models import OutsideHealth, OutsideParcel, OutsideThread
from desk.models import DeskAgent, Handoff
from desk.rounds import DeskRounds
from server.alerts.models import Alert
from server.clock import now
from server.conversations.turn import Channel, Outcome
from server.http.deps import ChannelDeps
from server.outbox.models import OutboundMessage
from tests.desk.external.conftest import City
from tests.desk.external.fakes import signed
from tests.server.harness import Resident, rows
from tests.server.staffroom import SAME_SITE, signed_in


async def asks(city: City, text: str = "agent", **more: str) -> tuple[Resident, str]:
    """A resident who asks for a person, and whose conversation is at the other desk."""
    writer = city.resident(**more)  # type: ignore[arg-type]
    await writer.says("my basement is full of water")
    reference = (await writer.says(text)).conversation
    assert reference is not None
    await city.tell()
    return writer, reference


def kinds(city: City) -> list[str]:
    return [alert.kind for alert in rows(city.service, Alert)]


async def test_a_conversation_goes_out_once_with_everything_said(city: City) -> None:
    writer, reference = await asks(city)
    (packet,) = city.fake.opened(reference)
    assert "my basement is full of water" in packet
    assert writer.conversation().owner == "queued", "it stays in our line until somebody there answers"
    assert city.told() == [], "the resident is told nothing that is not so yet"
    await city.tell()
    assert len(city.fake.opened(reference)) == 1
    (thread,) = rows(city.service, OutsideThread)
    assert thread.state == "open"
    assert thread.outside_id


async def test_messages_go_both_ways_in_order(city: City) -> None:
    writer, reference = await asks(city)
    answer = await city.hears(city.fake.says(reference, "Is anyone hurt?"))
    assert (answer.status_code, answer.json()) == (200, {"result": "done"})
    assert city.told() == ["system.with_agent_named"], "who is with them is said in approved words"
    (said,) = city.by_agents()
    assert (said.text, said.message_ids, said.parts[0]["message_id"]) == ("Is anyone hurt?", [], "agent.typed")
    assert writer.conversation().owner == "agent"
    for text in ("no one", "I need a pump", "it is the cellar"):
        assert (await writer.says(text)).outcome is Outcome.AGENT
    await city.tell()
    assert city.fake.heard(reference) == ["no one", "I need a pump", "it is the cellar"]


async def test_what_is_told_twice_is_done_once(city: City) -> None:
    _, reference = await asks(city)
    request = city.fake.says(reference, "We are on our way.", event="same")
    assert [(await city.hears(request)).json()["result"] for _ in range(3)] == ["done", "repeated", "repeated"]
    assert len(city.by_agents()) == 1


async def test_an_answer_that_is_lost_doubles_nothing(city: City) -> None:
    writer = city.resident()
    reference = str((await writer.says("agent")).conversation)
    for step in range(6):
        city.fake.fails = [200] * step + [None]
        with time_machine.travel(now() + timedelta(minutes=step + 1)):
            await city.tell()
    await writer.says("are you there?")
    with time_machine.travel(now() + timedelta(minutes=10)):
        city.fake.fails = [None]
        await city.tell()
    with time_machine.travel(now() + timedelta(minutes=20)):
        city.fake.fails = []
        await city.tell()
    assert len(city.fake.opened(reference)) == 1
    assert city.fake.heard(reference) == ["are you there?"]


async def test_the_end_gives_the_assistant_back(city: City) -> None:
    writer, reference = await asks(city)
    await city.hears(city.fake.says(reference, "Use the ramp at Pier 4."))
    request = city.fake.ends(reference)
    assert [(await city.hears(request)).status_code for _ in range(2)] == [200, 200]
    assert city.told()[-1] == "system.agent_done"
    assert (city.handoff().state, city.handoff().settled) == ("closed", "other")
    assert (await writer.says("where is a shelter")).topic == "shelter_locations"
    late = await city.hears(city.fake.says(reference, "One more thing"))
    assert late.status_code == 409
    assert len(city.by_agents()) == 1, "nobody talks over the assistant"
    await city.tell()
    assert any("over" in note for note in city.fake.notes(reference)), "their agent is told that it did not go out"


async def test_an_end_without_an_answer_leaves_nobody_alone(city: City) -> None:
    writer, reference = await asks(city)
    assert (await city.hears(city.fake.ends(reference))).status_code == 200
    assert writer.conversation().owner == "queued"
    assert "outside_desk_passed" in kinds(city)
    await city.tell()
    assert len(city.fake.opened(reference)) == 1, "it is not put before them again"


async def test_a_desk_that_is_down_loses_nobody(city: City) -> None:
    city.fake.down = True
    writer, reference = await asks(city)
    worker = city.worker()
    with time_machine.travel(now() + timedelta(minutes=2)):
        await city.tell(worker)
        await writer.says("hello?")
    assert writer.conversation().owner == "queued"
    assert city.told() == []
    assert kinds(city) == ["outside_desk_down"]
    await signed_in(city.client, city.service)
    with time_machine.travel(now() + timedelta(minutes=2, seconds=5)):
        board = (await city.client.get("/desk/")).text
    assert reference in board
    assert "has not answered since" in board
    city.fake.down = False
    with time_machine.travel(now() + timedelta(minutes=10)):
        await city.tell()
        board = (await city.client.get("/desk/")).text
    assert len(city.fake.opened(reference)) == 1
    assert city.fake.heard(reference) == ["hello?"]
    assert "has not answered since" not in board
    assert "Also at the city" in board


async def test_a_desk_that_goes_silent_in_mid_talk_gives_the_resident_back(city: City) -> None:
    writer, reference = await asks(city)
    await city.hears(city.fake.says(reference, "One moment."))
    service = city.service
    deps = ChannelDeps(service.settings, service.spine, service.library, service.keys, service.sessions, service.wake)
    past = now() - timedelta(seconds=91)
    with service.sessions.begin() as session:
        session.execute(update(Handoff).values(state_at=past))
        session.execute(update(DeskAgent).values(seen_at=past))
        session.execute(update(OutsideHealth).values(looked_at=past))
    await city.worker()._probe()
    DeskRounds(deps).once()
    assert writer.conversation().owner == "agent", "they answer a question, so their agents are there"
    city.fake.down = True
    with service.sessions.begin() as session:
        session.execute(update(DeskAgent).values(seen_at=past))
    await city.worker()._probe()
    DeskRounds(deps).once()
    assert city.told()[-1] == "system.agent_lost"
    assert (city.handoff().state, city.handoff().front) == ("queued", True)
    city.fake.down = False
    await city.hears(city.fake.says(reference, "Sorry, I am back."))
    assert writer.conversation().owner == "agent"


@pytest.mark.parametrize(("status", "state"), [(400, "failed"), (422, "failed"), (429, "queued"), (503, "queued"), (401, "queued")])
async def test_errors_by_their_class(city: City, status: int, state: str) -> None:
    city.fake.fails = [status] * 9
    writer, _ = await asks(city)
    (parcel,) = rows(city.service, OutsideParcel)
    assert (parcel.state, parcel.error) == (state, f"status {status}")
    assert writer.conversation().owner == "queued"
    assert kinds(city) == {400: ["outside_desk_refused"], 422: ["outside_desk_refused"], 401: ["outside_desk_down"]}.get(status, [])


async def test_our_own_agents_come_first_where_they_took_it(city: City) -> None:
    writer, reference = await asks(city)
    await signed_in(city.client, city.service)
    assert (await city.client.post(f"/desk/c/{reference}/take", headers=SAME_SITE)).status_code == 303
    refused = await city.hears(city.fake.says(reference, "Hello from the other desk"))
    assert refused.status_code == 409
    assert city.by_agents() == []
    await city.tell()
    assert city.fake.over(reference)
    assert writer.conversation().owner == "agent"


async def test_an_emergency_rings_on_our_board_and_there(city: City) -> None:
    writer, reference = await asks(city)
    await city.hears(city.fake.says(reference, "How can I help?"))
    reply = await writer.says("my mother is not breathing")
    assert reply.outcome is Outcome.EMERGENCY_911
    assert "911" in reply.parts[0].text
    assert "emergency" in kinds(city)
    await city.tell()
    assert city.fake.heard(reference)[-1] == "my mother is not breathing"
    assert any("911" in note for note in city.fake.notes(reference)), "their agent sees what the resident was told"
    await signed_in(city.client, city.service)
    board = (await city.client.get("/desk/")).text
    assert 'data-alarms="a' in board
    assert reference in board


async def test_only_their_own_words_with_a_fresh_proof(city: City) -> None:
    _, reference = await asks(city)
    path, _, body = city.fake.says(reference, "Hello")
    old = int((now() - timedelta(minutes=6)).timestamp())
    tries: list[dict[str, str]] = [
        {},
        signed(city.fake.prefix, body, secret="another-secret-here"),
        signed(city.fake.prefix, body + b" "),
        signed(city.fake.prefix, body, at=old),
        signed(city.fake.prefix, body, at=-1),
        {**signed(city.fake.prefix, body), f"X-{city.fake.prefix}-Signature": "sha256=\u00e9"},
    ]
    for headers in tries:
        raw = {name: value.encode() for name, value in headers.items()}
        assert (await city.client.post(path, content=body, headers=raw)).status_code == 403
    assert city.by_agents() == []
    other = "/outside/chatwoot" if city.fake.kind == "webhook" else "/outside/events"
    assert (await city.client.post(other, content=body, headers=signed(city.fake.prefix, body))).status_code == 404


@pytest.mark.parametrize("text", ["", "   ", "x" * 1001])
async def test_words_that_cannot_be_sent_are_refused_and_explained(city: City, text: str) -> None:
    writer, reference = await asks(city)
    assert (await city.hears(city.fake.says(reference, text))).status_code == 400
    assert city.by_agents() == []
    assert writer.conversation().owner == "queued", "a refused message takes nothing from the line"
    assert city.told() == []
    await city.tell()
    assert any("1000" in note for note in city.fake.notes(reference))


async def test_a_call_stays_with_the_telephone(city: City) -> None:
    caller = city.resident(Channel.IVR)
    await caller.says("agent")
    await city.tell()
    assert rows(city.service, OutsideThread) == []


async def test_a_second_agent_of_theirs_is_told_to_the_resident(city: City) -> None:
    _, reference = await asks(city)
    await city.hears(city.fake.says(reference, "Hello", agent="maria"))
    await city.hears(city.fake.says(reference, "I take over", agent="jose"))
    shown = [row.text for row in rows(city.service, OutboundMessage, OutboundMessage.speaker == "system")]
    assert "Maria" in shown[0]
    assert "Jose" in shown[1]
    assert [row.text for row in city.by_agents()] == ["Hello", "I take over"]


async def test_that_they_write_is_a_sign_and_nothing_stored(city: City) -> None:
    writer, reference = await asks(city)
    assert (await city.hears(city.fake.types(reference))).json() == {"result": "ignored"}
    await city.hears(city.fake.says(reference, "Hello"))
    assert (await city.hears(city.fake.types(reference))).json() == {"result": "done"}
    sign = city.signs.of(writer.conversation().id)
    assert city.signs.left(sign.agent_until) > 0
