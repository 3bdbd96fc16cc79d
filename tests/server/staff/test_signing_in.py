from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
import time_machine

from server.assembly import Service
from server.audit.models import AuditRow
from server.clock import now
from server.errors import BadInput, NotFound
from server.staff import access
from server.staff.models import StaffSession, StaffUser
from server.staff.permissions import PERMISSIONS
from server.staff.service import MIN_PASSWORD, ROLES, add_user, reset_user
from tests.server.harness import rows
from tests.server.staffroom import PASSWORD, SAME_SITE, make_user, sign_in, signed_in

PAGES = ["/desk/", "/desk/c/HC-2222222"]


async def test_the_right_password_opens_the_desk(client: httpx.AsyncClient, menu_service: Service) -> None:
    make_user(menu_service)
    answer = await sign_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert (await client.get("/desk/")).status_code == 200
    (session,) = rows(menu_service, StaffSession)
    assert client.cookies[access.COOKIE] not in session.token_hash, "only a hash is kept"


@pytest.mark.parametrize(
    ("name", "password"), [("ana", "wrong"), ("nobody", PASSWORD), ("ana", ""), ("", ""), ("ANA ", "x" * 5000)]
)
async def test_everything_else_gets_one_and_the_same_answer(
    client: httpx.AsyncClient, menu_service: Service, name: str, password: str
) -> None:
    make_user(menu_service)
    answer = await sign_in(client, name, password)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert "wrong" in answer.text.lower()


async def test_five_failures_lock_the_account_and_time_opens_it(client: httpx.AsyncClient, menu_service: Service) -> None:
    make_user(menu_service)
    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(5):
            assert (await sign_in(client, password="wrong")).status_code == 403
        assert (await sign_in(client)).status_code == 403, "the right one, too, while it is locked"
        clock.shift(timedelta(seconds=31))
        assert (await sign_in(client, password="wrong")).status_code == 403
        clock.shift(timedelta(seconds=31))
        assert (await sign_in(client)).status_code == 403, "each further failure locks for longer"
        clock.shift(timedelta(seconds=31))
        assert (await sign_in(client)).status_code == 303
    actions = [row.action for row in rows(menu_service, AuditRow, AuditRow.actor == "ana")]
    assert actions.count("staff.sign_in_failed") == 6
    assert actions[-1] == "staff.signed_in"


async def test_a_one_time_password_must_be_changed_first(client: httpx.AsyncClient, menu_service: Service) -> None:
    first = make_user(menu_service, password=None)
    answer = await sign_in(client, password=first)
    assert answer.headers["location"] == "/password"
    for page in PAGES:
        assert (await client.get(page)).status_code == 303, "nothing else is open yet"
    new = "a password of my own"
    for wrong in ({"new": "short", "again": "short"}, {"new": new, "again": new + "x"}, {}, {"new": first, "again": first}):
        assert (await client.post("/password", data=wrong, headers=SAME_SITE)).status_code == 400, wrong
    done = await client.post("/password", data={"new": new, "again": new}, headers=SAME_SITE)
    assert (done.status_code, done.headers["location"]) == (303, "/desk/")
    assert (await client.get("/desk/")).status_code == 200
    client.cookies.clear()
    assert (await sign_in(client, password=first)).status_code == 403
    assert (await sign_in(client, password=new)).status_code == 303


@pytest.mark.parametrize("page", PAGES)
async def test_no_page_without_signing_in(client: httpx.AsyncClient, page: str) -> None:
    answer = await client.get(page)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?{urlencode({'next': page})}")
    client.cookies.set(access.COOKIE, "made-up")
    assert (await client.get(page)).status_code == 303


@pytest.mark.parametrize("path", ["/desk/c/HC-2222222/take", "/desk/alerts/1", "/desk/contact/HC-2222222"])
async def test_no_act_without_signing_in(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, headers=SAME_SITE)).status_code == 403


async def test_the_events_need_signing_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/desk/events", headers={"accept": "text/event-stream"})
    assert answer.status_code == 403, "a stream is not led anywhere"


async def test_a_session_ends_by_sign_out_by_time_and_when_left_alone(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service)
    token = client.cookies[access.COOKIE]
    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(7):
            clock.shift(timedelta(minutes=110))
            last = await client.get("/desk/")
        assert last.status_code == 303, "twelve hours after the sign-in"
        await sign_in(client)
        clock.shift(timedelta(hours=2, minutes=1))
        assert (await client.get("/desk/")).status_code == 303, "left alone"
        await sign_in(client)
        await client.post("/sign-out", headers=SAME_SITE)
        client.cookies.set(access.COOKIE, token)
        assert (await client.get("/desk/")).status_code == 303


async def test_a_reset_ends_the_sessions_and_a_disabled_account_sees_nothing(
    client: httpx.AsyncClient, menu_service: Service
) -> None:
    await signed_in(client, menu_service)
    with menu_service.sessions.begin() as session:
        reset_user(session, name="ana", actor="tests")
    assert (await client.get("/desk/")).status_code == 303
    client.cookies.clear()
    await signed_in(client, menu_service, name="ben")
    with menu_service.sessions.begin() as session:
        session.query(StaffUser).filter(StaffUser.name == "ben").update({"disabled": True})
    assert (await client.get("/desk/")).status_code == 303
    assert (await sign_in(client, "ben")).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}]
)
async def test_another_site_cannot_act_for_a_signed_in_person(
    client: httpx.AsyncClient, menu_service: Service, headers: dict[str, str]
) -> None:
    await signed_in(client, menu_service)
    for path in ("/sign-in", "/sign-out", "/password", "/desk/c/HC-2222222/take", "/desk/alerts/1"):
        answer = await client.post(path, headers=headers)
        assert answer.status_code == 403, path
        assert answer.json()["code"] == "forbidden"
    assert (await client.get("/desk/")).status_code == 200, "and was not signed out"


@pytest.mark.parametrize(
    ("name", "role"), [("", "agent"), ("   ", "agent"), ("x" * 65, "agent"), ("ana", "boss"), ("Ana", "viewer")]
)
def test_accounts_that_cannot_be_made(menu_service: Service, name: str, role: str) -> None:
    make_user(menu_service)
    with pytest.raises(BadInput), menu_service.sessions.begin() as session:
        add_user(session, name=name, role=role, actor="tests")


def test_nobody_to_reset(menu_service: Service) -> None:
    with pytest.raises(NotFound), menu_service.sessions.begin() as session:
        reset_user(session, name="nobody", actor="tests")


def test_every_permission_names_roles_that_there_are() -> None:
    for permission, roles in PERMISSIONS.items():
        assert roles <= set(ROLES), permission
        assert "administrator" in roles, permission


def test_a_printed_password_is_long_enough_and_never_the_same(menu_service: Service) -> None:
    made = {make_user(menu_service, f"person{number}", password=None) for number in range(5)}
    assert len(made) == 5
    assert all(len(password) >= MIN_PASSWORD for password in made)
