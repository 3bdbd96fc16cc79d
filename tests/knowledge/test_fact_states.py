"""The states of facts: which are said, what goes without saying, and changes by one tap."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

import knowledge.models  # noqa: F401
from knowledge import changes, fact_edits
from knowledge.fact_edits import SPANS, Stale, latest_act, put_back, set_status, still_true, token
from knowledge.facts import LISTS, STATUSES, TYPES, FactBook, checked_data, is_said, status_of
from knowledge.models import FactRow
from knowledge.records import Fact
from knowledge.store import current_revision
from server import clock
from server.database.base import Base
from server.database.engine import Sessions, make_engine, make_sessions
from server.errors import BadInput, NotFound
from tests.knowledge.conftest import NOW

PLACEHOLDER = {type_: placeholder for placeholder, type_ in LISTS.items()}
NOTICE: dict[str, Any] = {"name": "Oak Street", "text": {"en": "Oak Street, all of it"}}
Make = Callable[..., FactRow]


def heard(type_: str, **data: Any) -> bool:
    book = FactBook([Fact(type_, "a", checked_data(type_, NOTICE | data, where="x"), NOW, NOW + timedelta(hours=1))])
    return book.listed(PLACEHOLDER[type_], language="en", now=NOW, zip_code=None, zone=None) is not None


@pytest.mark.parametrize(
    ("type_", "said", "unsaid"),
    [
        ("shelter", {"open", "limited"}, {"full", "closed"}),
        ("cooling_center", {"open", "limited"}, {"full", "closed"}),
        ("road_closure", {"closed", "limited"}, {"open"}),
        ("evacuation_order", {"mandatory", "voluntary"}, {"lifted"}),
        ("evacuation_route", {"open", "limited"}, {"closed"}),
        ("rumor", {"open"}, {"lifted"}),
        ("event", {"open"}, {"lifted"}),
    ],
)
def test_what_is_said_in_which_state(type_: str, said: set[str], unsaid: set[str]) -> None:
    assert said | unsaid == set(STATUSES[type_])
    assert {status for status in STATUSES[type_] if heard(type_, status=status)} == said
    assert {status for status in STATUSES[type_] if is_said(type_, status)} == said
    assert heard(type_), "a fact without a state is in force"


@pytest.mark.parametrize("type_", sorted(STATUSES))
def test_a_state_survives_being_stored(type_: str) -> None:
    for status in STATUSES[type_]:
        once = checked_data(type_, NOTICE | {"status": status}, where="x")
        assert status_of(type_, once) == status
        assert checked_data(type_, once, where="x") == once


@pytest.mark.parametrize(
    ("type_", "status"), [("shelter", "mandatory"), ("road_closure", "full"), ("rumor", "closed"), ("zone", "full")]
)
def test_a_state_of_another_type_is_refused(type_: str, status: str) -> None:
    with pytest.raises(BadInput, match="status must be one of"):
        checked_data(type_, NOTICE | {"status": status}, where="x")


def test_every_type_says_how_long_it_holds() -> None:
    assert set(SPANS) == TYPES


@pytest.fixture
def make(sessions: Sessions) -> Make:
    def add(type_: str = "shelter", **data: Any) -> FactRow:
        now = clock.now()
        with sessions.begin() as session:
            return changes.put_fact(
                session, type=type_, key="a", data=NOTICE | data, source="desk", owner="eoc", as_of=now - timedelta(hours=1),
                expires_at=now + timedelta(hours=1), actor="ana",
            )  # fmt: skip

    return add


def test_a_tap_renews_and_never_shortens(sessions: Sessions, make: Make) -> None:
    row = make()
    with sessions.begin() as session:
        done = set_status(session, type="shelter", key="a", status="full", seen=token(row), actor="bo")
        assert done.expires_at >= clock.now() + SPANS["shelter"] - timedelta(minutes=1)
        done.expires_at = far = clock.now() + timedelta(days=9)
        session.flush()
        assert still_true(session, type="shelter", key="a", seen=token(done), actor="bo").expires_at == far


def test_the_same_tap_twice_is_one_change(sessions: Sessions, make: Make) -> None:
    row = make()
    old = token(row)
    for _ in range(2):
        with sessions.begin() as session:
            set_status(session, type="shelter", key="a", status="full", seen=old, actor="bo")
    with sessions() as session:
        assert current_revision(session) == 2


def test_an_old_page_does_not_renew_by_chance(sessions: Sessions, make: Make) -> None:
    old = token(make())
    with sessions.begin() as session:
        row = set_status(session, type="shelter", key="a", status="full", seen=old, actor="bo")
        row.expires_at = clock.now() - timedelta(minutes=1)
    with sessions.begin() as session, pytest.raises(Stale):
        set_status(session, type="shelter", key="a", status="full", seen=old, actor="bo")


def test_what_nobody_may_tap(sessions: Sessions, make: Make) -> None:
    row = make()
    with sessions.begin() as session:
        with pytest.raises(BadInput):
            set_status(session, type="shelter", key="a", status="lifted", seen=token(row), actor="bo")
        with pytest.raises(BadInput):
            set_status(session, type="zone", key="a", status="open", seen=token(row), actor="bo")
        with pytest.raises(Stale):
            still_true(session, type="shelter", key="b", seen=token(row), actor="bo")
        with pytest.raises(NotFound):
            put_back(session, type="shelter", key="a", act=999, seen=token(row), actor="bo")


def snapshot(session: Session) -> dict[str, Any] | None:
    row = fact_edits.find_fact(session, type="shelter", key="a")
    return None if row is None else changes.fact_seen(row)


@given(acts=st.lists(st.sampled_from(["open", "limited", "full", "closed", "still", "remove", "undo"]), max_size=12))
def test_undo_restores_exactly_what_stood_before(acts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = make_engine(f"sqlite:///{Path(tmp_path_factory.mktemp('undo')) / 'a.db'}")
    Base.metadata.create_all(engine, tables=[Base.metadata.tables[name] for name in ("facts", "knowledge_revision", "audit")])
    sessions = make_sessions(engine)
    past: list[dict[str, Any] | None] = [None]
    with sessions.begin() as session:
        now = clock.now()
        changes.put_fact(session, type="shelter", key="a", data={"name": "Oak"}, source="s", owner="o", as_of=now,
                         expires_at=now + timedelta(hours=1), actor="ana")  # fmt: skip
    for act in acts:
        with sessions.begin() as session:
            row, before = fact_edits.find_fact(session, type="shelter", key="a"), snapshot(session)
            seen, latest = token(row) if row else "", latest_act(session, type="shelter", key="a")
            if act == "undo":
                assert latest is not None
                put_back(session, type="shelter", key="a", act=latest, seen=seen, actor="bo")
                assert snapshot(session) == past[-1]
            elif row is None:
                continue
            elif act == "remove":
                changes.remove_fact(session, type="shelter", key="a", actor="bo", reason="x")
            elif act == "still":
                still_true(session, type="shelter", key="a", seen=seen, actor="bo")
            else:
                set_status(session, type="shelter", key="a", status=act, seen=seen, actor="bo")
            past.append(before)
    engine.dispose()
