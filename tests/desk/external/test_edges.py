"""Setting it up, what is no event, two processes at once, and how long a try waits."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from desk.external.building import make_desk
from desk.external.chatwoot import ChatwootDesk
from desk.external.models import OutsideEvent, OutsideParcel
from desk.external.port import Event, NotDelivered, OutsideDesk, Trouble, trouble_of
from desk.external.seats import shown_name
from desk.external.sending import wait_before
from desk.external.webhook import WebhookDesk
from server.app import create_app
from server.assembly import assemble
from server.cli.main import app as program
from server.errors import BadInput, NotReady
from server.settings import Mode, Settings
from tests.desk.external.conftest import City
from tests.desk.external.fakes import SECRET, FakeChatwoot, FakeWebhookDesk, signed
from tests.server.harness import rows, running

WEBHOOK = {"desk_kind": "webhook", "desk_url": "https://desk.example.gov/in", "desk_secret": SECRET}
CHATWOOT = {**WEBHOOK, "desk_kind": "chatwoot", "desk_token": "t", "desk_account": 1, "desk_inbox": 2}


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"desk_kind": "webhook"}, ["SPILLWAY_DESK_URL", "SPILLWAY_DESK_SECRET"]),
        ({**WEBHOOK, "desk_secret": "short"}, ["SPILLWAY_DESK_SECRET"]),
        ({**WEBHOOK, "mode": Mode.LIVE, "desk_url": "http://desk.example.gov"}, ["https://"]),
        ({**WEBHOOK, "desk_kind": "chatwoot"}, ["SPILLWAY_DESK_TOKEN", "SPILLWAY_DESK_ACCOUNT", "SPILLWAY_DESK_INBOX"]),
        (WEBHOOK, []),
        (CHATWOOT, []),
        ({}, []),
    ],
)
def test_half_a_setting_is_named(given: dict[str, Any], missing: list[str]) -> None:
    settings = Settings(**given)
    if not missing:
        assert getattr(make_desk(settings), "kind", "") == settings.desk_kind
        return
    with pytest.raises(NotReady) as refused:
        make_desk(settings)
    assert all(each in refused.value.safe_text for each in missing)


DESKS: list[tuple[OutsideDesk, str]] = [
    (WebhookDesk(url="http://127.0.0.1:9", secrets=(SECRET,), timeout=1), "Spillway"),
    (
        ChatwootDesk(url="http://127.0.0.1:9", token="t", account=1, inbox=2, secrets=("", SECRET), timeout=1, language="en"),
        "Chatwoot",
    ),
]
PATIENCE = 60.0
"""A guard against a test that never ends; nothing depends on how long it takes."""
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["outgoing", "user", "text", "resolved"])
)
NAMES = st.sampled_from(
    ["event", "id", "kind", "conversation", "agent", "text", "content", "sender", "type", "message_type", "meta"]
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6), max_leaves=12)
EVENTS = st.sampled_from(["message_created", "conversation_status_changed", "conversation_typing_on", "message", "closed"])


@given(content=VALUES, event=EVENTS, raw=st.binary(max_size=30), as_json=st.booleans())
def test_whatever_is_sent_is_read_or_refused(content: Any, event: str, raw: bytes, as_json: bool) -> None:
    if isinstance(content, dict):
        content = {**content, "event": event, "kind": event}
    body = json.dumps(content).encode() if as_json else raw
    for desk, prefix in DESKS:
        headers = httpx.Headers(signed(prefix, body, at=int(NOW.timestamp())))
        try:
            found = desk.read(headers, body, now=NOW)
        except BadInput:
            continue
        assert found is None or isinstance(found.storable(), Event)


@pytest.mark.parametrize(
    "change",
    [
        {"private": True},
        {"message_type": "incoming"},
        {"message_type": "template"},
        {"sender": {"id": 1, "type": "agent_bot"}},
        {"sender": None},
        {"content_attributes": {"automation_rule_id": 4}},
        {"content_type": "input_select"},
        {"event": "message_updated"},
    ],
)
def test_only_what_a_person_wrote_in_public_goes_out(change: dict[str, Any]) -> None:
    desk, prefix = DESKS[1]
    message = {"event": "message_created", "id": 1, "content": "x", "message_type": "outgoing", "sender": {"id": 1, "type": "user"}}
    for more, wanted in (({}, True), (change, False)):
        body = json.dumps({**message, "conversation": {"id": 5}, **more}).encode()
        found = desk.read(httpx.Headers(signed(prefix, body, at=int(NOW.timestamp()))), body, now=NOW)
        assert (found is not None) is wanted


@pytest.mark.parametrize(
    ("status", "trouble"),
    [(302, Trouble.ACCOUNT), (401, Trouble.ACCOUNT), (404, Trouble.ACCOUNT), (409, Trouble.PASSING), (422, Trouble.REFUSED),
     (410, Trouble.REFUSED), (429, Trouble.PASSING), (500, Trouble.PASSING), (599, Trouble.PASSING)],
)  # fmt: skip
def test_the_class_of_a_status(status: int, trouble: Trouble) -> None:
    assert trouble_of(status) is trouble


@given(attempts=st.integers(min_value=0, max_value=10_000), wait=st.none() | st.integers(min_value=-5, max_value=10**9))
def test_a_try_waits_between_a_second_and_a_minute(attempts: int, wait: int | None) -> None:
    assert 1 <= wait_before(attempts, NotDelivered(Trouble.PASSING, "x", wait=wait)) <= 60


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Maria Diaz", "Maria"), ("José", "José"), ("Anne-Marie", "Anne-Marie"), ("<b>", ""), ("call 555", "call"), ("", "")],
)
def test_only_a_first_name_of_letters_is_said(name: str, shown: str) -> None:
    assert shown_name(name) == shown


async def test_two_processes_do_everything_once(tmp_path: Path, database_url: str) -> None:
    fake = FakeWebhookDesk()
    settings = Settings(data_dir=tmp_path, database_url=database_url, **fake.settings())
    service = assemble(settings, with_assistant=False)
    app = create_app(service.settings, address="http://testserver", service=service)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client:
        city = City(service, fake, client)
        writers = [city.resident() for _ in range(4)]
        references = [str((await writer.says("agent")).conversation) for writer in writers]
        first, second = city.worker(), city.worker()
        while any(await asyncio.gather(first.once(), second.once())):
            pass
        assert [len(fake.opened(reference)) for reference in references] == [1] * 4
        requests = [fake.says(reference, "Hello", event=f"one-{reference}") for reference in references]
        answers = await asyncio.gather(*(city.hears(request) for request in [*requests, *requests]))
        assert sorted(answer.json()["result"] for answer in answers) == ["done"] * 4 + ["repeated"] * 4
        assert len(city.by_agents()) == 4
        for text in ("I am on Dock Street", "third floor"):
            await asyncio.gather(*(writer.says(text) for writer in writers))
        while any(await asyncio.gather(first.once(), second.once())):
            pass
        assert [fake.heard(reference) for reference in references] == [["I am on Dock Street", "third floor"]] * 4
        assert {parcel.state for parcel in rows(service, OutsideParcel)} == {"sent"}
        assert len(rows(service, OutsideEvent)) == 4
    service.close()
    fake.stop()


async def test_taking_and_giving_back_are_said_on_their_own(tmp_path: Path, sqlite_url: str) -> None:
    fake = FakeWebhookDesk()
    service = assemble(Settings(data_dir=tmp_path, database_url=sqlite_url, **fake.settings()), with_assistant=False)
    app = create_app(service.settings, address="http://testserver", service=service)
    async with running(app) as client:
        city = City(service, fake, client)
        writer = city.resident()
        reference = str((await writer.says("agent")).conversation)
        async with asyncio.timeout(PATIENCE):
            while not fake.opened(reference):
                await asyncio.sleep(0.02)
        assert (await city.hears(fake.event(reference, "taken"))).json() == {"result": "done"}
        assert writer.conversation().owner == "agent"
        assert (await city.hears(fake.event(reference, "returned"))).json() == {"result": "done"}
        assert writer.conversation().owner == "bot"
        assert city.told() == ["system.with_agent_named", "system.returned_to_bot"]
    service.close()
    fake.stop()


def test_the_doctor_says_whether_it_answers(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeChatwoot()
    environment = {"data_dir": tmp_path, "database_url": sqlite_url, "public_url": "https://311.example.gov", **fake.settings()}
    for name, value in environment.items():
        monkeypatch.setenv(f"SPILLWAY_{name.upper()}", str(value))
    said = " ".join(CliRunner().invoke(program, ["doctor"]).output.split())
    assert "chatwoot: The inbox Spillway answers." in said
    assert "/outside/chatwoot" in said
    fake.stop()
    from server.settings import get_settings

    get_settings.cache_clear()
    said = " ".join(CliRunner().invoke(program, ["doctor"]).output.split())
    assert "does not answer: no connection" in said
