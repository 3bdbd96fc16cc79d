"""A process that dies between taking a message in and answering it, played by a spine that stops after the first transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.channels.sms import inbound_of
from ivr.calls import Call
from ivr.links import Position
from server import clock
from server.alerts.models import Alert
from server.conversations import ledger
from server.conversations.models import Claim
from server.conversations.recovery import Recovery
from server.conversations.turn import Inbound
from tests.server.twilio.house import ANA, OURS, House, open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as house:
        yield house


def take_in(house: House, inbound: Inbound, *, age: timedelta = timedelta(minutes=1)) -> None:
    """The first transaction, and then nothing."""
    with house.deps.sessions.begin() as session:
        ledger.accept(session, inbound=inbound, keys=house.deps.keys)
    then = clock.now() - age
    with house.deps.sessions.begin() as session:
        session.execute(update(Claim).values(received_at=then, lease_until=then + ledger.LEASE))


def text(house: House, body: str) -> Inbound:
    return inbound_of({"MessageSid": "SM1", "From": ANA, "To": OURS, "Body": body}, keys=house.deps.keys)


def call(house: House, words: str) -> Inbound:
    given = Call("CA1", ANA, OURS)
    return given.inbound(Position(), keys=house.deps.keys, kind="speech", text=words, language=None, confidence=None)


async def test_a_text_is_answered_through_the_outbox_once(house: House) -> None:
    take_in(house, text(house, "where is a shelter"))
    recovery = Recovery(house.deps)
    assert await recovery.once() == 1
    assert await recovery.once() == 0
    (row,) = house.outbox
    assert (row.state, row.inline, row.dedupe_key) == ("queued", False, "turn:sms:SM1")
    assert house.rows(Claim)[0].state == "recovered"


async def test_an_emergency_is_recovered_with_its_line(house: House) -> None:
    take_in(house, text(house, "my house is on fire"))
    await Recovery(house.deps).once()
    assert house.outbox[0].emergency
    assert house.outbox[0].text.startswith("If anyone is in danger CALL 911 NOW")


async def test_what_is_still_being_answered_is_left_alone(house: House) -> None:
    take_in(house, text(house, "where is a shelter"), age=timedelta())
    assert await Recovery(house.deps).once() == 0


async def test_what_was_answered_is_left_alone(house: House) -> None:
    await house.twilio.text(ANA, OURS, "where is a shelter")
    with house.deps.sessions.begin() as session:
        session.execute(update(Claim).values(lease_until=clock.now() - timedelta(hours=1)))
    assert await Recovery(house.deps).once() == 0


@pytest.mark.parametrize(("words", "severity"), [("where is a shelter", "warning"), ("my house is on fire", "critical")])
async def test_of_a_call_staff_are_told(house: House, words: str, severity: str) -> None:
    take_in(house, call(house, words))
    assert await Recovery(house.deps).once() == 1
    assert await Recovery(house.deps).once() == 0
    (alert,) = house.rows(Alert)
    assert (alert.kind, alert.severity) == ("call_interrupted", severity)
    assert not house.outbox


async def test_of_a_message_that_is_too_old_staff_are_told(house: House) -> None:
    take_in(house, text(house, "where is a shelter"), age=timedelta(hours=2))
    await Recovery(house.deps).once()
    assert house.alerts == ["unanswered"]
    assert not house.outbox


async def test_a_message_sealed_with_another_key_is_told_and_not_tried_for_ever(house: House) -> None:
    take_in(house, text(house, "where is a shelter"))
    with house.deps.sessions.begin() as session:
        session.execute(update(Claim).values(payload="bm90IG91cnMgYXQgYWxsLCBub3QgZXZlbiBjbG9zZQ=="))
    await Recovery(house.deps).once()
    assert await Recovery(house.deps).once() == 0
    assert house.alerts == ["unreadable_message"]


async def test_it_runs_at_start_and_stops_when_told(house: House) -> None:
    take_in(house, text(house, "where is a shelter"))
    stop = asyncio.Event()
    running = asyncio.create_task(Recovery(house.deps).run(stop))
    async with asyncio.timeout(20):
        while not house.outbox:
            await asyncio.sleep(0)
        stop.set()
        await running
