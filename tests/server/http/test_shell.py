"""What every staff page shares: the bar, notices, errors that lead on, compression and caching."""

from __future__ import annotations

import httpx
import pytest

from server.assembly import Service
from server.http.navigation import PLACES, home_for, places_for, same_site
from server.http.pages import go
from server.staff.permissions import PERMISSIONS
from server.staff.service import ROLES
from tests.server.staffroom import SAME_SITE, signed_in

HTML = {"accept": "text/html"}


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)", "", None, "desk", "/desk\n/x",
     "/a\\b", "/sign-in", "/sign-out", "/confirm?next=/desk/", "/" + "x" * 500],
)  # fmt: skip
def test_paths_that_nobody_is_led_to(path: str | None) -> None:
    assert same_site(path) is None


@pytest.mark.parametrize("path", ["/", "/desk/", "/console/messages/?q=a&lang=es", "/console/facts/shelters#x"])
def test_paths_of_ours(path: str) -> None:
    assert same_site(path) == path


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_its_places_and_starts_in_one(role: str) -> None:
    seen = {place.path for place, _ in places_for(role, "/desk/")}
    assert seen == {place.path for place in PLACES if role in PERMISSIONS[place.permission]}
    assert home_for(role) in seen
    assert [place.path for place, here in places_for(role, "/desk/c/HC-2222222") if here] == ["/desk/"]


async def test_the_current_place_is_marked(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service)
    page = (await client.get("/desk/")).text
    assert 'href="/desk/" aria-current="page"' in page
    assert "ana" in page
    assert "style=" not in page
    assert "<script>" not in page


async def test_a_browser_without_a_session_is_led_to_the_sign_in_and_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/desk/events?x=1", headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fdesk%2Fevents%3Fx%3D1")
    posted = await client.post("/desk/alerts/1", headers={**HTML, **SAME_SITE, "referer": "http://testserver/desk/?lang=es"})
    assert posted.headers["location"] == "/sign-in?next=%2Fdesk%2F%3Flang%3Des"
    elsewhere = await client.post("/desk/alerts/1", headers={**HTML, **SAME_SITE, "referer": "https://evil.example/desk/"})
    assert elsewhere.headers["location"] == "/sign-in"


async def test_a_part_of_a_page_moves_the_whole_window(client: httpx.AsyncClient) -> None:
    headers = {"hx-request": "true", "hx-current-url": "http://testserver/desk/"}
    answer = await client.get("/desk/events", headers=headers)
    assert (answer.status_code, answer.headers["hx-redirect"], answer.text) == (403, "/sign-in?next=%2Fdesk%2F", "")


@pytest.mark.parametrize(
    ("role", "method", "path", "status", "words"),
    [
        ("viewer", "POST", "/desk/contact/HC-2222222", 403, {"en": "Your role may not do this", "es": "Su función no permite"}),
        ("agent", "GET", "/desk/c/HC-2222222", 404, {"en": "There is no such page", "es": "Esta página no existe"}),
        ("agent", "GET", "/desk/alerts/1", 405, {"en": "cannot be done here", "es": "no se puede hacer aquí"}),
        ("agent", "POST", "/desk/alerts/none", 422, {"en": "alert_id", "es": "Faltan estos campos"}),
    ],
)
@pytest.mark.parametrize("lang", ["en", "es"])
async def test_an_error_is_a_page_in_the_persons_language_with_a_way_back(
    client: httpx.AsyncClient,
    menu_service: Service,
    role: str,
    method: str,
    path: str,
    status: int,
    words: dict[str, str],
    lang: str,
) -> None:
    await signed_in(client, menu_service, role)
    headers = {**HTML, **SAME_SITE, "referer": "http://testserver/desk/?x=1"}
    answer = await client.request(method, path, params={"lang": lang}, headers=headers)
    assert answer.status_code == status
    assert words[lang] in answer.text
    assert f'<html lang="{lang}">' in answer.text
    assert f'href="{"/desk/?x=1" if method == "POST" else home_for(role)}"' in answer.text
    piece = await client.request(method, path, params={"lang": lang}, headers={**SAME_SITE, "hx-request": "true"})
    assert piece.status_code == status
    assert piece.json()["error"]


@pytest.mark.parametrize("notice", ["<b>pwned</b>", "staff.sign_in", "shell.menu", "x", "", "notice"])
async def test_a_link_cannot_put_words_on_a_page(client: httpx.AsyncClient, menu_service: Service, notice: str) -> None:
    await signed_in(client, menu_service)
    page = (await client.get("/desk/", params={"notice": notice})).text
    assert 'role="status"' not in page
    assert "pwned" not in page


def test_a_change_leads_to_a_page_with_its_notice() -> None:
    assert go("/console/facts/").headers["location"] == "/console/facts/"
    assert go("/a?b=c", notice="facts.notice_saved").headers["location"] == "/a?b=c&notice=facts.saved"
    assert go("/a", notice="facts.notice_saved").status_code == 303


@pytest.mark.parametrize(
    ("path", "caching", "encoding"),
    [
        ("/static/vendor/uswds/css/uswds.min.css", "public, max-age=31536000, immutable", "gzip"),
        ("/static/staff.css", "no-cache", "gzip"),
        (
            "/static/vendor/uswds/fonts/source-sans-pro/sourcesanspro-bold-webfont.woff2",
            "public, max-age=31536000, immutable",
            None,
        ),
        ("/sign-in", "no-store", "gzip"),
        ("/twilio/voice/hold.wav", None, None),
    ],
)
async def test_what_is_kept_and_what_is_compressed(
    client: httpx.AsyncClient, path: str, caching: str | None, encoding: str | None
) -> None:
    answer = await client.get(path, headers={"accept-encoding": "gzip"})
    assert answer.headers.get("content-encoding") == encoding
    assert caching is None or answer.headers["cache-control"] == caching


async def test_every_file_that_the_style_sheets_name_for_us_is_there(client: httpx.AsyncClient) -> None:
    sheet = (await client.get("/static/staff.css")).text
    for line in sheet.split('url("')[1:]:
        assert (await client.get("/static/" + line.split('"')[0])).status_code == 200
