"""From the wish for a training to the model that answers, and back, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.learning import service
from bot.learning.data import learning_data
from bot.learning.files import live_copy, local_copy
from bot.learning.models import ModelFile, ModelRow
from bot.learning.states import TRANSITIONS, State, move
from knowledge.models import TopicRow
from server import clock
from server.audit.models import AuditRow
from server.database.engine import Sessions, make_engine, make_sessions
from server.errors import BadInput, Conflict, NotFound, NotReady

OPEN = {"open": True, "reasons": []}
CLOSED = {"open": False, "reasons": ["topics_lost"]}


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def sessions(request: pytest.FixtureRequest) -> Iterator[Sessions]:
    engine = make_engine(request.getfixturevalue(request.param))
    yield make_sessions(engine)
    engine.dispose()


def trained(sessions: Sessions, content: bytes, report: dict[str, object] = OPEN) -> int:
    with sessions.begin() as session:
        service.ask_for(session, kind="topics", actor="ana")
        row = service.take_up(session)
        assert row is not None
        service.finish(session, model_id=row.id, report=report, content=content)
        return row.id


def test_a_training_from_wish_to_answering_and_back(sessions: Sessions, tmp_path: Path) -> None:
    first = trained(sessions, b"one")
    with sessions.begin() as session:
        assert service.live_id(session) is None
        service.promote(session, model_id=first, actor="sue", beginning=b"zero")
        assert service.live_id(session) == first
    second = trained(sessions, b"two")
    with sessions.begin() as session:
        service.promote(session, model_id=second, actor="sue")
        assert [row.state for row in service.recent(session)] == ["live", "retired", "retired"]
        found = live_copy(session, models_dir=tmp_path)
        assert found is not None
        assert (found[0], found[1].read_bytes()) == (second, b"two")
    with sessions.begin() as session:
        assert service.go_back(session, actor="sue").id == first
    with sessions.begin() as session:
        before = service.previous(session)
        assert before is not None
        assert before.id == second
        acts = session.scalars(select(AuditRow.action).where(AuditRow.action.startswith("model.")).order_by(AuditRow.id)).all()
    assert acts.count("model.live") == 3
    assert acts.count("model.asked_topics") == 2


def test_going_back_from_the_first_training_leads_to_the_beginning(sessions: Sessions) -> None:
    first = trained(sessions, b"one")
    with sessions.begin() as session:
        service.promote(session, model_id=first, actor="sue", beginning=b"zero")
    with sessions.begin() as session:
        row = service.go_back(session, actor="sue")
        assert row.kind == "start"
        stored = session.get(ModelFile, row.id)
        assert stored is not None
        assert stored.content == b"zero"


def test_a_closed_gate_takes_a_written_reason(sessions: Sessions) -> None:
    model = trained(sessions, b"one", CLOSED)
    with sessions() as session, pytest.raises(BadInput):
        service.promote(session, model_id=model, actor="sue", reason="  ")
    with sessions.begin() as session:
        row = service.promote(session, model_id=model, actor="sue", reason="The lost topic is over.")
        assert row.reason == "The lost topic is over."
        act = session.scalars(select(AuditRow).where(AuditRow.action == "model.live")).one()
        assert act.detail["reason"] == "The lost topic is over."


def test_one_wish_that_waits_is_enough_and_one_training_at_a_time(sessions: Sessions) -> None:
    with sessions.begin() as session:
        first = service.ask_for(session, kind="topics", actor="ana")
        assert service.ask_for(session, kind="topics", actor="ben").id == first.id
        assert service.ask_for(session, kind="check", actor="ben").id != first.id
        taken = service.take_up(session)
        assert taken is not None
        assert taken.id == first.id
        assert service.take_up(session) is None


def test_one_in_work_is_enough_until_what_it_learns_from_or_is_compared_with_changes(sessions: Sessions) -> None:
    other = trained(sessions, b"one")
    with sessions.begin() as session:
        first = service.ask_for(session, kind="topics", actor="ana")
        service.take_up(session)
        assert service.on_its_way(session, kind="topics") is None, "it may have been taken up before it read the latest words"
        service.note_data(session, model_id=first.id, mark=learning_data(session).mark(live=service.live_id(session)))
        assert service.ask_for(session, kind="topics", actor="ben").id == first.id
        assert service.on_its_way(session, kind="check") is None
    with sessions.begin() as session:
        topic = session.get_one(TopicRow, "shelter_pets")
        topic.data = {**topic.data, "examples": {"en": ["may my iguana come along"]}}
        assert service.on_its_way(session, kind="topics") is None, "new words are not in the one in work"
        session.rollback()
    with sessions.begin() as session:
        assert service.on_its_way(session, kind="topics") is not None
        service.promote(session, model_id=other, actor="sue")
        second = service.ask_for(session, kind="topics", actor="ben").id
        assert second != first.id, "it would be compared with another model"
        assert service.ask_for(session, kind="topics", actor="cy").id == second


def test_two_who_ask_at_the_same_moment_ask_for_one(sessions: Sessions) -> None:
    together = threading.Barrier(2)

    def ask() -> int:
        together.wait()
        with sessions.begin() as session:
            return service.ask_for(session, kind="topics", actor="ana").id

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask) for _ in range(2)]
        assert len({one.result() for one in asked}) == 1


def test_work_that_is_left_behind_while_the_same_waits_is_given_up(sessions: Sessions) -> None:
    with sessions.begin() as session:
        left = service.ask_for(session, kind="topics", actor="ana")
        service.take_up(session)
        waiting = service.ask_for(session, kind="topics", actor="ben")
        service.hand_on(session, model_id=left.id)
        assert (left.state, left.error, waiting.state) == ("failed", "stopped", "queued")


def test_work_whose_process_died_is_given_up_and_the_next_begun(sessions: Sessions) -> None:
    with sessions.begin() as session:
        lost = service.ask_for(session, kind="topics", actor="ana")
        service.take_up(session)
        lost.beat_at = clock.now() - service.SILENT_FOR - timedelta(seconds=1)
        waiting = service.ask_for(session, kind="topics", actor="ana")
        taken = service.take_up(session)
        assert taken is not None
        assert (taken.id, lost.state, lost.error) == (waiting.id, "failed", "stopped")
        with pytest.raises(Conflict):
            service.beat(session, model_id=lost.id, step="learning", progress=0.5)


def test_work_that_is_handed_on_waits_again(sessions: Sessions) -> None:
    with sessions.begin() as session:
        row = service.ask_for(session, kind="topics", actor="ana")
        service.take_up(session)
        service.beat(session, model_id=row.id, step="learning", progress=0.5)
        service.hand_on(session, model_id=row.id)
        assert (row.state, row.progress) == ("queued", 0.0)


def test_few_files_are_kept(sessions: Sessions) -> None:
    for number in range(service.KEPT_FILES + 3):
        model = trained(sessions, bytes([number]))
        with sessions.begin() as session:
            service.promote(session, model_id=model, actor="sue")
    with sessions.begin() as session:
        assert session.scalar(select(func.count()).select_from(ModelFile)) == service.KEPT_FILES + 1
        oldest = session.scalars(select(ModelRow).order_by(ModelRow.id)).first()
        assert oldest is not None
        with pytest.raises(Conflict):
            service.promote(session, model_id=oldest.id, actor="sue")


def test_a_damaged_copy_is_fetched_again_and_a_damaged_original_refused(sessions: Sessions, tmp_path: Path) -> None:
    model = trained(sessions, b"good")
    with sessions.begin() as session:
        row = service.get(session, model_id=model)
        path = local_copy(session, row=row, models_dir=tmp_path)
        path.write_bytes(b"torn")
        assert local_copy(session, row=row, models_dir=tmp_path).read_bytes() == b"good"
        stored = session.get(ModelFile, model)
        assert stored is not None
        stored.content = b"torn"
        path.unlink()
        with pytest.raises(NotReady):
            local_copy(session, row=row, models_dir=tmp_path)


def test_nothing_to_go_back_to(sessions: Sessions) -> None:
    with sessions() as session, pytest.raises(NotFound):
        service.go_back(session, actor="sue")


@pytest.mark.parametrize(("start", "to"), [(start, to) for start in State for to in State if to not in TRANSITIONS[start]])
def test_moves_that_there_are_not(sqlite_url: str, start: State, to: State) -> None:
    engine = make_engine(sqlite_url)
    row = ModelRow(kind="topics", state=start.value, asked_by="ana", asked_at=clock.now())
    with make_sessions(engine)() as session, pytest.raises(Conflict):
        move(session, row=row, to=to, actor="ana")
    engine.dispose()
