"""Home: what is live, what ends, what waits, what is asked in vain."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from console.home.questions import unanswered
from server import clock
from server.database.engine import reading
from server.staff.service import ROLES
from tests.console.messages.writers import Office, local
from tests.server.harness import Resident

MESSAGE = "evacuation_order_status.orders"


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("role", ROLES)
async def test_everybody_sees_what_is_live(office: Office, role: str, language: str) -> None:
    await office.person("vic", role)
    page = await office.sees("vic", "/console/", lang=language)
    assert "Hurricane Odette" in page
    assert MESSAGE in page
    writes = role in ("author", "approver", "supervisor", "administrator")
    assert ("/withdraw" in page) == writes
    assert ("/correct" in page) == writes


async def test_withdrawn_from_home_in_one_step(office: Office) -> None:
    await office.person("ana", "author")
    live = office.live(MESSAGE).id
    done = await office.does("ana", live, "withdraw", reason="The order ended", back="home")
    assert done.headers["location"] == "/console/"
    assert f"/v/{live}/withdraw" not in await office.sees("ana", "/console/")


async def test_what_ends_and_what_waits(office: Office) -> None:
    await office.person("ana", "author")
    await office.person("bo", "approver")
    assert "Nothing waits for you" in await office.sees("bo", "/console/")
    draft = await office.begins("ana", MESSAGE)
    assert "your draft, version 2" in await office.sees("ana", "/console/")
    assert "Nothing waits for you" in await office.sees("bo", "/console/")
    await office.does("ana", draft, "submit", edits="0")
    assert "review, by ana" in await office.sees("bo", "/console/")
    await office.does("bo", draft, "approve")
    assert "approved, publish it" in await office.sees("bo", "/console/")
    await office.does("bo", draft, "publish", when="now", expires_at=local(3))
    page = await office.sees("bo", "/console/")
    assert "Nothing waits for you" in page
    ends = page[page.index('id="ends"') : page.index('id="live"')]
    assert MESSAGE in ends


async def test_an_override_nobody_looked_at_is_overdue_after_four_hours(live_office: Office) -> None:
    office = live_office
    await office.person("sue", "supervisor")
    await office.person("bo", "approver")
    draft = await office.begins("sue", MESSAGE)
    await office.does("sue", draft, "override", edits="0", reason="flood", expires_at=local(20))
    assert "Overdue" not in await office.sees("bo", "/console/")
    with time_machine.travel(clock.now() + timedelta(hours=4, minutes=1)):
        await office.person("cy", "approver")
        assert "Overdue" in await office.sees("cy", "/console/")


async def test_what_is_asked_in_vain_is_grouped_and_tells_nobody(office: Office) -> None:
    await office.person("bo", "approver")
    for words in ("can i grow bananas", "Can I grow BANANAS?", "who won the football game, my number is 212-555-0123"):
        await Resident(office.service.spine).says(words)
    with reading(office.service.sessions) as session:
        asked = unanswered(session, now=clock.now())
        assert unanswered(session, now=clock.now() + timedelta(days=2)) == ()
    assert [one.count for one in asked][:1] == [2]
    page = await office.sees("bo", "/console/")
    assert "bananas" in page.lower()
    assert "0123" not in page


async def test_with_nothing_open_and_nothing_loaded_home_still_stands(office: Office) -> None:
    from knowledge.changes import close_incident
    from knowledge.models import IncidentRow

    with office.service.sessions.begin() as session:
        for row in session.query(IncidentRow):
            close_incident(session, incident_id=row.id, actor="tests")
    await office.person("bo", "approver")
    assert "No incident is open" in await office.sees("bo", "/console/")
