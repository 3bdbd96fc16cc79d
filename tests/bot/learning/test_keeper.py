"""Each process takes over the model that was promoted; one that does not load changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.learning import service as learning
from bot.learning.keeper import ModelKeeper
from bot.learning.models import ModelFile, ModelRow
from knowledge.changes import bump_revision
from knowledge.models import TopicRow
from server.alerts.models import Alert
from server.assembly import Service
from tests.server.harness import Resident, rows

KEPT = ("shelter_locations", "shelter_pets", "boil_water_notice")


def another_process(service: Service, folder: Path) -> ModelKeeper:
    assert service.assistant is not None
    return replace(service.keeper, models_dir=folder)


def promoted(service: Service, content: bytes) -> int:
    with service.sessions.begin() as session:
        learning.ask_for(session, kind="topics", actor="ana")
        row = learning.take_up(session)
        assert row is not None
        learning.finish(session, model_id=row.id, report={"open": True, "reasons": []}, content=content)
        learning.promote(session, model_id=row.id, actor="sue", beginning=service.keeper.beginning())
        return row.id


async def test_two_processes_take_over_a_promoted_model_and_return(service: Service, tmp_path: Path) -> None:
    assert service.assistant is not None
    one, two = another_process(service, tmp_path / "one"), another_process(service, tmp_path / "two")
    content = service.keeper.beginning()
    assert content is not None
    assert not await asyncio.to_thread(one.follow)
    model = promoted(service, content)
    agents = [service.assistant.agent]
    for keeper in (one, two):
        assert await asyncio.to_thread(keeper.follow)
        assert keeper.loaded == model
        assert not await asyncio.to_thread(keeper.follow)
        agents.append(service.assistant.agent)
    assert len({id(agent) for agent in agents}) == 3
    assert (await Resident(service.spine).says("where can I find a shelter")).topic == "shelter_locations"
    with service.sessions.begin() as session:
        back = learning.go_back(session, actor="sue").id
    assert await asyncio.to_thread(one.follow)
    assert one.loaded == back


async def test_a_model_that_does_not_load_leaves_the_old_one_and_tells_staff_once(service: Service, tmp_path: Path) -> None:
    assert service.assistant is not None
    keeper, agent = another_process(service, tmp_path), service.assistant.agent
    promoted(service, b"no model at all")
    for _ in range(3):
        assert not await asyncio.to_thread(keeper.follow)
    assert service.assistant.agent is agent
    assert [alert.kind for alert in rows(service, Alert)] == ["model_not_loaded"]
    assert (await Resident(service.spine).says("where can I find a shelter")).topic == "shelter_locations"


async def test_all_examples_are_tested_in_a_process_of_its_own(service: Service) -> None:
    with service.sessions.begin() as session:
        session.execute(update(TopicRow).where(TopicRow.intent.not_in(KEPT)).values(active=False))
        bump_revision(session)
        row = learning.ask_for(session, kind="check", actor="ana")
        learning.take_up(session)
        model_id = row.id
    await service.keeper.work(model_id, asyncio.Event())
    with service.sessions() as session:
        row = learning.get(session, model_id=model_id)
        assert (row.state, row.error) == ("checked", None)
        report = row.report
        assert session.scalar(select(ModelFile.model_id)) is None
    assert report is not None
    found = report["figures"]["examples"]["after"]
    assert found["found"] > 0.9 * sum(found.values())
    assert {change["intent"] for change in report["lost"]} <= set(KEPT)


async def test_work_is_handed_on_when_the_process_stops(service: Service) -> None:
    with service.sessions.begin() as session:
        model_id = learning.ask_for(session, kind="check", actor="ana").id
        learning.take_up(session)
    stop = asyncio.Event()
    stop.set()
    await service.keeper.work(model_id, stop)
    assert [row.state for row in rows(service, ModelRow)] == ["queued"]


@pytest.mark.parametrize("content", [b"", b"not an archive"])
async def test_work_on_a_broken_live_model_fails_with_a_word(service: Service, tmp_path: Path, content: bytes) -> None:
    keeper = another_process(service, tmp_path)
    (tmp_path / "broken.tar.gz").write_bytes(content)
    with service.sessions.begin() as session:
        model_id = learning.ask_for(session, kind="check", actor="ana").id
        learning.take_up(session)
    await keeper.work(model_id, asyncio.Event())
    failed = rows(service, ModelRow)[0]
    assert failed.state == "failed"
    assert "cannot be read" in (failed.error or "")
