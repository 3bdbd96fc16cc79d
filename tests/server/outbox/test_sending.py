"""The outbox against the stand-in over loopback HTTP, through Twilio's own SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from server import clock
from server.conversations.models import Conversation
from server.conversations.ownership import Owner, transfer
from server.outbox import service
from server.outbox.models import OptOut, OutboundMessage
from server.outbox.service import Outgoing, Report
from server.outbox.worker import OutboxWorker, SendFailed
from server.twilio.client import TwilioSender
from server.twilio.standin import Callbacks, Refusal
from server.twilio.standin.api import make_api, serving
from tests.server.twilio.house import ANA, BEN, OURS, House, open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as house:
        house.twilio.callbacks = Callbacks.HELD
        yield house


@pytest.fixture
def worker(house: House) -> Iterator[OutboxWorker]:
    with serving(make_api(house.twilio)) as url:
        settings = house.deps.settings.model_copy(update={"twilio_api_base": url})
        yield OutboxWorker(house.deps, TwilioSender(settings))


async def conversation(house: House, number: str = ANA) -> Conversation:
    await house.twilio.text(number, OURS, "where is a shelter")
    await house.twilio.release()
    return next(c for c in house.conversations if c.person == house.deps.keys.hash(number))


def enqueue(house: House, about: Conversation, key: str = "k1", **values: Any) -> int:
    with house.deps.sessions.begin() as session:
        current = session.get_one(Conversation, about.id)
        given = {"speaker": "bot", "text": f"text {key}", **values}
        return service.enqueue(session, conversation=current, dedupe_key=key, **given).id


def row(house: House, row_id: int) -> OutboundMessage:
    return next(row for row in house.outbox if row.id == row_id)


def change(house: House, row_id: int, **values: Any) -> None:
    with house.deps.sessions.begin() as session:
        session.execute(update(OutboundMessage).where(OutboundMessage.id == row_id).values(**values))


def sent(house: House) -> list[tuple[str, str]]:
    return [(m.to, m.body) for m in house.twilio.messages.values() if m.direction == "outbound-api"]


async def test_a_text_goes_out_once_and_is_delivered(house: House, worker: OutboxWorker) -> None:
    about = await conversation(house)
    first, second = enqueue(house, about), enqueue(house, about)
    assert first == second
    assert await worker.drain() == 1
    assert await worker.drain() == 0
    assert sent(house) == [(ANA, "text k1")]
    assert row(house, first).state == "sent"
    assert set(await house.twilio.release(backwards=True, twice=True)) == {204}
    assert row(house, first).state == "delivered"
    assert row(house, first).attempts == 1


async def test_an_emergency_text_is_valid_for_five_minutes_and_goes_first(house: House, worker: OutboxWorker) -> None:
    about = await conversation(house)
    for number in range(3):
        enqueue(house, about, f"k{number}")
    enqueue(house, about, "urgent", emergency=True)
    with house.deps.sessions.begin() as session:
        first = service.lease_next(session, keys=house.deps.keys, now=clock.now())
    assert first is not None
    assert first.text == "text urgent"
    assert 295 <= first.valid_seconds <= 300
    change(house, first.id, lease_until=None)
    await worker.drain()
    (urgent,) = [m for m in house.twilio.messages.values() if m.body == "text urgent"]
    assert urgent.validity_period is not None
    assert 295 <= urgent.validity_period <= 300
    assert len(sent(house)) == 4


async def test_a_text_of_the_bot_is_dropped_when_a_person_took_over(house: House, worker: OutboxWorker) -> None:
    about = await conversation(house)
    plain, urgent = enqueue(house, about, "plain"), enqueue(house, about, "urgent", emergency=True)
    person = enqueue(house, about, "agent", speaker="agent")
    with house.deps.sessions.begin() as session:
        current = session.get_one(Conversation, about.id)
        transfer(session, conversation=current, to=Owner.AGENT, actor="agent", reason="test")
    await worker.drain()
    assert [row(house, one).state for one in (plain, urgent, person)] == ["dropped", "sent", "sent"]
    assert {body for _, body in sent(house)} == {"text urgent", "text agent"}


async def test_an_opted_out_number_is_blocked_here_too_and_never_tried_again(house: House, worker: OutboxWorker) -> None:
    about = await conversation(house)
    house.twilio.blocked.add((ANA, OURS))
    plain, urgent = enqueue(house, about, "plain"), enqueue(house, about, "urgent", emergency=True)
    await worker.drain()
    assert await worker.drain() == 0
    assert {row(house, one).state for one in (plain, urgent)} == {"failed"}
    assert {row(house, one).error_code for one in (plain, urgent)} == {"21610"}
    assert [optout.person for optout in house.rows(OptOut)] == [house.deps.keys.hash(ANA)]
    assert sorted(house.alerts) == ["opted_out", "opted_out_emergency"]


@pytest.mark.parametrize(("status", "code"), [(429, 20429), (500, 20500), (503, 20503), (401, 20003)])
async def test_a_passing_fault_is_tried_again_later(house: House, worker: OutboxWorker, status: int, code: int) -> None:
    about = await conversation(house)
    house.twilio.refusals.append(Refusal(status, code, "later"))
    one = enqueue(house, about)
    assert await worker.drain() == 1
    waiting = row(house, one)
    assert (waiting.state, waiting.error_code) == ("queued", str(code))
    assert waiting.next_attempt_at is not None
    assert waiting.next_attempt_at > clock.now()
    assert await worker.drain() == 0
    change(house, one, next_attempt_at=clock.now())
    await worker.drain()
    assert row(house, one).state == "sent"
    assert house.alerts == (["texts_refused"] if status == 401 else [])


async def test_a_number_that_is_none_is_not_tried_again(house: House, worker: OutboxWorker) -> None:
    about = await conversation(house)
    with house.deps.sessions.begin() as session:
        session.get_one(Conversation, about.id).contact = house.deps.keys.seal("not a number")
    one = enqueue(house, about, speaker="agent")
    await worker.drain()
    assert (row(house, one).state, row(house, one).error_code) == ("failed", "21211")
    assert house.alerts == ["agent_text_undelivered"]


@pytest.mark.parametrize("contact", [None, "c2VhbGVkIHdpdGggYW5vdGhlciBrZXksIG5vdCBvdXJz"])
async def test_a_resident_without_a_number_is_told_to_staff(house: House, worker: OutboxWorker, contact: str | None) -> None:
    about = await conversation(house)
    with house.deps.sessions.begin() as session:
        session.get_one(Conversation, about.id).contact = contact
    one = enqueue(house, about, emergency=True)
    await worker.drain()
    assert (row(house, one).state, row(house, one).error_code) == ("failed", "unreachable")
    assert house.alerts == ["emergency_undelivered"]


async def test_what_is_too_old_is_not_said(house: House, worker: OutboxWorker) -> None:
    about = await conversation(house)
    plain = enqueue(house, about, "plain", valid_for=timedelta(seconds=-1))
    urgent = enqueue(house, about, "urgent", emergency=True, valid_for=timedelta(seconds=-1))
    assert await worker.drain() == 0
    with house.deps.sessions.begin() as session:
        assert service.sweep(session, now=clock.now()) == 2
    assert {row(house, one).state for one in (plain, urgent)} == {"expired"}
    assert house.alerts == ["emergency_undelivered"]


async def test_after_a_crash_between_sending_and_noting_it_nothing_goes_out_twice(house: House, worker: OutboxWorker) -> None:
    about = await conversation(house)
    one = enqueue(house, about)
    await worker.drain()
    change(house, one, state="queued", provider_id=None, lease_until=clock.now() - timedelta(seconds=1))
    await worker.drain()
    assert len(sent(house)) == 1
    assert row(house, one).state == "sent"
    assert row(house, one).provider_id is not None


async def test_a_callback_that_is_faster_than_the_answer_wins(house: House, worker: OutboxWorker) -> None:
    house.twilio.callbacks = Callbacks.PROMPT
    about = await conversation(house)
    one = enqueue(house, about)
    await worker.drain()
    assert row(house, one).state == "delivered"


async def test_a_leased_text_is_left_alone(house: House) -> None:
    about = await conversation(house)
    enqueue(house, about)
    leases = []
    for _ in range(2):
        with house.deps.sessions.begin() as session:
            leases.append(service.lease_next(session, keys=house.deps.keys, now=clock.now()))
    assert leases[0] is not None
    assert leases[1] is None


class Silent:
    """A sender whose network gives no answer; `known` is what the provider turns out to have."""

    def __init__(self, known: str | None = None) -> None:
        self.known = known
        self.tries: list[str] = []

    async def send(self, outgoing: Outgoing) -> str:
        self.tries.append("send")
        raise SendFailed

    async def find(self, outgoing: Outgoing) -> str | None:
        self.tries.append("find")
        if self.known is None:
            raise SendFailed
        return self.known


async def test_without_an_answer_the_next_try_looks_first(house: House) -> None:
    about = await conversation(house)
    one = enqueue(house, about)
    silent = Silent()
    worker = OutboxWorker(house.deps, silent)
    await worker.drain()
    assert row(house, one).state == "queued"
    silent.known = "SM1"
    change(house, one, next_attempt_at=clock.now())
    await worker.drain()
    assert silent.tries == ["send", "find"]
    assert (row(house, one).state, row(house, one).provider_id) == ("sent", "SM1")


class Broken(Silent):
    """A sender with a fault of its own."""

    async def send(self, outgoing: Outgoing) -> str:
        raise KeyError("sid")


async def test_a_sender_that_breaks_loses_nothing(house: House) -> None:
    about = await conversation(house)
    one = enqueue(house, about)
    await OutboxWorker(house.deps, Broken()).drain()
    assert row(house, one).state == "queued"
    assert row(house, one).next_attempt_at is not None


async def test_an_emergency_is_rather_sent_twice_than_not(house: House) -> None:
    about = await conversation(house)
    one = enqueue(house, about, emergency=True)
    silent = Silent()
    worker = OutboxWorker(house.deps, silent)
    await worker.drain()
    change(house, one, next_attempt_at=clock.now())
    await worker.drain()
    assert silent.tries == ["send", "find", "send"]


async def test_a_911_line_never_heard_of_again_is_told_once(house: House) -> None:
    await house.twilio.text(BEN, OURS, "my house is on fire")
    later = clock.now() + timedelta(minutes=6)
    for _ in range(2):
        with house.deps.sessions.begin() as session:
            service.sweep(session, now=later)
    assert house.alerts.count("emergency_unconfirmed") == 1
    await house.twilio.release()
    assert house.outbox[0].state == "delivered"


async def test_the_worker_stops_when_told(house: House, worker: OutboxWorker) -> None:
    about = await conversation(house)
    one = enqueue(house, about)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    async with asyncio.timeout(20):
        while row(house, one).state != "sent":
            worker.nudge()
            await asyncio.sleep(0)
        stop.set()
        await running


def test_a_report_for_a_text_we_do_not_know(house: House) -> None:
    with house.deps.sessions.begin() as session:
        for reference in (None, "o99", "oX", "tsms:none", "?"):
            assert service.take_report(session, report=Report(reference, "SM0", "delivered")) is None
