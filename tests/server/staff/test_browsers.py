"""The browsers that a person signed in with: listed, and forgotten one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import time_machine
from fastapi import FastAPI

from server.assembly import Service
from server.audit.models import AuditRow
from server.staff.models import KnownBrowser, StaffFailure
from tests.server.harness import rows, running
from tests.server.staffroom import SAME_SITE, make_user, sign_in

PHONE, DESK = "Mozilla/5.0 (iPhone) Safari", "Mozilla/5.0 (Windows NT) Firefox"


@pytest.fixture
def frozen() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel("2026-09-30T12:00:00+00:00", tick=False) as coordinates:
        yield coordinates


async def at(client: httpx.AsyncClient, device: str, name: str = "ana") -> httpx.AsyncClient:
    client.headers["user-agent"] = device
    assert (await sign_in(client, name)).status_code == 303
    return client


async def press(client: httpx.AsyncClient, page: str, device: str) -> httpx.Response:
    """Presses the button of one browser on a page."""
    listed = re.findall(r'action="([^"]+/forget)"><button[^>]+aria-label="[^"]*' + re.escape(device), (await client.get(page)).text)
    assert len(listed) == 1
    return await client.post(listed[0], headers=SAME_SITE)


async def test_one_that_was_lost_is_forgotten_and_signed_out(
    app: FastAPI, menu_service: Service, frozen: time_machine.Coordinates
) -> None:
    make_user(menu_service)
    async with running(app) as phone, running(app) as desk:
        await at(phone, PHONE)
        frozen.shift(timedelta(minutes=1))
        await at(desk, DESK)
        page = (await desk.get("/account")).text
        assert page.index("Firefox · Windows") < page.index("Safari · iPhone"), "the latest seen first"
        assert (await press(desk, "/account", "Safari · iPhone")).headers["location"] == "/account?notice=browsers.forgotten"
        assert (await phone.get("/desk/")).status_code == 303, "it is signed out at once"
        assert (await desk.get("/desk/")).status_code == 200
        assert "Safari · iPhone" not in (await desk.get("/account")).text
        assert (await sign_in(phone, password="wrong")).status_code == 403
        assert [row.known for row in rows(menu_service, StaffFailure)] == [False], "it counts as a stranger's"
        frozen.shift(timedelta(minutes=1))
        await at(phone, PHONE)
        assert len(rows(menu_service, KnownBrowser)) == 2, "the right password makes it known again"
    (told,) = rows(menu_service, AuditRow, AuditRow.action == "staff.browser_forgotten")
    assert (told.actor, told.subject, told.detail) == ("ana", "ana", {"device": "Safari · iPhone", "sessions": 1})


async def test_a_browser_is_listed_once_and_not_for_ever(
    client: httpx.AsyncClient, menu_service: Service, frozen: time_machine.Coordinates
) -> None:
    make_user(menu_service)
    await at(client, DESK)
    frozen.shift(timedelta(days=1))
    await at(client, DESK)
    (row,) = rows(menu_service, KnownBrowser)
    assert row.last_seen_at - row.known_since == timedelta(days=1)
    frozen.shift(timedelta(days=181))
    client.cookies.clear()
    await at(client, PHONE)
    assert [row.device for row in rows(menu_service, KnownBrowser)] == ["Safari · iPhone"]


async def test_an_administrator_forgets_one_of_a_person(app: FastAPI, client: httpx.AsyncClient, menu_service: Service) -> None:
    make_user(menu_service)
    make_user(menu_service, "rosa", "supervisor")
    make_user(menu_service, "root", "administrator")
    async with running(app) as phone, running(app) as rosa:
        await at(phone, PHONE)
        await at(rosa, DESK, "rosa")
        page = await rosa.get("/console/people/ana")
        assert "Safari · iPhone" in page.text
        assert "/forget" not in page.text, "a supervisor looks only"
        (known,) = [row for row in rows(menu_service, KnownBrowser) if row.device.startswith("Safari")]
        forced = f"/console/people/ana/browsers/{known.browser_hash}/forget"
        assert (await rosa.post(forced, headers=SAME_SITE)).status_code == 403
        own = f"/account/browsers/{known.browser_hash}/forget"
        assert (await rosa.post(own, headers=SAME_SITE)).status_code == 404, "another person's is not one's own"
        await at(client, DESK, "root")
        done = await press(client, "/console/people/ana", "Safari · iPhone")
        assert done.headers["location"] == "/console/people/ana?notice=browsers.forgotten"
        assert (await client.post(forced, headers=SAME_SITE)).status_code == 404, "pressed twice"
        assert (await phone.get("/desk/")).status_code == 303
    (told,) = rows(menu_service, AuditRow, AuditRow.action == "staff.browser_forgotten")
    assert (told.actor, told.subject) == ("root", "ana")
