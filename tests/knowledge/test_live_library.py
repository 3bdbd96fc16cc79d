from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import event, text

from knowledge import changes, library, lifecycle
from knowledge.library import Library, LiveLibrary, Situation, current_revision
from knowledge.lifecycle import State, Wording
from server import clock
from server.database.engine import Sessions

TEXTS = {"en": {"sms": "Go.", "web": "Go.", "voice": "Go."}}


def publish(sessions: Sessions, words: str) -> int:
    texts = {"en": dict.fromkeys(("sms", "web", "voice"), words)}
    with sessions.begin() as session:
        version = lifecycle.draft(session, wording=Wording("system.x", texts, "o", "s"), author="ana")
        for to in (State.IN_REVIEW, State.APPROVED):
            lifecycle.transition(session, version_id=version.id, to=to, actor="bo")
        expires_at = clock.now() + timedelta(days=1)
        return lifecycle.transition(session, version_id=version.id, to=State.PUBLISHED, actor="bo", expires_at=expires_at).id


def said(live: LiveLibrary) -> str:
    return live.get().say("system.x", Situation("en", "sms", clock.now())).text


def test_an_empty_database_is_served_with_the_shipped_words(sessions: Sessions) -> None:
    live = LiveLibrary(sessions)
    assert live.last_good.topics
    assert "911" in live.get().say("card.emergency", Situation("en", "sms", clock.now())).text


def test_a_publication_is_said_at_once_and_a_withdrawal_too(sessions: Sessions) -> None:
    publish(sessions, "one")
    live = LiveLibrary(sessions)
    first = live.get()
    assert said(live) == "one"
    assert live.get() is first
    second = publish(sessions, "two")
    assert said(live) == "two"
    assert live.last_good is not first
    assert first.say("system.x", Situation("en", "sms", clock.now())).text == "one"
    with sessions.begin() as session:
        lifecycle.transition(session, version_id=second, to=State.WITHDRAWN, actor="bo", reason="wrong")
    assert "system.x" not in live.get().message_ids


@pytest.mark.parametrize("change", ["fact", "city", "incident"])
def test_each_kind_of_change_is_noticed(sessions: Sessions, change: str) -> None:
    publish(sessions, "one")
    live = LiveLibrary(sessions)
    before = live.get().revision
    with sessions.begin() as session:
        now = clock.now()
        if change == "fact":
            changes.put_fact(
                session, type="shelter", key="oak", data={"name": "Oak"}, source="s", owner="o", as_of=now,
                expires_at=now + timedelta(hours=1), actor="ana",
            )  # fmt: skip
        elif change == "city":
            changes.put_city_value(session, name="text_to_911", value=True, actor="ana")
        else:
            changes.open_incident(session, name="X", hazard="flood", phase="during", level="full", zones=["A"], actor="ana")
        # Not before the commit.
        assert live.get(session).revision == before
    library = live.get()
    assert library.revision > before
    assert library.gazetteer.shelters == (("Oak",) if change == "fact" else ())
    assert library.city.get("text_to_911") is (True if change == "city" else None)
    assert library.phase == ("during" if change == "incident" else "before")


def test_the_last_good_one_serves_while_the_database_fails(sessions: Sessions) -> None:
    publish(sessions, "one")
    live = LiveLibrary(sessions)
    good = live.get()
    with sessions.begin() as session:
        session.execute(text("ALTER TABLE knowledge_revision RENAME TO away"))
    assert live.get() is good
    with sessions.begin() as session:
        session.execute(text("ALTER TABLE away RENAME TO knowledge_revision"))
    publish(sessions, "two")
    assert said(live) == "two"


def test_without_a_schema_the_shipped_words_serve(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.execute(text("DROP TABLE message_versions"))
    assert "911" in LiveLibrary(sessions).get().say("system.static", Situation("en", "sms", clock.now())).text


def test_asking_again_costs_one_query(sessions: Sessions) -> None:
    publish(sessions, "one")
    live = LiveLibrary(sessions)
    statements: list[str] = []
    with sessions.begin() as session:
        event.listen(session.get_bind(), "before_cursor_execute", lambda *args: statements.append(args[2]))
        live.get(session)
        assert current_revision(session) == live.last_good.revision
    assert len([one for one in statements if one.startswith("SELECT")]) == 2


def test_many_threads_read_one_library(sessions: Sessions) -> None:
    publish(sessions, "one")
    live = LiveLibrary(sessions)
    publish(sessions, "two")
    with ThreadPoolExecutor(8) as pool:
        heard = set(pool.map(lambda _: said(live), range(64)))
    assert heard == {"two"}


def test_who_comes_while_another_reads_hears_the_newest_words(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(sessions, "one")
    live = LiveLibrary(sessions)
    publish(sessions, "two")
    reads, begun, go_on = live._read, Event(), Event()

    def slowly() -> Library:
        begun.set()
        go_on.wait(20)
        return reads()

    monkeypatch.setattr(live, "_read", slowly)
    monkeypatch.setattr(library, "WAIT_FOR_READER", 20.0)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(said, live)
        assert begun.wait(20)
        second = pool.submit(said, live)
        go_on.set()
        assert (first.result(20), second.result(20)) == ("two", "two")


def test_who_waits_too_long_is_served_the_last_words(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(sessions, "one")
    live = LiveLibrary(sessions)
    publish(sessions, "two")
    monkeypatch.setattr(library, "WAIT_FOR_READER", 0.0)
    with live._lock:
        assert said(live) == "one"
    assert said(live) == "two"
