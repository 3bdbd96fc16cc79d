"""What is kept how long, on SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from pydantic import ValidationError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from desk.models import DeskNote, Handoff
from server import clock
from server.assembly import Service
from server.audit.models import AuditRow
from server.audit.service import first_break
from server.blocks.models import Block
from server.conversations.models import Claim, Conversation, Turn
from server.conversations.turn import Channel
from server.database.engine import reading
from server.http.deps import ChannelDeps
from server.outbox.models import OutboundMessage
from server.requests.kinds import fill
from server.requests.models import ServiceRequest
from server.requests.service import make, move
from server.retention.rounds import Retention, purge
from server.retention.rules import Kind, Rules
from server.settings import Settings
from server.voicemail.models import Voicemail
from tests.server.cli.conftest import Command, command
from tests.server.harness import Resident, rows

__all__ = ["command"]
RULES = Rules({Kind.WORDS: 100, Kind.NUMBERS: 50, Kind.RECORDINGS: 20})
START = "2026-01-10T12:00:00Z"
SECRET = "my number is 212 555 0188 and the key is under the mat"


def at(days: float) -> time_machine.travel:
    """So many days after the start."""
    return time_machine.travel(clock.now().fromisoformat(START) + timedelta(days=days), tick=False)


async def talked(service: Service, **more: Any) -> Resident:
    """A conversation with everything in it, as it was at the start."""
    with at(0):
        who = Resident(service.spine, **more)
        await who.says("where is a shelter near 12 Canal St", contact=service.keys.seal("+12125550188"))
        await who.says(SECRET, contact=service.keys.seal("+12125550188"))
    return who


def changed(service: Service, who: Resident, change: Callable[[Session, Conversation], None]) -> None:
    with service.sessions.begin() as session:
        change(session, session.get_one(Conversation, who.conversation().id))


def run(service: Service, *, rules: Rules = RULES, dry_run: bool = False) -> dict[str, int]:
    return dict(purge(service.sessions, rules=rules, actor="tests", dry_run=dry_run))


def everything(service: Service) -> str:
    """All that is stored of residents, as one text."""
    tables = (Conversation, Turn, OutboundMessage, Claim, Handoff, DeskNote, ServiceRequest, Voicemail, Block)
    with reading(service.sessions) as session:
        found = [str(tuple(row)) for table in tables for row in session.execute(select(table.__table__))]
    return "\n".join(found)


async def test_words_and_numbers_go_when_their_time_is_over(either_service: Service) -> None:
    service = either_service
    who = await talked(service)
    key, person, contact = who.key, who.person, who.conversation().contact
    assert contact
    with at(49):
        assert run(service) == {}
    with at(51):
        counts = run(service)
        assert counts == {"conversations_numbers": 1, "claims": 2}
        for gone in (key, person, contact):
            assert gone not in everything(service)
        assert [turn.text for turn in rows(service, Turn)][1] == SECRET, "the words stay until theirs"
        assert run(service) == {}
    with at(101):
        counts = run(service)
        assert counts["turns"] == counts["texts"] == 2
        assert "Canal" not in everything(service)
        assert "0188" not in everything(service)
        assert run(service) == {}
    turns = rows(service, Turn)
    assert (turns[0].topic, bool(turns[0].message_ids)) == ("shelter_locations", True), "what was done stays"
    (left,) = rows(service, Conversation)
    assert (left.owner, left.active_key, left.reference[:3]) == ("closed", None, "HC-")
    acts = [row.action for row in rows(service, AuditRow) if row.action.startswith("retention.")]
    assert acts == ["retention.numbers", "retention.words"]
    with reading(service.sessions) as session:
        assert first_break(session) is None


async def test_a_dry_run_counts_the_same_and_changes_nothing(either_service: Service) -> None:
    await talked(either_service)
    before = everything(either_service)
    with at(200):
        counted = run(either_service, dry_run=True)
        assert everything(either_service) == before
        assert not [row for row in rows(either_service, AuditRow) if row.action.startswith("retention.")]
        assert run(either_service) == counted


def deps_of(service: Service) -> ChannelDeps:
    return ChannelDeps(service.settings, service.spine, service.library, service.keys, service.sessions, service.wake)


def _queued(_session: Session, conversation: Conversation) -> None:
    conversation.owner = "queued"


def _with_an_agent(_session: Session, conversation: Conversation) -> None:
    conversation.owner = "agent"


def _call_back(session: Session, conversation: Conversation) -> None:
    now = conversation.opened_at
    packet = {"last_message": SECRET}
    session.add(
        Handoff(
            conversation_id=conversation.id, reason="x", priority=2, state="callback", state_at=now, queued_at=now, packet=packet
        )
    )


def _unheard(session: Session, conversation: Conversation) -> None:
    session.add(
        Voicemail(
            conversation_id=conversation.id,
            recording="RE1",
            seconds=9,
            transcript="done",
            audio=b"x",
            received_at=conversation.opened_at,
        )
    )


def _unsent(session: Session, conversation: Conversation) -> None:
    session.execute(update(OutboundMessage).where(OutboundMessage.conversation_id == conversation.id).values(state="queued"))


def _unanswered(session: Session, conversation: Conversation) -> None:
    session.execute(update(Claim).where(Claim.conversation_id == conversation.id).values(state="received"))


def _requested(session: Session, conversation: Conversation) -> None:
    filled = fill("damage_report", {"address": "12 Canal St", "what": "roof"})
    make(session, conversation=conversation, kind="damage_report", filled=filled, made_by="ana")


def _noted_lately(session: Session, conversation: Conversation) -> None:
    session.add(
        DeskNote(
            conversation_id=conversation.id, kind="note", author="ana", text="x", at=conversation.opened_at + timedelta(days=195)
        )
    )


@pytest.mark.parametrize("change", [_queued, _with_an_agent, _call_back, _unheard, _unsent, _unanswered, _requested, _noted_lately])
async def test_what_is_not_over_is_never_touched(either_service: Service, change: Callable[[Session, Conversation], None]) -> None:
    who = await talked(either_service)
    with at(1):
        changed(either_service, who, change)
    before = everything(either_service)
    with at(200):
        assert run(either_service) == {"held_back": 1}
        assert everything(either_service) == before


async def test_what_an_agent_made_of_it_goes_too(either_service: Service) -> None:
    service = either_service
    who = await talked(service)

    def worked(session: Session, conversation: Conversation) -> None:
        now = clock.now()
        packet = {"reason": "user_request", "last_message": SECRET, "summary": SECRET, "slots": {"place": "12 Canal St"}}
        ended = {"state": "closed", "state_at": now, "queued_at": now, "packet": packet}
        session.add(Handoff(conversation_id=conversation.id, reason="x", priority=2, **ended))
        session.add(DeskNote(conversation_id=conversation.id, kind="note", author="ana", text=SECRET, at=now))
        filled = fill("callback", {"about": SECRET, "number": "212 555 0188"})
        sealed = service.keys.seal(str(filled.number))
        row = make(session, conversation=conversation, kind="callback", filled=filled, made_by="ana", contact=sealed)
        move(session, reference=row.reference, to="done", actor="ana")
        session.add(
            Voicemail(
                conversation_id=conversation.id,
                recording="RE7",
                seconds=9,
                transcript="done",
                audio=b"sealed sound",
                received_at=now,
                played_by="ana",
                played_at=now,
            )
        )

    with at(0):
        changed(service, who, worked)
    with at(21):
        assert run(service) == {"recordings": 1}
        (voicemail,) = rows(service, Voicemail)
        assert (voicemail.recording, voicemail.played_by) == (f"gone:{voicemail.id}", "ana")
    with at(200):
        counts = run(service)
    assert (counts["packets"], counts["notes"], counts["requests"]) == (1, 1, 1)
    left = everything(service)
    for gone in ("the mat", "Canal", "0188", "sealed sound", "RE7", who.key):
        assert gone not in left
    (request,) = rows(service, ServiceRequest)
    assert (request.fields, request.contact, request.person, request.state) == ({}, None, None, "done")


async def test_who_writes_again_opens_a_new_conversation(menu_service: Service) -> None:
    who = await talked(menu_service)
    with at(200):
        run(menu_service)
        reply = await who.says("where is a shelter")
        assert reply.topic == "shelter_locations"
        assert run(menu_service) == {}, "what is of today stays"
    assert len(rows(menu_service, Conversation)) == 2


async def test_many_go_in_batches_and_none_is_left(menu_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.retention.service.BATCH", 2)
    for _ in range(5):
        await talked(menu_service, channel=Channel.WEB)
    with at(200):
        assert run(menu_service)["conversations_words"] == 5
        assert run(menu_service) == {}
    assert {turn.text for turn in rows(menu_service, Turn)} == {""}


async def test_a_block_that_ended_forgets_whom(menu_service: Service) -> None:
    with at(0), menu_service.sessions.begin() as session:
        now = clock.now()
        for who, days in (("ended", 2), ("lasting", 500)):
            session.add(Block(who=who, reference="HC-X", reason=who, blocked_by="ana", blocked_at=now, until=now + timedelta(days)))
    with at(60):
        assert run(menu_service) == {"blocks": 1}
    assert sorted(block.reason for block in rows(menu_service, Block)) == ["", "lasting"]


async def test_a_hold_and_no_time_keep_everything(menu_service: Service) -> None:
    await talked(menu_service)
    with at(5000):
        assert run(menu_service, rules=Rules(RULES.days, hold=True)) == {}
        assert run(menu_service, rules=Rules({})) == {}


def test_the_command_counts_and_removes(command: Command, menu_service: Service) -> None:
    assert "nothing: 0" in command("db", "purge").output
    asyncio.run(talked(menu_service))
    with at(2000):
        for arguments, first in ((["--dry-run"], "Would remove:"), ([], "Removed:")):
            said = command("db", "purge", *arguments).output
            assert said.startswith(first)
            assert "turns: 2" in said
        assert "nothing: 0" in command("db", "purge").output
    assert SECRET not in everything(menu_service)
    assert [row.actor for row in rows(menu_service, AuditRow, AuditRow.action == "retention.words")] == ["command line"]


async def test_the_service_does_it_by_itself(menu_service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.retention.rounds.FIRST", 0.0)
    monkeypatch.setattr("server.retention.rounds.BREATH", 0.0)
    await talked(menu_service)
    with at(2000):
        stop = asyncio.Event()
        going = asyncio.create_task(Retention(deps_of(menu_service)).run(stop))
        while SECRET in everything(menu_service):
            await asyncio.sleep(0)
        stop.set()
        await going


def test_the_settings_name_the_times() -> None:
    assert Rules.of(Settings()).days == {Kind.WORDS: 1095, Kind.NUMBERS: 365, Kind.RECORDINGS: 90}
    settings = Settings(keep_words_days=0, keep_numbers_days=30, keep_hold=True)
    assert Rules.of(settings) == Rules({Kind.NUMBERS: 30, Kind.RECORDINGS: 90}, hold=True)
    for days in (-1, 1, 6):
        with pytest.raises(ValidationError, match="keep_words_days"):
            Settings(keep_words_days=days)
    now = clock.now()
    assert Rules({Kind.WORDS: 1}).before(Kind.WORDS, now) == now - timedelta(days=7), "nothing of the last days, whatever is set"
