from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
import time_machine
from sqlalchemy import select

from knowledge import lifecycle
from knowledge.lifecycle import TRANSITIONS, State, Wording, transition
from knowledge.models import MessageVersion
from knowledge.store import current_revision
from server.audit.models import AuditRow
from server.audit.service import first_break
from server.database.engine import Sessions
from server.errors import BadInput, Conflict, Forbidden, NotFound

NOW = datetime(2026, 9, 14, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
TEXTS = {"en": {"sms": "Go.", "web": "Go.", "voice": "Go."}}
WORDING = Wording("x.general", TEXTS, "emergency_management", "A source", "x")

# Written out by hand, not derived: from each state, where a version may go.
ALLOWED = {
    ("draft", "in_review"), ("draft", "withdrawn"), ("draft", "published"),
    ("in_review", "approved"), ("in_review", "returned"), ("in_review", "withdrawn"), ("in_review", "published"),
    ("approved", "published"), ("approved", "returned"), ("approved", "withdrawn"),
    ("published", "expired"), ("published", "withdrawn"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def stopped() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def make(sessions: Sessions, state: str, wording: Wording = WORDING) -> int:
    with sessions.begin() as session:
        version = lifecycle.draft(session, wording=wording, author="ana")
        version.state = state
        if state == "published":
            version.valid_from, version.expires_at, version.published_at = NOW, LATER, NOW
        return version.id


@pytest.mark.parametrize(("start", "to"), list(product(State, State)))
def test_every_move(sessions: Sessions, start: State, to: State) -> None:
    version_id = make(sessions, start.value)
    with sessions.begin() as session:
        before = current_revision(session)
        if (start.value, to.value) not in ALLOWED:
            with pytest.raises(Conflict):
                transition(session, version_id=version_id, to=to, actor="bo", reason="r", expires_at=LATER, urgent=True)
            assert session.get_one(MessageVersion, version_id).state == start
            assert current_revision(session) == before
            return
        version = transition(session, version_id=version_id, to=to, actor="bo", reason="r", expires_at=LATER, urgent=True)
        assert version.state == to
        row = session.scalars(select(AuditRow).order_by(AuditRow.id.desc())).first()
        assert row is not None
        assert (row.action, row.subject, row.actor) == (f"message.{to.value}", "x.general@1", "bo")
        assert (current_revision(session) > before) == (State.PUBLISHED in (start, to))
        assert first_break(session) is None


def test_the_table_is_the_one_written_out() -> None:
    assert {(start.value, to.value) for start, ends in TRANSITIONS.items() for to in ends} == ALLOWED


@pytest.mark.parametrize("to", [State.RETURNED, State.WITHDRAWN])
@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_reason_is_needed(sessions: Sessions, to: State, reason: str | None) -> None:
    version_id = make(sessions, "in_review")
    with sessions.begin() as session, pytest.raises(BadInput):
        transition(session, version_id=version_id, to=to, actor="bo", reason=reason)


def test_a_different_person_approves(sessions: Sessions) -> None:
    version_id = make(sessions, "in_review")
    with sessions.begin() as session:
        with pytest.raises(Forbidden):
            transition(session, version_id=version_id, to=State.APPROVED, actor="ana")
        version = transition(session, version_id=version_id, to=State.APPROVED, actor="ana", single_person_allowed=True)
        assert (version.approver, version.approved_at) == ("ana", NOW)


@pytest.mark.parametrize("start", ["draft", "in_review"])
def test_the_override_must_be_meant_and_explained_and_reviewed(sessions: Sessions, start: str) -> None:
    version_id = make(sessions, start)
    with sessions.begin() as session:
        with pytest.raises(Conflict):
            transition(session, version_id=version_id, to=State.PUBLISHED, actor="sup", expires_at=LATER, reason="flood")
        with pytest.raises(BadInput):
            transition(session, version_id=version_id, to=State.PUBLISHED, actor="sup", expires_at=LATER, urgent=True)
        transition(session, version_id=version_id, to=State.PUBLISHED, actor="sup", expires_at=LATER, urgent=True, reason="flood")
        assert [row.id for row in lifecycle.overrides_to_review(session)] == [version_id]
        for same in ("sup", "ana"):
            with pytest.raises(Forbidden):
                lifecycle.review_override(session, version_id=version_id, reviewer=same)
        lifecycle.review_override(session, version_id=version_id, reviewer="bo")
        assert lifecycle.overrides_to_review(session) == []


@pytest.mark.parametrize(
    ("valid_from", "expires_at", "ok"),
    [
        (None, None, False),
        (None, NOW, False),
        (None, NOW + timedelta(seconds=1), True),
        (NOW + timedelta(hours=2), NOW + timedelta(hours=1), False),
        (NOW + timedelta(hours=1), NOW + timedelta(hours=2), True),
        (NOW - timedelta(hours=2), NOW - timedelta(hours=1), False),
    ],
)
def test_a_window_that_can_be_said(sessions: Sessions, valid_from: datetime | None, expires_at: datetime | None, ok: bool) -> None:
    version_id = make(sessions, "approved")
    with sessions.begin() as session:
        if ok:
            version = transition(
                session, version_id=version_id, to=State.PUBLISHED, actor="bo", valid_from=valid_from, expires_at=expires_at
            )
            assert (version.valid_from, version.expires_at) == (valid_from or NOW, expires_at)
        else:
            with pytest.raises(BadInput):
                transition(
                    session, version_id=version_id, to=State.PUBLISHED, actor="bo", valid_from=valid_from, expires_at=expires_at
                )


def test_a_new_version_ends_the_old_one(sessions: Sessions) -> None:
    first, second = make(sessions, "published"), make(sessions, "approved")
    with sessions.begin() as session:
        transition(session, version_id=second, to=State.PUBLISHED, actor="bo", expires_at=LATER)
        old = session.get_one(MessageVersion, first)
        assert (old.state, old.ended_at, old.texts) == ("expired", NOW, TEXTS)


def test_a_version_that_begins_later_leaves_the_old_one(sessions: Sessions) -> None:
    first, second = make(sessions, "published"), make(sessions, "approved")
    with sessions.begin() as session:
        transition(
            session, version_id=second, to=State.PUBLISHED, actor="bo", valid_from=NOW + timedelta(hours=1), expires_at=LATER
        )
        assert session.get_one(MessageVersion, first).state == "published"


def test_what_has_run_out_is_marked(sessions: Sessions, stopped: time_machine.Traveller) -> None:
    first = make(sessions, "published")
    stopped.move_to(LATER)
    with sessions.begin() as session:
        assert [version.id for version in lifecycle.expire_due(session)] == [first]
        assert lifecycle.expire_due(session) == []


def test_versions_count_up_and_unknown_ones_are_not_found(sessions: Sessions) -> None:
    make(sessions, "withdrawn")
    with sessions.begin() as session:
        assert lifecycle.draft(session, wording=WORDING, author="bo").reference == "x.general@2"
        with pytest.raises(NotFound):
            transition(session, version_id=99, to=State.IN_REVIEW, actor="bo")


@pytest.mark.parametrize(
    "wording",
    [
        Wording("x.a", {"es": TEXTS["en"]}, "o", "s"),
        Wording("x.a", TEXTS, "", "s"),
        Wording("x.a", TEXTS, "o", " "),
        Wording("x.a", TEXTS, "o", "s", phases=("never",)),
    ],
)
def test_a_draft_that_could_never_be_said(sessions: Sessions, wording: Wording) -> None:
    with sessions.begin() as session, pytest.raises(BadInput):
        lifecycle.draft(session, wording=wording, author="ana")
