"""The triage of one message never holds up another, and never holds back the 911 line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from threading import Event

import pytest

from bot.triage.classifier import Classifier
from bot.triage.combine import Scores, Thresholds
from bot.triage.decision import Level
from bot.triage.engine import Context, TriageEngine
from bot.triage.reading import Reading
from bot.triage.rules import shipped_rules
from server.assembly import Service
from server.conversations import looking
from server.conversations.looking import look
from server.conversations.turn import Outcome
from server.metrics import STEP
from tests.server.harness import Resident

FIRE = "my house is on fire and we cannot get out"


class Hangs(Classifier):
    """A classifier that waits for a word from the test on every message but ordinary ones."""

    def __init__(self, go: Event) -> None:
        self._first_thresholds = Thresholds()
        self._second_thresholds = None
        self._go = go
        self.reached = Event()

    def score(self, reading: Reading, text: str) -> Scores:
        """Waits, unless a shelter is asked for."""
        if "shelter" not in text:
            self.reached.set()
            self._go.wait()
        return Scores(hard=0.0, crisis=0.0, soft=0.0, categories={"fire": 1.0})


@pytest.fixture
def hangs() -> Iterator[Hangs]:
    go = Event()
    yield Hangs(go)
    go.set()


async def test_a_message_that_takes_long_holds_up_no_other(menu_service: Service, hangs: Hangs) -> None:
    spine = replace(menu_service.spine, triage=TriageEngine(shipped_rules(), hangs))
    long = asyncio.ensure_future(Resident(spine).says("there was something about grandma"))
    while not hangs.reached.is_set():
        await asyncio.sleep(0)
    reply = await Resident(spine).says("where is a shelter")
    assert reply.topic == "shelter_locations"
    assert not long.done()
    hangs._go.set()
    assert (await long).parts


async def test_a_triage_that_hangs_gives_way_to_the_patterns(hangs: Hangs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "PATIENCE", 0.01)
    triage = TriageEngine(shipped_rules(), hangs)
    assert (await look(triage, FIRE, context=Context())).level is Level.HARD
    assert STEP.labels(part="triage_in_time")._value.get() == 1
    assert (await look(triage, "where is a shelter", context=Context())).level is Level.NONE
    assert STEP.labels(part="triage_in_time")._value.get() == 0


async def test_the_whole_turn_goes_on_when_the_triage_hangs(
    menu_service: Service, hangs: Hangs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "PATIENCE", 0.01)
    reply = await Resident(replace(menu_service.spine, triage=TriageEngine(shipped_rules(), hangs))).says(FIRE)
    assert (reply.outcome, reply.parts[0].role) == (Outcome.EMERGENCY_911, "card")
