"""Drafts that several people write in, corrections, and roll-backs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from knowledge import editing, lifecycle
from knowledge.editing import MAX_TEXT, ChangedMeanwhile, Edit
from knowledge.lifecycle import State, Wording, transition
from knowledge.models import MessageVersion, search_words
from server.audit.models import AuditRow
from server.database.engine import Sessions
from server.errors import BadInput, Conflict, Forbidden, NotFound

NOW = datetime(2026, 9, 14, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def texts(words: str) -> dict[str, dict[str, str]]:
    return {"en": dict.fromkeys(("sms", "web", "voice"), words)}


WORDING = Wording("x.general", texts("Go."), "emergency_management", "A source", "x")
EDIT = Edit(texts("Stay."), "emergency_management", "A source", (), None, LATER, 0, "aaaaaaaa")


@pytest.fixture(autouse=True)
def stopped() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def drafted(sessions: Sessions) -> int:
    with sessions.begin() as session:
        return lifecycle.draft(session, wording=WORDING, author="ana").id


def published(sessions: Sessions, words: str) -> int:
    with sessions.begin() as session:
        version = lifecycle.draft(session, wording=replace(WORDING, texts=texts(words)), author="ana")
        return editing.publish(session, version_id=version.id, actor="bo", single_person_allowed=True, expires_at=LATER).id


def saved(sessions: Sessions, version_id: int, change: Edit, actor: str) -> MessageVersion:
    with sessions.begin() as session:
        return editing.edit(session, version_id=version_id, change=change, actor=actor)


def test_a_save_that_did_not_see_the_one_before_is_refused(sessions: Sessions) -> None:
    version_id = drafted(sessions)
    saved(sessions, version_id, EDIT, "ana")
    with pytest.raises(ChangedMeanwhile) as error:
        saved(sessions, version_id, replace(EDIT, texts=texts("Leave."), page="bbbbbbbb"), "bo")
    assert error.value.by == "ana"
    with sessions() as session:
        row = session.get_one(MessageVersion, version_id)
        assert (row.texts["en"]["sms"], row.edits, row.writers) == ("Stay.", 1, ["ana"])
    after = saved(sessions, version_id, replace(EDIT, texts=texts("Leave."), edits=1, page="bbbbbbbb"), "bo")
    assert (after.texts["en"]["sms"], after.writers) == ("Leave.", ["ana", "bo"])


def test_a_page_whose_answer_was_lost_saves_again(sessions: Sessions) -> None:
    version_id = drafted(sessions)
    saved(sessions, version_id, EDIT, "ana")
    assert saved(sessions, version_id, replace(EDIT, texts=texts("Stay in.")), "ana").texts["en"]["sms"] == "Stay in."
    with pytest.raises(ChangedMeanwhile):
        saved(sessions, version_id, replace(EDIT, page=None), "ana")


@given(order=st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=12))
def test_no_save_of_two_pages_is_ever_overwritten_unseen(
    tmp_path_factory: pytest.TempPathFactory, order: list[tuple[str, bool]]
) -> None:
    """A page that looks anew before it saves is taken; one that does not is taken only if it was the last to save."""
    from server.database.base import Base
    from server.database.engine import make_engine, make_sessions

    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('e')}/x.db")
    names = ("message_versions", "message_finds", "audit", "knowledge_revision")
    Base.metadata.create_all(engine, tables=[Base.metadata.tables[name] for name in names])
    sessions = make_sessions(engine)
    version_id, seen, stored, last = drafted(sessions), {"a": 0, "b": 0}, 0, ""
    for page, looks in order:
        seen[page] = stored if looks else seen[page]
        change = replace(EDIT, texts=texts(f"{page} {stored}"), edits=seen[page], page=page * 8)
        if seen[page] == stored or last == page:
            assert saved(sessions, version_id, change, page).texts["en"]["sms"] == f"{page} {stored}"
            stored, last = stored + 1, page
        else:
            with pytest.raises(ChangedMeanwhile):
                saved(sessions, version_id, change, page)
    engine.dispose()


@pytest.mark.parametrize("state", [state for state in State if state is not State.DRAFT])
def test_words_never_change_once_submitted(sessions: Sessions, state: State) -> None:
    version_id = drafted(sessions)
    with sessions.begin() as session:
        session.get_one(MessageVersion, version_id).state = state.value
    with pytest.raises(Conflict):
        saved(sessions, version_id, EDIT, "ana")
    with sessions() as session:
        assert session.get_one(MessageVersion, version_id).texts == texts("Go.")


@pytest.mark.parametrize(
    "change",
    [
        replace(EDIT, texts={"es": {"sms": "Quédese."}}),
        replace(EDIT, texts=texts("   ")),
        replace(EDIT, texts=texts("x" * (MAX_TEXT + 1))),
        replace(EDIT, owner=" "),
        replace(EDIT, source=""),
        replace(EDIT, phases=("tomorrow",)),
    ],
)
def test_what_cannot_be_kept_changes_nothing(sessions: Sessions, change: Edit) -> None:
    version_id = drafted(sessions)
    with pytest.raises(BadInput):
        saved(sessions, version_id, change, "ana")
    with sessions() as session:
        assert session.get_one(MessageVersion, version_id).texts == texts("Go.")
    with pytest.raises(NotFound):
        saved(sessions, 999, EDIT, "ana")


def test_nobody_who_wrote_in_it_approves_it(sessions: Sessions) -> None:
    version_id = drafted(sessions)
    saved(sessions, version_id, EDIT, "bo")
    with sessions.begin() as session:
        transition(session, version_id=version_id, to=State.IN_REVIEW, actor="ana")
        for writer in ("ana", "bo"):
            with pytest.raises(Forbidden):
                transition(session, version_id=version_id, to=State.APPROVED, actor=writer)
        transition(session, version_id=version_id, to=State.APPROVED, actor="cy")


def test_the_audit_proves_which_words_were_approved(sessions: Sessions) -> None:
    version_id = drafted(sessions)
    with sessions.begin() as session:
        transition(session, version_id=version_id, to=State.IN_REVIEW, actor="ana")
        transition(session, version_id=version_id, to=State.APPROVED, actor="bo")
        prints = {row.detail["words"] for row in session.query(AuditRow).filter(AuditRow.action != "message.draft")}
        assert prints == {lifecycle.fingerprint(texts("Go."))}
    assert lifecycle.fingerprint(texts("Go.")) != lifecycle.fingerprint(texts("Go"))


def test_an_older_version_is_not_published_unheard(sessions: Sessions) -> None:
    first, _second = drafted(sessions), published(sessions, "Two.")
    with sessions.begin() as session, pytest.raises(Conflict):
        editing.publish(session, version_id=first, actor="bo", single_person_allowed=True, expires_at=LATER)


def test_a_roll_back_says_the_earlier_words_as_a_new_version(sessions: Sessions) -> None:
    first = published(sessions, "One.")
    second = published(sessions, "Two.")
    with sessions.begin() as session:
        made = editing.roll_back(session, message_id="x.general", version_id=first, actor="bo", single_person_allowed=True)
        assert (made.version, made.state, made.texts) == (3, "published", texts("One."))
        assert session.get_one(MessageVersion, second).state == "expired"
        assert session.get_one(MessageVersion, first).state == "expired"


def test_a_roll_back_of_a_protective_action_waits_for_somebody_else(sessions: Sessions) -> None:
    first, second = published(sessions, "One."), published(sessions, "Two.")
    with sessions.begin() as session:
        made = editing.roll_back(session, message_id="x.general", version_id=first, actor="bo", single_person_allowed=False)
        assert made.state == "in_review"
        assert session.get_one(MessageVersion, second).state == "published"
        with pytest.raises(Forbidden):
            editing.publish(session, version_id=made.id, actor="bo", single_person_allowed=False, expires_at=LATER)


def test_what_was_withdrawn_or_never_said_does_not_come_back(sessions: Sessions) -> None:
    first = published(sessions, "One.")
    second = published(sessions, "Two.")
    with sessions.begin() as session:
        transition(session, version_id=second, to=State.WITHDRAWN, actor="bo", reason="wrong")
        found = editing.earlier(session, message_id="x.general")
        assert found is not None
        assert found.id == first
        with pytest.raises(Conflict):
            editing.roll_back(session, message_id="x.general", version_id=second, actor="bo", single_person_allowed=True)
        coming = editing.begin_from(session, version_id=first, actor="ana")
        soon = NOW + timedelta(hours=1)
        editing.publish(session, version_id=coming.id, actor="bo", single_person_allowed=True, valid_from=soon, expires_at=LATER)
        last = editing.begin_from(session, version_id=first, actor="ana")
        editing.publish(session, version_id=last.id, actor="bo", single_person_allowed=True, expires_at=LATER)
        assert coming.state == "expired", "replaced before it began"
        found = editing.earlier(session, message_id="x.general")
        assert found is not None
        assert found.id == first


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("¡Hervir el AGUA, el agua!", "hervir el agua"),
        ("Dlo a pa bon", "dlo a pa bon"),
        ("请 911", "请 911"),
        ("{water_phone}", "water_phone"),
        ("", ""),
    ],
)
def test_words_to_be_found_by(text: str, words: str) -> None:
    assert search_words(text) == words
