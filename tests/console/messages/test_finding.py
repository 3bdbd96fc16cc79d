"""The list of messages: found by words, title, id, state, owner and language."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.messages.finding import FAR, PAGE, Query, find
from knowledge import editing, lifecycle
from knowledge.lifecycle import State, Wording
from knowledge.models import MessageVersion
from server import clock
from server.assembly import Service
from server.database.engine import reading
from tests.console.messages.writers import Office

TITLES = {"boil_water_notice": "is the water safe\nse puede tomar el agua"}


def found(service: Service, **query: str | int) -> list[str]:
    with reading(service.sessions) as session:
        page = find(session, query=Query(**query), titles=TITLES, language="en", now=clock.now())  # type: ignore[arg-type]
        return [row.message_id for row in page.rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rolling BOIL baby formula", "boil_water_notice.status"),
        ("fórmula borbotones", "boil_water_notice.status"),
        ("formula del bebe", "boil_water_notice.status"),
        ("¿Se puede TOMAR?", "boil_water_notice.general"),
        ("card.gas", "card.gas"),
        ("boil_water_notice.status@1", "boil_water_notice.status"),
        ("{boil_minutes}", "boil_water_notice.status"),
    ],
)
def test_by_words(either_service: Service, text: str, expected: str) -> None:
    assert expected in found(either_service, text=text)


@pytest.mark.parametrize("text", ["zzzqqq", "rolling zzzqqq", "'; drop table users --", "\\", "a" * 300])
def test_what_is_not_there(either_service: Service, text: str) -> None:
    assert found(either_service, text=text) == []


def test_by_state_owner_and_language(either_service: Service) -> None:
    now = clock.now()
    texts = {"en": dict.fromkeys(("sms", "web", "voice"), "Only English.")}
    ids = {}
    with either_service.sessions.begin() as session:
        for state in (State.DRAFT, State.IN_REVIEW, State.APPROVED, State.WITHDRAWN):
            version = lifecycle.draft(session, wording=Wording(f"x.{state}", texts, "parks", "s"), author="ana")
            version.state = state.value
        for name, begins, hours in (("soon", None, 3), ("coming", now + timedelta(hours=2), 40)):
            version = lifecycle.draft(session, wording=Wording(f"x.{name}", texts, "parks", "s"), author="ana")
            ids[name] = editing.publish(
                session,
                version_id=version.id,
                actor="bo",
                single_person_allowed=True,
                valid_from=begins,
                expires_at=now + timedelta(hours=hours),
            ).id
        over = session.get_one(MessageVersion, ids["soon"])
        assert over.expires_at is not None
    for state in ("draft", "in_review", "approved", "withdrawn"):
        assert found(either_service, state=state) == [f"x.{state}"]
    assert found(either_service, state="ending") == ["x.soon"]
    assert found(either_service, state="coming") == ["x.coming"]
    assert "x.soon" in found(either_service, state="live", owner="parks")
    assert "x.coming" not in found(either_service, state="live", owner="parks", text="only english")
    assert set(found(either_service, language="-es")) == {"x.draft", "x.in_review", "x.approved", "x.soon", "x.coming"}
    assert "x.draft" not in found(either_service, language="es", text="only english")


def test_pages_hold_every_message_once(either_service: Service) -> None:
    with reading(either_service.sessions) as session:
        everything = set(session.scalars(select(MessageVersion.message_id)))
    pages = [found(either_service, page=page) for page in range(1, len(everything) // PAGE + 2)]
    listed = [message_id for page in pages for message_id in page]
    assert len(listed) == len(everything)
    assert set(listed) == everything


def test_a_search_has_the_same_order_near_and_far(either_service: Service) -> None:
    texts = {"en": dict.fromkeys(("sms", "web", "voice"), "Quokkas are out.")}
    with either_service.sessions.begin() as session:
        for number in (*range(FAR + 2 * PAGE), *range(0, FAR, 7)):
            lifecycle.draft(session, wording=Wording(f"x.q{number}", texts, "parks", "s"), author="ana")
    pages = [found(either_service, text="quokkas", page=page) for page in range(1, FAR // PAGE + 4)]
    newest = [f"x.q{number}" for number in (*reversed(range(0, FAR, 7)), *reversed(range(FAR + 2 * PAGE)))]
    assert [message_id for page in pages for message_id in page] == list(dict.fromkeys(newest))


async def test_the_page(office: Office) -> None:
    await office.person("vic", "viewer")
    whole = await office.sees("vic", "/console/messages/", q="fórmula bebé")
    assert "boil_water_notice.status" in whole
    assert "Live until" in whole
    piece = await office.sees("vic", "/console/messages/", q="zzzqqq", piece="1")
    assert "<html" not in piece
    assert "No message fits" in piece
    assert "Ningún mensaje" in await office.sees("vic", "/console/messages/", q="zzz\x00qqq", piece="1", lang="es")
    await office.sees("vic", "/console/messages/", state="nonsense", owner="'", language="-xx", page="9999")
