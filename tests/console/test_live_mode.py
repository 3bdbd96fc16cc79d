"""What the people of a city meet in live mode when they open a page of theirs for the first time."""

from __future__ import annotations

import httpx
import pytest

from server.app import create_app
from server.assembly import Service
from server.staff.service import add_user
from tests.server.harness import running
from tests.server.staffroom import PASSWORD, make_user, sign_in

HTML = {"accept": "text/html"}
PAGES = ("/desk/", "/desk/figures", "/console/", "/console/review/", "/console/facts/")


@pytest.mark.parametrize("page", PAGES)
async def test_a_supervisor_is_led_to_the_second_factor(live_service: Service, page: str) -> None:
    make_user(live_service, "sofia", "supervisor")
    async with running(create_app(live_service.settings, service=live_service)) as client:
        client.base_url = httpx.URL("https://testserver")
        await sign_in(client, "sofia")
        answer = await client.get(page, headers=HTML)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/account/second-factor")
        assert (await client.get("/account/second-factor", headers=HTML)).status_code == 200


@pytest.mark.parametrize("page", PAGES)
async def test_who_has_a_printed_password_is_led_to_choosing_one(live_service: Service, page: str) -> None:
    with live_service.sessions.begin() as session:
        printed = add_user(session, name="sofia", role="supervisor", actor="tests")[1]
    async with running(create_app(live_service.settings, service=live_service)) as client:
        client.base_url = httpx.URL("https://testserver")
        await sign_in(client, "sofia", printed)
        answer = await client.get(page, headers=HTML)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/password")


async def test_an_agent_needs_none(live_service: Service) -> None:
    make_user(live_service, "ana", "agent")
    async with running(create_app(live_service.settings, service=live_service)) as client:
        client.base_url = httpx.URL("https://testserver")
        await sign_in(client, "ana", PASSWORD)
        assert (await client.get("/desk/", headers=HTML)).status_code == 200
