"""The pages of facts as a browser uses them."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import delete

from knowledge.changes import bump_revision, put_fact
from knowledge.fact_edits import token
from knowledge.facts import STATUSES, TYPES
from knowledge.models import FactRow, TopicRow
from server import clock
from server.assembly import Service
from server.audit.models import AuditRow
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS
from server.staff.service import ROLES
from tests.server.harness import Resident, rows
from tests.server.staffroom import SAME_SITE, make_user, sign_in, signed_in

FACTS = "/console/facts/"
XSS = "<script>alert('x')</script><img src=x onerror=alert(1)>{{7*7}}"


def fact(service: Service, key: str = "lincoln", type_: str = "shelter") -> FactRow:
    (row,) = rows(service, FactRow, FactRow.type == type_, FactRow.key == key)
    return row


async def tap(
    client: httpx.AsyncClient, service: Service, to: str, key: str = "lincoln", type_: str = "shelter", **more: Any
) -> httpx.Response:
    values = {"to": to, "seen": token(fact(service, key, type_)), **more}
    return await client.post(f"{FACTS}{type_}/{key}/state", data=values, headers=SAME_SITE)


async def form(client: httpx.AsyncClient, service: Service, key: str = "lincoln", type_: str = "shelter") -> dict[str, str]:
    """The values of the edit form, as the page shows them."""
    page = (await client.get(f"{FACTS}{type_}/{key}")).text
    inside = page[page.index('id="edit"') :]
    inside = inside[: inside.index("</form>")]
    values = {
        html.unescape(name): html.unescape(value)
        for name, value in re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', inside)
    }
    values |= {
        name: html.unescape(text)
        for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', inside, re.DOTALL)
    }
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', inside, re.DOTALL):
        chosen = re.search(r"<option(?: value=\"([^\"]*)\")? selected>([^<]*)", options)
        values[name] = (chosen[1] or chosen[2]) if chosen else ""
    values["visibility"] = fact(service, key, type_).visibility
    return values | {"seen": token(fact(service, key, type_))}


async def answer(service: Service, text: str = "where is a shelter") -> str:
    return " ".join(part.text for part in (await Resident(service.spine).says(text)).parts)


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_see_and_change(client: httpx.AsyncClient, menu_service: Service, role: str) -> None:
    await signed_in(client, menu_service, role)
    page = await client.get(f"{FACTS}?type=shelter")
    assert page.status_code == 200
    allowed = role in PERMISSIONS["facts.change"]
    assert ("/state" in page.text) is allowed, "no button that would be refused"
    done = [
        await tap(client, menu_service, "full"),
        await client.post(f"{FACTS}shelter/civic/still", data={"seen": token(fact(menu_service, "civic"))}, headers=SAME_SITE),
        await client.post(
            f"{FACTS}shelter/roosevelt/remove",
            data={"seen": token(fact(menu_service, "roosevelt")), "reason": "x"},
            headers=SAME_SITE,
        ),
    ]
    assert [one.status_code for one in done] == [303 if allowed else 403] * 3
    assert fact(menu_service).data["status" if allowed else "name"] == ("full" if allowed else "Lincoln High School")


async def test_nobody_without_signing_in(client: httpx.AsyncClient, menu_service: Service) -> None:
    for path in ("", "shelter/lincoln", "shelter/new", "table", "table.csv?type=shelter"):
        assert (await client.get(FACTS + path)).status_code in (303, 403)
    assert (await tap(client, menu_service, "full")).status_code in (303, 403)
    assert "status" not in fact(menu_service).data


@pytest.mark.parametrize("language", ["en", "es"])
async def test_every_type_has_its_page(client: httpx.AsyncClient, menu_service: Service, language: str) -> None:
    await signed_in(client, menu_service, "author")
    for type_ in sorted(TYPES):
        page = await client.get(f"{FACTS}?type={type_}&lang={language}")
        assert page.status_code == 200
        held = rows(menu_service, FactRow, FactRow.type == type_)
        assert f'id="f-{type_}-{held[0].key}"' in page.text
        assert page.text.count('name="to"') == len(STATUSES.get(type_, ())) * len(held)
        for path in (f"{type_}/{held[0].key}?", f"{type_}/new?", f"table?type={type_}&"):
            assert (await client.get(f"{FACTS}{path}lang={language}")).status_code == 200, path


async def test_the_overview_counts_what_needs_a_look(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    with menu_service.sessions.begin() as session:
        row = session.get_one(FactRow, fact(menu_service).id)
        row.expires_at = clock.now() - timedelta(minutes=1)
    page = (await client.get(FACTS)).text
    assert "expired: 1" in page
    assert "for agents only: 1" in page
    narrowed = (await client.get(f"{FACTS}?type=shelter&show=expired")).text
    assert narrowed.count("<article") == 1
    assert "Residents no longer hear this" in narrowed
    assert (await client.get(f"{FACTS}?q=maple")).text.count("<article") >= 1
    assert (await client.get(f"{FACTS}?q=zzzz")).text.count("<article") == 0


async def test_one_tap_is_done_said_and_undone(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    assert "Lincoln High School" in await answer(menu_service)
    before = fact(menu_service)
    done = await tap(client, menu_service, "full")
    assert done.status_code == 303
    page = (await client.get(done.headers["location"].partition("#")[0])).text
    assert "Lincoln High School: Full." in page
    assert "Lincoln High School" not in await answer(menu_service)
    now = fact(menu_service)
    assert (now.data["status"], now.updated_by) == ("full", "ana")
    assert now.as_of > before.as_of
    assert now.expires_at >= before.expires_at
    act = rows(menu_service, AuditRow, AuditRow.action == "fact.put")[-1].id
    undo = await client.post(f"{FACTS}shelter/lincoln/back", data={"act": act, "seen": token(now)}, headers=SAME_SITE)
    assert undo.status_code == 303
    after = fact(menu_service)
    assert (after.data, after.as_of, after.expires_at, after.source) == (
        before.data,
        before.as_of,
        before.expires_at,
        before.source,
    )
    assert "Lincoln High School" in await answer(menu_service)


async def test_a_tap_with_htmx_brings_the_card(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    values = {"to": "full", "seen": token(fact(menu_service))}
    piece = await client.post(f"{FACTS}shelter/lincoln/state", data=values, headers=SAME_SITE | {"hx-request": "true"})
    assert piece.status_code == 200
    assert piece.text.strip().startswith("<article")
    assert "Undo" in piece.text
    assert token(fact(menu_service)) in piece.text


@pytest.mark.parametrize("htmx", [False, True])
async def test_a_stale_tap_is_refused_with_what_changed(client: httpx.AsyncClient, menu_service: Service, htmx: bool) -> None:
    await signed_in(client, menu_service, "author")
    seen = token(fact(menu_service))
    with menu_service.sessions.begin() as session:
        row = fact(menu_service)
        put_fact(session, type="shelter", key="lincoln", data={**row.data, "status": "closed"}, source="Fire marshal", owner=row.owner,
                 as_of=clock.now(), expires_at=row.expires_at, actor="ben")  # fmt: skip
    headers = SAME_SITE | ({"hx-request": "true"} if htmx else {})
    for path, values in (("state", {"to": "full"}), ("still", {}), ("remove", {"reason": "x"})):
        refused = await client.post(f"{FACTS}shelter/lincoln/{path}", data={"seen": seen, **values}, headers=headers)
        assert refused.status_code == 409, path
        assert "Somebody was faster" in refused.text
        assert "ben" in refused.text
    assert fact(menu_service).data["status"] == "closed"
    same = await client.post(f"{FACTS}shelter/lincoln/state", data={"seen": seen, "to": "closed"}, headers=headers)
    assert same.status_code in (200, 303), "two who tap the same agree"
    assert len(rows(menu_service, AuditRow, AuditRow.subject == "shelter:lincoln")) == 1


async def test_a_tap_on_a_fact_that_is_gone(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    seen = token(fact(menu_service))
    removed = await client.post(f"{FACTS}shelter/lincoln/remove", data={"seen": seen, "reason": "never was one"}, headers=SAME_SITE)
    assert removed.status_code == 303
    assert "Lincoln High School" not in await answer(menu_service)
    for headers in (SAME_SITE, SAME_SITE | {"hx-request": "true"}):
        refused = await client.post(f"{FACTS}shelter/lincoln/state", data={"seen": seen, "to": "full"}, headers=headers)
        assert (refused.status_code, "removed this fact" in refused.text) == (409, True)
    page = await client.get(f"{FACTS}shelter/lincoln")
    assert "never was one" in page.text
    act = rows(menu_service, AuditRow, AuditRow.action == "fact.remove")[0].id
    back = await client.post(f"{FACTS}shelter/lincoln/back", data={"act": act, "page": "fact"}, headers=SAME_SITE)
    assert back.status_code == 303
    assert "Lincoln High School" in await answer(menu_service)


async def test_still_true_renews_both_times(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    with menu_service.sessions.begin() as session:
        session.get_one(FactRow, fact(menu_service).id).expires_at = clock.now() - timedelta(minutes=1)
    before = clock.now()
    done = await client.post(f"{FACTS}shelter/lincoln/still", data={"seen": token(fact(menu_service))}, headers=SAME_SITE)
    assert done.status_code == 303
    assert fact(menu_service).as_of >= before
    assert fact(menu_service).expires_at >= before + timedelta(hours=12)


async def test_an_account_limited_to_owners(client: httpx.AsyncClient, menu_service: Service) -> None:
    make_user(menu_service, "pat", "author")
    with menu_service.sessions.begin() as session:
        session.query(StaffUser).filter(StaffUser.name == "pat").one().owners = ["public_works"]
    await sign_in(client, "pat")
    assert (await tap(client, menu_service, "full")).status_code == 403
    values = await form(client, menu_service, "shore_dr", "road_closure")
    assert (
        await client.post(f"{FACTS}road_closure/shore_dr", data=values | {"owner": "police"}, headers=SAME_SITE)
    ).status_code == 403
    assert (await tap(client, menu_service, "open", "shore_dr", "road_closure")).status_code == 303
    assert "/state" not in (await client.get(f"{FACTS}?type=shelter")).text


async def test_an_edit_says_what_differs_and_who_did_it(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    values = await form(client, menu_service)
    same = await client.post(f"{FACTS}shelter/lincoln", data=values | {"now": "0"}, headers=SAME_SITE)
    assert same.status_code == 303
    assert rows(menu_service, AuditRow, AuditRow.subject == "shelter:lincoln") == [], "nothing changed, nothing written"
    values |= {"address": "451 Oak St", "note_es": "catres", "now": "1"}
    done = await client.post(f"{FACTS}shelter/lincoln", data=values, headers=SAME_SITE)
    assert done.status_code == 303
    assert "451 Oak St" in await answer(menu_service)
    page = (await client.get(f"{FACTS}shelter/lincoln")).text
    assert "<del>450 Oak St</del> → <ins>451 Oak St</ins>" in page


async def test_an_edit_that_came_too_late_loses_nothing(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    values = await form(client, menu_service) | {"address": "451 Oak St", "now": "1"}
    await tap(client, menu_service, "full")
    late = await client.post(f"{FACTS}shelter/lincoln", data=values, headers=SAME_SITE)
    assert late.status_code == 409
    assert "451 Oak St" in late.text, "what was typed is still there"
    assert fact(menu_service).data["address"] == "450 Oak St"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"zip": "404"}, "Must be 5 digits"),
        ({"name": ""}, "Give a name"),
        ({"source": ""}, "Say who told the city"),
        ({"owner": "nobody"}, "Choose an owner"),
        ({"status": "mandatory"}, "Must be one of"),
        ({"visibility": "secret"}, "Must be public"),
        ({"expires": "soon"}, "Is no time"),
        ({"expires": "2020-01-01T10:00"}, "over already"),
        ({"as_of": "2099-01-01T10:00", "expires": "2099-02-01T10:00"}, "future"),
        ({"name": "x" * 500}, "too long"),
    ],
)
async def test_a_bad_field_is_told_and_nothing_lost(
    client: httpx.AsyncClient, menu_service: Service, changed: dict[str, str], words: str
) -> None:
    await signed_in(client, menu_service, "author")
    values = await form(client, menu_service) | {"phone": "555-555-0199", "now": "0"} | changed
    for lang in ("en", "es"):
        page = await client.post(f"{FACTS}shelter/lincoln?lang={lang}", data=values, headers=SAME_SITE)
        assert page.status_code == 400
        assert "555-555-0199" in page.text
        assert (words in page.text) is (lang == "en")
    assert rows(menu_service, AuditRow, AuditRow.subject == "shelter:lincoln") == []


async def test_a_new_fact_stands_last_and_is_said(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    values = {"name": "Élan Hall", "address": "9 Elm St", "zip": "00404", "status": "open", "source": "EOC", "owner": "shelter_manager",
              "visibility": "public", "now": "1"}  # fmt: skip
    assert (await client.post(f"{FACTS}shelter/new", data=values, headers=SAME_SITE)).status_code == 303
    assert fact(menu_service, "elan_hall").position == max(
        row.position for row in rows(menu_service, FactRow, FactRow.type == "shelter")
    )
    assert (await client.post(f"{FACTS}shelter/new", data=values, headers=SAME_SITE)).status_code == 303
    assert fact(menu_service, "elan_hall_2").data["name"] == "Élan Hall"
    empty = await client.post(f"{FACTS}shelter/new", data={"now": "1"}, headers=SAME_SITE)
    assert empty.status_code == 400


async def test_a_new_status_line_has_one_of_the_known_names(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    assert "there already" in (await client.get(f"{FACTS}status/new")).text
    with menu_service.sessions.begin() as session:
        session.delete(session.get_one(FactRow, fact(menu_service, "status_quake", "status").id))
    taken = {row.key for row in rows(menu_service, FactRow, FactRow.type == "status")}
    page = (await client.get(f"{FACTS}status/new")).text
    offered = re.findall(r'<option value="(status_\w+)"', page)
    assert offered
    assert not taken & set(offered)
    values = {
        "line": offered[0],
        "text_en": "All well.",
        "text_es": "Todo bien.",
        "source": "EOC",
        "owner": "emergency_management",
        "now": "1",
    }
    assert (await client.post(f"{FACTS}status/new", data=values, headers=SAME_SITE)).status_code == 303
    assert fact(menu_service, offered[0], "status").data["text"]["es"] == "Todo bien."


async def test_what_people_type_is_only_text(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    values = await form(client, menu_service) | {"name": XSS, "source": XSS, "now": "1"}
    assert (await client.post(f"{FACTS}shelter/lincoln", data=values, headers=SAME_SITE)).status_code == 303
    for page in ("?type=shelter", "shelter/lincoln", "?q=alert"):
        text = (await client.get(FACTS + page)).text
        assert "<script>alert" not in text
        assert "onerror=alert(1)>" not in text
        assert html.escape(XSS, quote=False)[:20] in text


async def test_the_messages_that_quote_a_fact(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "viewer")
    page = (await client.get(f"{FACTS}shelter/lincoln")).text
    assert "shelter_locations.open" in page
    assert "Said now" in page
    assert page.count("Lincoln High School") > 6, "each channel in both languages"
    assert "not quoted" in (await client.get(f"{FACTS}zone/a")).text


@pytest.mark.parametrize(("lang", "words"), [("en", "its topic is switched off"), ("es", "su tema está desactivado")])
async def test_a_fact_is_shown_while_the_topic_of_a_message_that_quotes_it_is_off(
    client: httpx.AsyncClient, menu_service: Service, lang: str, words: str
) -> None:
    await signed_in(client, menu_service, "author")
    with menu_service.sessions.begin() as session:
        session.get_one(TopicRow, "shelter_locations").active = False
        bump_revision(session)
    shown = await client.get(f"{FACTS}shelter/lincoln?lang={lang}")
    assert shown.status_code == 200
    assert words in shown.text
    assert "shelter_locations.open" in shown.text
    assert "Said now" not in shown.text
    assert (await tap(client, menu_service, "full", page="fact")).status_code == 303, "it can be corrected all the same"


async def test_a_site_for_agents_only_is_marked_and_never_said(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    hidden = next(row for row in rows(menu_service, FactRow, FactRow.type == "shelter") if row.visibility == "agents_only")
    page = (await client.get(f"{FACTS}shelter/{hidden.key}")).text
    assert "never says this to residents" in page
    assert "leave this fact out" in page
    await tap(client, menu_service, "open", hidden.key)
    assert fact(menu_service, hidden.key).visibility == "agents_only"
    assert hidden.data["name"] not in await answer(menu_service)


async def test_two_facts_that_disagree_are_flagged(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    row = fact(menu_service)
    with menu_service.sessions.begin() as session:
        put_fact(session, type="shelter", key="lincoln_2", data={**row.data, "status": "full"}, source="Red Cross", owner=row.owner,
                 as_of=clock.now(), expires_at=row.expires_at, actor="ben")  # fmt: skip
    page = (await client.get(f"{FACTS}?type=shelter&show=conflict")).text
    assert page.count("<article") == 2
    assert page.count("Residents do not hear this one") == 1
    assert "Lincoln High School" not in await answer(menu_service)
    assert "contradicting: 2" in (await client.get(FACTS)).text


async def test_what_there_is_not(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    for path in ("castle/lincoln", "shelter/nowhere", "castle/new", "?type=castle"):
        assert (await client.get(FACTS + path)).status_code == 404
    assert (await tap(client, menu_service, "mandatory")).status_code == 400
    other = rows(menu_service, AuditRow)[0].id
    wrong = await client.post(
        f"{FACTS}shelter/lincoln/back", data={"act": other, "seen": token(fact(menu_service))}, headers=SAME_SITE
    )
    assert wrong.status_code == 404


async def test_an_empty_list_says_what_to_do_next(client: httpx.AsyncClient, menu_service: Service) -> None:
    with menu_service.sessions.begin() as session:
        session.execute(delete(FactRow))
        bump_revision(session)
    await signed_in(client, menu_service, "author")
    assert "Add the first one here" in (await client.get(f"{FACTS}?type=shelter")).text
    for narrowed in ("?type=shelter&q=xyzzy", "?type=shelter&show=expired", "?q=xyzzy"):
        assert "Nothing fits." in (await client.get(f"{FACTS}{narrowed}")).text
    await sign_in(client, make_viewer(menu_service))
    page = (await client.get(f"{FACTS}?type=shelter")).text
    assert "Authors add them" in page
    assert "Add the first one here" not in page


def make_viewer(service: Service) -> str:
    make_user(service, "vic", "viewer")
    return "vic"
