"""Promise 5: it bends before it breaks. Each part is broken on purpose; the resident gets the next step down."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine, event, text

from knowledge.changes import bump_revision
from knowledge.facts import folded
from knowledge.lifecycle import State, transition
from knowledge.models import MessageVersion
from server.alerts.models import Alert
from server.assembly import Service, assemble
from server.conversations.models import Claim
from server.conversations.turn import Answered, Channel, Outcome, Reply
from server.outbox.models import OutboundMessage
from server.settings import Settings
from tests.server.harness import Resident, Scripted, answer, failing, raising, rows, with_assistant

QUESTION = "where is a shelter"
FIRE = "my house is on fire and we cannot get out"


def stepped_down(part: str) -> float | None:
    return REGISTRY.get_sample_value("spillway_degraded", {"part": part})


def is_static(reply: Reply) -> bool:
    return reply.engine == "static" and reply.parts[-1].message_id == "system.static" and reply.safety_line


async def says_nothing(_asked: Any) -> Answered:
    return Answered(Outcome.ANSWER)


# --- The assistant ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [raising, says_nothing], ids=["raises", "says nothing"])
async def test_the_menu_answers_for_an_assistant_that(menu_service: Service, fault: Any) -> None:
    writer = Resident(with_assistant(menu_service.spine, Scripted(fault)))
    reply = await writer.says(QUESTION)
    assert (reply.engine, reply.topic, reply.outcome) == ("menu", "shelter_locations", Outcome.ANSWER)
    assert all(part.version >= 1 for part in reply.parts), "approved messages, not made-up ones"
    assert stepped_down("Scripted") == 1
    await Resident(with_assistant(menu_service.spine, Scripted(lambda _asked: answer()))).says(QUESTION)
    assert stepped_down("Scripted") == 0, "the step up is seen too"


@pytest.mark.parametrize(("language", "junk"), [("en", "qwzx blorf"), ("es", "zzkqw brrf")])
async def test_the_menu_is_offered_by_number_and_a_number_answers(menu_service: Service, language: str, junk: str) -> None:
    writer = Resident(menu_service.spine, language=language)
    menu = await writer.says(junk)
    assert (menu.outcome, menu.parts[0].message_id, menu.language) == (Outcome.MENU, "system.degraded", language)
    assert 2 <= len(menu.options) <= 9
    for number, option in enumerate(menu.options, 1):
        assert folded(f"{number}. {option.label}") in folded(menu.parts[0].text)
    chosen = await writer.says("2")
    assert (chosen.outcome, chosen.topic) == (Outcome.MENU_CHOICE, menu.options[1].value)
    assert (await writer.says("0")).outcome is Outcome.AGENT


async def test_without_any_assistant_a_person_is_fetched(menu_service: Service) -> None:
    writer = Resident(with_assistant(menu_service.spine, Scripted(raising), alone=True))
    reply = await writer.says(QUESTION)
    assert (reply.outcome, reply.owner, reply.parts[0].message_id) == (Outcome.AGENT, "queued", "system.handoff")


@pytest.mark.parametrize(
    "words",
    ["is there a shelter for 5 people", "can someone tell me where the shelters are", "shelter for an elderly person"],
)
async def test_the_menu_does_not_take_a_story_for_the_wish_for_a_person(menu_service: Service, words: str) -> None:
    assert (await Resident(menu_service.spine).says(words)).topic == "shelter_locations"


@pytest.mark.parametrize("broken", [None, b"", b"not a model"], ids=["missing", "empty", "corrupt"])
def test_a_model_that_does_not_load_leaves_the_menu(settings: Settings, broken: bytes | None) -> None:
    if broken is not None:
        settings.models_dir.mkdir()
        (settings.models_dir / "model.tar.gz").write_bytes(broken)
    service = assemble(settings)
    try:
        assert service.assistant is None
        assert [assistant.part for assistant in service.spine.assistants] == ["KeywordAssistant"]  # type: ignore[attr-defined]
        assert stepped_down("RasaAssistant") == 1
        reply = asyncio.run(Resident(service.spine).says(QUESTION))
        assert (reply.engine, reply.topic) == ("menu", "shelter_locations")
    finally:
        service.close()


# --- The triage -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [None, b"", b"PK\x03\x04", b"not a model"], ids=["missing", "empty", "cut off", "corrupt"])
async def test_without_its_classifier_the_triage_still_finds_a_fire(settings: Settings, broken: bytes | None) -> None:
    if broken is not None:
        settings.models_dir.mkdir()
        (settings.models_dir / "triage").write_bytes(broken)
    service = assemble(settings, with_assistant=False)
    try:
        assert service.triage.degraded
        assert stepped_down("triage") == 1
        assert (await Resident(service.spine).says(FIRE)).outcome is Outcome.EMERGENCY_911
    finally:
        service.close()


# --- The database -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("statement", ["INSERT INTO inbox", "INSERT INTO turns", "UPDATE conversations", "SELECT"])
async def test_while_it_fails_one_bilingual_text_is_said(
    menu_service: Service, statement: str, channel: Channel, language: str
) -> None:
    writer = Resident(menu_service.spine, channel=channel, language=language)
    with failing(menu_service.engine, statement) as hit:
        reply = await writer.says(QUESTION)
    assert hit
    assert is_static(reply)
    for word in ("emergency", "emergencia"):
        assert word in reply.text.lower()
    assert stepped_down("turn") == 1
    assert (await Resident(menu_service.spine).says(QUESTION)).topic == "shelter_locations"
    assert stepped_down("turn") == 0


async def test_what_was_taken_in_but_not_settled_is_answered_when_it_comes_again(either_service: Service) -> None:
    writer = Resident(either_service.spine)
    with failing(either_service.engine, "INSERT INTO turns"):
        assert is_static(await writer.says(QUESTION, claim="SM1"))
    assert [row.state for row in rows(either_service, Claim)] == ["received"]
    again = await writer.says(QUESTION, claim="SM1")
    assert (again.topic, again.duplicate) == ("shelter_locations", False)
    assert len(writer.turns()) == 1


@contextmanager
def each_connection(engine: Engine, pragma: str) -> Iterator[None]:
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", prepare)
    engine.dispose()
    try:
        yield
    finally:
        event.remove(engine, "connect", prepare)
        engine.dispose()


@pytest.mark.parametrize(("words", "outcome"), [(QUESTION, Outcome.REPROMPT), (FIRE, Outcome.EMERGENCY_911)])
async def test_while_another_program_holds_it_locked(menu_service: Service, words: str, outcome: Outcome) -> None:
    with each_connection(menu_service.engine, "busy_timeout=20"):
        with closing(sqlite3.connect(menu_service.settings.data_dir / "spillway.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            reply = await Resident(menu_service.spine).says(words)
        assert (reply.outcome, is_static(reply)) == (outcome, True)
        assert reply.emergency is (words == FIRE)
    assert (await Resident(menu_service.spine).says(QUESTION)).topic == "shelter_locations"


@pytest.mark.parametrize(("words", "outcome"), [(QUESTION, Outcome.REPROMPT), (FIRE, Outcome.EMERGENCY_911)])
async def test_while_the_disk_is_full(menu_service: Service, words: str, outcome: Outcome) -> None:
    with closing(sqlite3.connect(menu_service.settings.data_dir / "spillway.db")) as database:
        pages = database.execute("PRAGMA page_count").fetchone()[0]
    with each_connection(menu_service.engine, f"max_page_count={pages}"):
        replies = [await Resident(menu_service.spine).says(words) for _ in range(12)]
        assert is_static(replies[-1])
        assert {reply.outcome for reply in replies[-3:]} == {outcome}
    assert (await Resident(menu_service.spine).says(QUESTION)).topic == "shelter_locations"


async def test_while_the_server_is_gone_and_after(tmp_path: Path, postgres_url: str) -> None:
    service = assemble(Settings(data_dir=tmp_path, database_url=postgres_url), with_assistant=False)
    try:
        writer = Resident(service.spine)
        assert (await writer.says(QUESTION)).topic == "shelter_locations"
        with service.engine.connect() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            connection.execute(text(others))
        assert (await writer.says(QUESTION)).topic == "shelter_locations", "lost connections are replaced"
    finally:
        service.close()


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    service = assemble(Settings(data_dir=tmp_path, database_url="postgresql://nobody@127.0.0.1:9/none"), with_assistant=False)
    try:
        assert is_static(await Resident(service.spine).says(QUESTION))
        assert (await Resident(service.spine).says(FIRE)).emergency
    finally:
        service.close()


async def test_a_database_without_tables(tmp_path: Path) -> None:
    service = assemble(Settings(data_dir=tmp_path), with_assistant=False)
    try:
        assert is_static(await Resident(service.spine).says(QUESTION))
        assert (await Resident(service.spine).says(FIRE)).emergency
    finally:
        service.close()


# --- The approved messages --------------------------------------------------------------------------------------------------


async def test_while_the_messages_cannot_be_read_the_last_ones_are_said(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    before = await writer.says(QUESTION)
    with menu_service.sessions.begin() as session:
        bump_revision(session)
    with failing(menu_service.engine, "SELECT message_versions", "SELECT topics", "SELECT facts"):
        during = await writer.says(QUESTION)
    assert during.parts[0].text == before.parts[0].text
    assert during.engine == "menu"


async def test_what_one_person_withdraws_is_not_said_again(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    before = (await writer.says(QUESTION)).parts[0]
    version = rows(menu_service, MessageVersion, MessageVersion.message_id == before.message_id)[0]
    with menu_service.sessions.begin() as session:
        transition(session, version_id=version.id, to=State.WITHDRAWN, actor="ana", reason="wrong address")
    after = (await writer.says(QUESTION)).parts[0]
    assert after.reference != before.reference


# --- An alert is not lost with the answer ------------------------------------------------------------------------------------


async def test_a_reply_that_could_not_be_stored_leaves_no_half(either_service: Service) -> None:
    writer = Resident(either_service.spine)
    with failing(either_service.engine, "INSERT INTO outbox"):
        await writer.says(FIRE)
    assert rows(either_service, Alert) == []
    assert rows(either_service, OutboundMessage) == []
    assert writer.turns() == []
