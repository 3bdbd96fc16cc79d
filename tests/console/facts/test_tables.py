"""Facts out to a spreadsheet and back, over the pages."""

from __future__ import annotations

import csv
import html
import io
import re
from zoneinfo import ZoneInfo

import httpx
import pytest

from console.catalogue import text as words
from console.catalogue.loader import LANGUAGES
from knowledge.fact_tables import read_table
from knowledge.models import FactRow
from server import clock
from server.assembly import Service
from server.audit.models import AuditRow
from server.settings import ROOT
from server.staff.models import StaffUser
from tests.console.facts.test_pages import FACTS, answer, fact, tap
from tests.server.harness import rows
from tests.server.staffroom import SAME_SITE, make_user, sign_in, signed_in


async def get(client: httpx.AsyncClient, type_: str = "shelter") -> str:
    found = await client.get(f"{FACTS}table.csv?type={type_}")
    assert found.headers["content-type"].startswith("text/csv")
    return found.text


async def check(client: httpx.AsyncClient, content: str | bytes, type_: str = "shelter", lang: str = "en") -> httpx.Response:
    raw = content.encode() if isinstance(content, str) else content
    return await client.post(
        f"{FACTS}table?lang={lang}", data={"type": type_}, files={"file": ("my facts.csv", raw, "text/csv")}, headers=SAME_SITE
    )


def confirmation(page: str) -> dict[str, str]:
    """The hidden fields of the form that confirms."""
    inside = page[page.index('action="/console/facts/table/write') :]
    return {
        name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', inside[: inside.index("</form>")])
    }


async def confirm(client: httpx.AsyncClient, page: str) -> httpx.Response:
    return await client.post(f"{FACTS}table/write", data=confirmation(page), headers=SAME_SITE)


async def test_out_dry_run_confirm_and_said(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    table = (await get(client)).replace("450 Oak St,00404,C,open", "450 Oak St,00404,C,full")
    page = await check(client, table)
    assert page.status_code == 200
    assert "<strong>1</strong> changed" in page.text
    assert "status" not in fact(menu_service).data, "a dry run writes nothing"
    assert (await confirm(client, page.text)).status_code == 303
    assert fact(menu_service).data["status"] == "full"
    assert "Lincoln High School" not in await answer(menu_service)
    (act,) = rows(menu_service, AuditRow, AuditRow.action == "facts.imported")
    assert (act.actor, act.detail["file"]) == ("ana", "my facts.csv")


async def test_every_bad_row_is_shown_in_either_language(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    table = (await get(client)).replace("00406", "406", 1).replace(",open,", ",opn,", 1).replace("Civic Arena", "x" * 401)
    for lang, told in (("en", "Must be 5 digits"), ("es", "Debe tener 5 cifras")):
        page = await check(client, table, lang=lang)
        assert page.status_code == 400
        assert told in page.text
        assert page.text.count('class="usa-tag tag-bad"') == 3
        assert "/table/write" not in page.text, "nothing to confirm"


async def test_what_changed_between_looking_and_confirming(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    page = await check(client, (await get(client)).replace("450 Oak St", "451 Oak St"))
    await tap(client, menu_service, "full")
    again = await confirm(client, page.text)
    assert again.status_code == 409
    assert "confirm again" in again.text
    assert fact(menu_service).data["address"] == "450 Oak St"
    assert (await confirm(client, again.text)).status_code == 303
    assert fact(menu_service).data["address"] == "451 Oak St"


async def test_a_confirmation_of_something_else_is_refused(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    page = await check(client, (await get(client)).replace("450 Oak St", "451 Oak St"))
    values = confirmation(page.text)
    for bad in ({"mark": "0" * 64}, {"type": "road_closure"}):
        assert (await client.post(f"{FACTS}table/write", data=values | bad, headers=SAME_SITE)).status_code in (400, 409)
    assert (await client.post(f"{FACTS}table/write", data=values | {"content": "%"}, headers=SAME_SITE)).status_code == 400
    assert fact(menu_service).data["address"] == "450 Oak St"


@pytest.mark.parametrize("content", [b"", b"name;key\n", b"key,name\na,\xe9\n", b'key\n"', b"x" * 5_000_001])
async def test_what_is_no_table(client: httpx.AsyncClient, menu_service: Service, content: bytes) -> None:
    await signed_in(client, menu_service, "author")
    page = await check(client, content)
    assert page.status_code in (400, 413)
    assert "cannot be read" in page.text


async def test_rows_of_another_office_are_refused(client: httpx.AsyncClient, menu_service: Service) -> None:
    make_user(menu_service, "pat", "author")
    with menu_service.sessions.begin() as session:
        session.query(StaffUser).filter(StaffUser.name == "pat").one().owners = ["public_works"]
    await sign_in(client, "pat")
    table = await get(client)
    assert (await check(client, table)).status_code == 200, "what does not change may stand in it"
    page = await check(client, table.replace("450 Oak St", "451 Oak St"))
    assert page.status_code == 400
    assert "lincoln" in page.text
    assert "another office" in page.text


async def test_formulas_are_harmless_and_come_back(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    with menu_service.sessions.begin() as session:
        session.get_one(FactRow, fact(menu_service).id).source = "=HYPERLINK(1)"
    table = await get(client)
    cells = [cell for row in csv.reader(io.StringIO(table.removeprefix("\ufeff"))) for cell in row]
    assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]
    page = await check(client, table)
    assert "<strong>0</strong> changed" in page.text
    assert (await confirm(client, page.text)).status_code == 303
    assert fact(menu_service).source == "=HYPERLINK(1)"
    with menu_service.sessions() as session:
        read = read_table(session, type="shelter", content=table.encode(), zone=ZoneInfo("America/New_York"), now=clock.now())
    assert not read.errors, "the command line takes the same file"


def test_every_problem_has_words_in_each_language() -> None:
    source = (ROOT / "knowledge" / "fact_reader.py").read_text("utf-8")
    codes = set(re.findall(r'_report\(\s*(?:line|1|self\._seen\[row\.key\]), [^,]+(?:\([^)]*\))?, "(\w+)"', source))
    assert len(codes) > 10
    values = dict.fromkeys(("columns", "line_of", "example", "states", "said"), "x")
    for code in codes | {"zip", "zips", "needs", "english", "state", "long", "wrong", "as_of_empty", "expires_empty"}:
        assert all(words(f"facts.problem_{code}", language, **values) for language in LANGUAGES), code
