"""The pages of incidents as a browser uses them."""

from __future__ import annotations

import csv
import html
import io
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from console.incidents.after import without_persons
from knowledge.answer_changes import outlook
from knowledge.changes import open_incident
from knowledge.lifecycle import State, Wording, draft, transition
from knowledge.models import IncidentRow, IncidentStep, MessageVersion
from knowledge.records import Situation
from server import clock
from server.assembly import Service
from server.audit.models import AuditRow
from server.staff.models import StaffSession, StaffUser
from server.staff.permissions import PERMISSIONS
from server.staff.service import ROLES
from tests.server.harness import Resident, rows
from tests.server.staffroom import SAME_SITE, signed_in

HOME = "/console/incidents/"
FEW = 10
FLOOD: dict[str, Any] = {
    "pack": "flood",
    "name": "Creek flood",
    "hazard": "flood",
    "phase": "during",
    "level": "partial",
    "zones": ["A"],
}


def incident(service: Service) -> IncidentRow:
    return rows(service, IncidentRow)[0]


def seen(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found
    return html.unescape(found[1])


async def move(client: httpx.AsyncClient, number: int, **values: Any) -> httpx.Response:
    """Looks at what will change, and confirms."""
    look = await client.get(f"{HOME}{number}/change", params=values)
    assert look.status_code == 200
    return await client.post(f"{HOME}{number}/change", data={**values, "seen": seen(look.text)}, headers=SAME_SITE)


def publish(
    service: Service, message_id: str, *, text: str = "Zone A: leave now.", intent: str | None = "evacuation_order_status"
) -> int:
    """A message that staff publish; gives its version's number in the database."""
    words = {"en": {"sms": text, "web": text, "voice": text}}
    with service.sessions.begin() as session:
        made = draft(session, wording=Wording(message_id, words, "emergency_management", "EOC", intent, position=-1), author="ana")
        for state in (State.IN_REVIEW, State.APPROVED):
            transition(session, version_id=made.id, to=state, actor="ben")
        transition(session, version_id=made.id, to=State.PUBLISHED, actor="ben", expires_at=clock.now() + timedelta(days=1))
        return made.id


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_see_and_change(client: httpx.AsyncClient, menu_service: Service, role: str) -> None:
    await signed_in(client, menu_service, role)
    number = incident(menu_service).id
    page = await client.get(f"{HOME}{number}")
    assert (await client.get(HOME)).status_code == page.status_code == 200
    allowed = role in PERMISSIONS["incidents.change"]
    assert ("/close" in page.text) is allowed
    done = [
        await client.get(f"{HOME}{number}/change?phase=after"),
        await client.get(f"{HOME}{number}/close"),
        await client.get(f"{HOME}new"),
        await client.post(f"{HOME}{number}/step", data={"mark": "x", "done": "1"}, headers=SAME_SITE),
        await client.post(f"{HOME}start", data=FLOOD, headers=SAME_SITE),
    ]
    assert [one.status_code for one in done] == ([200, 200, 200, 404, 303] if allowed else [403] * 5)
    assert len(rows(menu_service, IncidentRow)) == (2 if allowed else 1)


async def test_changing_takes_a_fresh_proof(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    with menu_service.sessions.begin() as session:
        for row in session.query(StaffSession):
            row.proved_at = clock.now() - timedelta(hours=1)
    number = incident(menu_service).id
    for path in (f"{number}/change?phase=after", f"{number}/close", "start?pack=flood"):
        assert (await client.get(HOME + path)).status_code in (303, 403), path
    for path, values in ((f"{number}/close", {"seen": "x"}), ("start", FLOOD)):
        assert (await client.post(HOME + path, data=values, headers=SAME_SITE)).status_code in (303, 403)
    assert [row.closed_at for row in rows(menu_service, IncidentRow)] == [None]


async def test_starting_from_a_pack(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    assert "Creek" not in (await client.get(HOME)).text
    packs = (await client.get(f"{HOME}new?lang=es")).text
    assert packs.count("/console/incidents/new?pack=") == 15
    assert "Elija lo que está pasando" in packs
    form = await client.get(f"{HOME}new?pack=flood&lang=en")
    assert 'value="partial" checked' in form.text.replace("  ", " ") or "checked" in form.text
    look = await client.get(f"{HOME}start", params=FLOOD)
    assert look.status_code == 200
    assert "Hurricane Odette" in look.text, "another one is open"
    done = await client.post(f"{HOME}start", data=FLOOD, headers=SAME_SITE)
    page = await client.get(done.headers["location"])
    assert page.status_code == 200
    assert "The first hour" in page.text
    row = rows(menu_service, IncidentRow, IncidentRow.hazard == "flood")[0]
    assert (row.pack, row.phase, row.level, row.zones) == ("incident.flood", "during", "partial", ["A"])
    again = await client.post(f"{HOME}start", data=FLOOD, headers=SAME_SITE)
    assert again.status_code == 400
    assert "open already" in again.text
    assert "Creek flood" in again.text, "what was typed is still there"
    assert len(rows(menu_service, IncidentRow)) == 2


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": " "}, "Give the incident a name"),
        ({"name": "x" * 101}, "Give the incident a name"),
        ({"hazard": "hurricane"}, "Choose what is happening"),
        ({"phase": "all"}, "Choose a phase"),
        ({"level": "high"}, "Choose a phase"),
        ({"zones": ["Q"]}, "not on the map"),
    ],
)
async def test_what_cannot_be_started(
    client: httpx.AsyncClient, menu_service: Service, changed: dict[str, Any], words: str
) -> None:
    await signed_in(client, menu_service, "approver")
    for answer in (
        await client.get(f"{HOME}start", params=FLOOD | changed),
        await client.post(f"{HOME}start", data=FLOOD | changed, headers=SAME_SITE),
    ):
        assert answer.status_code == 400
        assert words in answer.text
    assert len(rows(menu_service, IncidentRow)) == 1


async def test_a_phase_shows_its_answers_first_and_then_says_them(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    number = incident(menu_service).id
    look = (await client.get(f"{HOME}{number}/change", params={"phase": "after", "level": "full", "zones": ["A", "B"]})).text
    assert "Answers that change:" in look
    assert "The number menu" in look
    shown = re.findall(r"<dd><strong>(.*?)</strong></dd>", look, re.DOTALL)
    assert shown
    assert incident(menu_service).phase == "during", "looking changes nothing"
    assert (await move(client, number, phase="after", level="full", zones=["A", "B"])).status_code == 303
    assert incident(menu_service).phase == "after"
    assert menu_service.library.get().phase == "after"
    (act,) = rows(menu_service, AuditRow, AuditRow.action == "incident.change")
    assert (act.actor, act.detail["before"]["phase"], act.detail["after"]["phase"]) == ("ana", "during", "after")


async def test_what_is_shown_is_what_is_said(client: httpx.AsyncClient, menu_service: Service) -> None:
    """Every answer that the page foretells is the answer afterwards, and no other one changed."""
    row, now = incident(menu_service), clock.now()
    asked = Situation("en", "sms", now)
    with menu_service.sessions() as session:
        before = menu_service.library.get(session)
        told = outlook(before=before, incidents=[], language="en", now=now)
    said = {intent: before.answer(intent, asked).text for intent in before.topics}
    await signed_in(client, menu_service, "approver")
    look = await client.get(f"{HOME}{row.id}/close")
    await client.post(f"{HOME}{row.id}/close", data={"seen": seen(look.text)}, headers=SAME_SITE)
    library = menu_service.library.get()
    assert library.menu() == told.menu_after
    changed = {one.intent: one.after for one in told.answers}
    assert changed
    for intent, text in said.items():
        assert library.answer(intent, asked).text == changed.get(intent, text), intent
    assert [one.protective for one in told.answers] == sorted((one.protective for one in told.answers), reverse=True)


async def test_somebody_else_moved_it_first(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    number = incident(menu_service).id
    old = seen((await client.get(f"{HOME}{number}/change?phase=after&level=full")).text)
    await move(client, number, phase="recovery", level="partial", zones=["A"])
    for path, values in (("change", {"phase": "after", "level": "full"}), ("close", {})):
        late = await client.post(f"{HOME}{number}/{path}", data={**values, "seen": old}, headers=SAME_SITE)
        assert late.status_code == 409
        assert "Nothing was overwritten" in late.text
    assert (incident(menu_service).phase, incident(menu_service).closed_at) == ("recovery", None)


async def test_the_checklist_is_kept(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    number = incident(menu_service).id
    page = (await client.get(f"{HOME}{number}")).text
    marks = re.findall(r'name="mark" value="(\w{64})"', page)
    assert len(marks) == 8
    for done, count in (("1", 1), ("1", 1), ("0", 0), ("0", 0), ("1", 1)):
        ticked = await client.post(f"{HOME}{number}/step", data={"mark": marks[2], "done": done}, headers=SAME_SITE)
        assert ticked.status_code == 303
        assert len(rows(menu_service, IncidentStep)) == count
    page = (await client.get(f"{HOME}{number}?lang=es")).text
    assert "1 de 8 hechos" in page
    assert len(rows(menu_service, AuditRow, AuditRow.action == "incident.step")) == 3


async def test_the_facts_to_collect_lead_to_their_pages(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    page = (await client.get(f"{HOME}{incident(menu_service).id}")).text
    links = [html.unescape(link) for link in re.findall(r'href="(/console/facts/[^"]+)"', page)]
    assert len(links) >= 17
    for link in links:
        assert (await client.get(link)).status_code == 200, link


async def test_zones_and_orders_that_disagree_are_told(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    number = incident(menu_service).id
    assert "ordered to leave here" not in (await client.get(f"{HOME}{number}")).text
    await move(client, number, phase="during", level="full", zones=["A", "D"])
    page = (await client.get(f"{HOME}{number}")).text
    assert "Zone D is ordered to leave here" in page
    assert "evacuation order for zone B is in force" in page


async def test_closing_withdraws_what_was_made_for_it(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    number = incident(menu_service).id
    order, reworded = (
        publish(menu_service, "plan.evac_order-1"),
        publish(menu_service, "shelter_locations.open", text="x", intent=None),
    )
    look = (await client.get(f"{HOME}{number}/close")).text
    assert re.findall(r'name="withdraw"[^>]* value="(\d+)" checked', look) == [str(order)]
    assert "shelter_locations.open" in look, "a standing message that was reworded is named, and stays"
    wrong = await client.post(f"{HOME}{number}/close", data={"seen": seen(look), "withdraw": [order, reworded]}, headers=SAME_SITE)
    assert wrong.status_code == 409
    assert incident(menu_service).closed_at is None, "all or nothing"
    done = await client.post(f"{HOME}{number}/close", data={"seen": seen(look), "withdraw": [order]}, headers=SAME_SITE)
    assert done.headers["location"].startswith(f"{HOME}{number}/after")
    states = {row.id: row.state for row in rows(menu_service, MessageVersion, MessageVersion.id.in_([order, reworded]))}
    assert states == {order: "withdrawn", reworded: "published"}
    assert menu_service.library.get().incidents == ()
    assert (await client.get(f"{HOME}{number}/close")).status_code == 409
    assert (await client.get(f"{HOME}{number}/change?phase=after")).status_code == 409
    assert "No incident is open" in (await client.get(HOME)).text


@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_long_list_of_answers_comes_in_two_steps(
    client: httpx.AsyncClient, menu_service: Service, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setattr("console.incidents.acts.MOST_LISTED", FEW)
    await signed_in(client, menu_service, "approver")
    at = f"{HOME}{incident(menu_service).id}/close?lang={language}"
    changes = outlook(before=menu_service.library.get(), incidents=[], language=language, now=clock.now()).answers
    first = [one for one in changes if one.protective]
    assert len(changes) - len(first) > FEW
    page = (await client.get(at)).text
    assert page.count('class="answer') - page.count('class="answers"') == len(first) + FEW
    assert all(one.after[:40] in html.unescape(page) for one in first)
    whole = re.search(r'href="([^"]*all=1[^"]*)#others"', page)
    assert whole
    page = (await client.get(html.unescape(whole[1]))).text
    assert page.count('class="answer') - page.count('class="answers"') == len(changes)
    assert "#others" not in page


async def test_closing_one_of_two_chooses_nothing_beforehand(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    publish(menu_service, "plan.evac_order-1")
    with menu_service.sessions.begin() as session:
        open_incident(session, name="Creek", hazard="flood", phase="during", level="monitor", zones=[], actor="ana")
    look = (await client.get(f"{HOME}{incident(menu_service).id}/close")).text
    assert "Creek" in look
    assert " checked" not in look


async def test_what_belongs_to_another_office_stays(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    order = publish(menu_service, "plan.evac_order-1")
    with menu_service.sessions.begin() as session:
        session.query(StaffUser).one().owners = ["police"]
    number = incident(menu_service).id
    look = (await client.get(f"{HOME}{number}/close")).text
    assert 'name="withdraw"' not in look
    refused = await client.post(f"{HOME}{number}/close", data={"seen": seen(look), "withdraw": [order]}, headers=SAME_SITE)
    assert refused.status_code == 409


async def test_the_after_action_counts_what_is_stored(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    for text in ("where is a shelter", "my house is on fire and we cannot get out", "=cmd xyzzy call me at 212-555-0123", "agent"):
        await writer.says(text)
    await signed_in(client, menu_service, "viewer")
    number = incident(menu_service).id
    page = (await client.get(f"{HOME}{number}/after")).text
    assert menu_service.library.last_good.title("shelter_locations", "en") in page
    assert "212-555-0123" not in page
    found = (await client.get(f"{HOME}{number}/after.csv")).text.removeprefix("\ufeff")
    table = {(part, item): value for part, item, value in csv.reader(io.StringIO(found))}
    assert table["sums", "turns"] == "4"
    assert table["outcomes", "emergency_911"] == "1"
    assert not [cell for row in csv.reader(io.StringIO(found)) for cell in row if cell[:1] in ("=", "+", "-", "@")]
    for lang in ("en", "es"):
        assert (await client.get(f"{HOME}{number}/after?lang={lang}")).status_code == 200


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call (212) 555-0123 now", "call ••• now"),
        ("+1 212 555 0123", "•••"),
        ("write me@mail.example please", "write ••• please"),
        ("shelter in 00404?", "shelter in 00404?"),
    ],
)
def test_a_question_names_nobody(text: str, shown: str) -> None:
    assert without_persons(text) == shown


async def test_what_there_is_not(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    for path in ("999", "999/change?phase=after", "999/close", "999/after", "999/after.csv"):
        assert (await client.get(HOME + path)).status_code == 404, path
    assert (await client.get(f"{HOME}start?pack=castle&name=x")).status_code == 400
    number = incident(menu_service).id
    assert (await client.get(f"{HOME}{number}/change?phase=never")).status_code == 400
    assert (await client.get(f"{HOME}{number}/change?zones=Q")).status_code == 400
