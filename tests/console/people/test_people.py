"""The accounts of staff over HTTP: who may change them, and what a change does at once."""

from __future__ import annotations

import re

import httpx
import pytest
from fastapi import FastAPI

from server.assembly import Service
from server.staff.models import StaffUser
from server.staff.permissions import PERMISSIONS
from server.staff.service import ROLES
from tests.server.harness import rows, running
from tests.server.staffroom import SAME_SITE, make_user, sign_in, signed_in


async def post(client: httpx.AsyncClient, path: str, **fields: str | list[str]) -> httpx.Response:
    return await client.post(path, data=fields, headers={**SAME_SITE, "accept": "text/html"})


def account(service: Service, name: str) -> StaffUser:
    return next(user for user in rows(service, StaffUser) if user.name == name)


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_see_and_change(client: httpx.AsyncClient, menu_service: Service, role: str) -> None:
    make_user(menu_service, "ben", "agent")
    make_user(menu_service, "root", "administrator")
    await signed_in(client, menu_service, role)
    sees, changes = role in PERMISSIONS["people.see"], role in PERMISSIONS["people.change"]
    for path in ("/console/people/", "/console/people/ben"):
        assert (await client.get(path, headers={"accept": "text/html"})).status_code == (200 if sees else 403)
    for path, fields in (
        ("/console/people/", {"name": "new", "role": "viewer"}),
        ("/console/people/ben", {"role": "viewer"}),
        *((f"/console/people/ben/{act}", {}) for act in ("reset", "off", "on", "end")),
    ):
        assert (await post(client, path, **fields)).status_code in ((200, 303) if changes else (403,)), path
    assert (account(menu_service, "ben").role == "viewer") is changes
    assert len(rows(menu_service, StaffUser)) == (4 if changes else 3)


async def test_an_invited_person_chooses_a_password_and_starts(
    app: FastAPI, client: httpx.AsyncClient, menu_service: Service
) -> None:
    await signed_in(client, menu_service, "administrator")
    page = await post(client, "/console/people/", name="Ben ", role="agent")
    first = re.findall(r"<code>([a-z2-9-]{19})</code>", page.text)[0]
    again = await post(client, "/console/people/", name="ben", role="agent")
    assert again.status_code == 400, "a name is given once"
    async with running(app) as other:
        assert (await sign_in(other, "ben", first)).headers["location"] == "/password"
        assert (await other.get("/account", headers={"accept": "text/html"})).headers["location"].startswith("/password")


async def test_switched_off_is_out_at_once(app: FastAPI, client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "administrator")
    async with running(app) as other:
        await signed_in(other, menu_service, "agent", name="ben")
        assert (await other.get("/desk/")).status_code == 200
        assert (await post(client, "/console/people/ben/off")).status_code == 303
        assert (await other.get("/desk/", headers={"accept": "text/html"})).status_code == 303
        assert (await sign_in(other, "ben")).status_code == 403
        await post(client, "/console/people/ben/on")
        assert (await sign_in(other, "ben")).status_code == 303


async def test_the_last_administrator_stays(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "administrator")
    assert (await post(client, "/console/people/ana", role="agent")).status_code == 409
    assert (await post(client, "/console/people/ana/off")).status_code == 409
    make_user(menu_service, "ben", "administrator")
    assert (await post(client, "/console/people/ana", role="agent")).status_code == 303
    assert account(menu_service, "ana").role == "agent"


async def test_offices_limit_an_account(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "administrator")
    make_user(menu_service, "ben", "author")
    await post(client, "/console/people/ben", role="author", owners=["water_utility", "transit"])
    assert account(menu_service, "ben").owners == ["transit", "water_utility"]
    refused = await post(client, "/console/people/ben", role="author", owners=["nobody"])
    assert refused.status_code == 400
    assert account(menu_service, "ben").owners == ["transit", "water_utility"]


@pytest.mark.parametrize(("path", "status"), [("/console/people/nobody", 404), ("/console/people/ana/dance", 400)])
async def test_what_is_not_there(client: httpx.AsyncClient, menu_service: Service, path: str, status: int) -> None:
    await signed_in(client, menu_service, "administrator")
    assert (await post(client, path, role="agent")).status_code == status
