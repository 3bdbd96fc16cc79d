"""The second factor, the fresh proof and a person's own sessions, over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pyotp
import pytest
import time_machine
from fastapi import FastAPI
from starlette.requests import Request

from server import clock
from server.app import create_app
from server.assembly import Service
from server.http.deps import ChannelDeps
from server.settings import Mode
from server.staff.access import COOKIE, SecondFactorNeeded, staff_user
from server.staff.models import RecoveryCode, StaffSession, StaffUser
from tests.server.harness import rows, running
from tests.server.staffroom import PASSWORD, SAME_SITE, make_user, sign_in, signed_in


@pytest.fixture
def frozen() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel("2026-09-30T12:00:00+00:00", tick=False) as coordinates:
        yield coordinates


async def post(client: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    return await client.post(path, data=fields, headers={**SAME_SITE, "accept": "text/html"})


async def enrol(client: httpx.AsyncClient) -> tuple[str, list[str]]:
    """Sets up a second factor as a person with an app does; gives the secret and the recovery codes."""
    page = (await client.get("/account/second-factor")).text
    secret = "".join(re.findall(r'class="secret">([A-Z2-7 ]+)<', page)[0].split())
    sealed = re.findall(r'name="sealed" value="([^"]+)"', page)[0]
    done = await post(client, "/account/second-factor", sealed=sealed, code=code_of(secret))
    assert done.status_code == 200
    return secret, re.findall(r"<code>([a-z2-9-]{17})</code>", done.text)


def code_of(secret: str) -> str:
    return pyotp.TOTP(secret).at(clock.now())


async def test_a_code_is_asked_for_at_the_next_sign_in(
    client: httpx.AsyncClient, menu_service: Service, frozen: time_machine.Coordinates
) -> None:
    await signed_in(client, menu_service, "approver")
    secret, codes = await enrol(client)
    assert len(set(codes)) == 10
    user = rows(menu_service, StaffUser)[0]
    assert secret not in str(user.totp_secret), "the secret is sealed"
    assert not any(code.replace("-", "") in row.code_hash for row in rows(menu_service, RecoveryCode) for code in codes)
    await post(client, "/sign-out")

    half = await sign_in(client)
    assert half.status_code == 200
    assert (await client.get("/desk/")).headers["location"].startswith("/sign-in"), "half a sign-in opens nothing"
    held = client.cookies[COOKIE]
    assert (await post(client, "/sign-in/code", code="000000")).status_code == 403
    assert (await post(client, "/sign-in/code", code=code_of(secret))).status_code == 403, "a code that was used is used up"
    frozen.shift(timedelta(seconds=30))
    done = await post(client, "/sign-in/code", code=code_of(secret), next="/desk/?x=1")
    assert (done.status_code, done.headers["location"]) == (303, "/desk/?x=1")
    assert client.cookies[COOKIE] != held, "the whole session has a token of its own"
    assert (await client.get("/desk/")).status_code == 200


async def test_a_recovery_code_works_once(
    client: httpx.AsyncClient, menu_service: Service, frozen: time_machine.Coordinates
) -> None:
    await signed_in(client, menu_service, "approver")
    _, codes = await enrol(client)
    for expected in (303, 403):
        await sign_in(client)
        assert (await post(client, "/sign-in/code", code=codes[3].upper())).status_code == expected
    assert sum(row.used_at is not None for row in rows(menu_service, RecoveryCode)) == 1


async def test_wrong_codes_lock_the_account_as_wrong_passwords_do(
    client: httpx.AsyncClient, menu_service: Service, frozen: time_machine.Coordinates
) -> None:
    await signed_in(client, menu_service, "approver")
    secret, _ = await enrol(client)
    await sign_in(client)
    for _ in range(6):
        await post(client, "/sign-in/code", code="000000")
    frozen.shift(timedelta(seconds=29))
    assert (await post(client, "/sign-in/code", code=code_of(secret))).status_code == 403
    assert (await sign_in(client)).status_code == 403, "the password, too, waits"


async def test_half_a_sign_in_ends_after_five_minutes(
    client: httpx.AsyncClient, menu_service: Service, frozen: time_machine.Coordinates
) -> None:
    await signed_in(client, menu_service, "approver")
    secret, _ = await enrol(client)
    await sign_in(client)
    frozen.shift(timedelta(minutes=5))
    assert (await post(client, "/sign-in/code", code=code_of(secret))).status_code == 403


@pytest.mark.parametrize("sealed", ["", "x", "AAAA" * 20, "ñ"])
async def test_an_enrolment_that_was_tampered_with_begins_again(
    client: httpx.AsyncClient, menu_service: Service, sealed: str
) -> None:
    await signed_in(client, menu_service, "approver")
    answer = await post(client, "/account/second-factor", sealed=sealed, code="123456")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/second-factor")
    assert rows(menu_service, StaffUser)[0].totp_secret is None


async def test_a_wrong_code_does_not_enrol(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    page = (await client.get("/account/second-factor?lang=es")).text
    sealed = re.findall(r'name="sealed" value="([^"]+)"', page)[0]
    answer = await post(client, "/account/second-factor", sealed=sealed, code="abc")
    assert answer.status_code == 400
    assert "Este código no es correcto" in answer.text, "the language that was chosen stays"
    assert sealed != re.findall(r'name="sealed" value="([^"]+)"', answer.text)[0]
    assert rows(menu_service, StaffUser)[0].totp_secret is None


async def test_a_fresh_proof_is_asked_for_and_leads_back(
    client: httpx.AsyncClient, menu_service: Service, frozen: time_machine.Coordinates
) -> None:
    await signed_in(client, menu_service, "administrator")
    frozen.shift(timedelta(minutes=31))
    asked = await client.post(
        "/console/people/",
        data={"name": "ben", "role": "agent"},
        headers={**SAME_SITE, "accept": "text/html", "referer": "http://testserver/console/people/"},
    )
    assert asked.status_code == 303, asked.text
    assert (asked.status_code, asked.headers["location"]) == (303, "/confirm?next=%2Fconsole%2Fpeople%2F&kept=1")
    assert len(rows(menu_service, StaffUser)) == 1
    assert (await post(client, "/confirm", secret="wrong")).status_code == 403
    done = await post(client, "/confirm", secret=PASSWORD, next="/console/people/")
    assert (done.status_code, done.headers["location"]) == (303, "/console/people/")
    assert (await post(client, "/console/people/", name="ben", role="agent")).status_code == 200


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", "/sign-out", "javascript:alert(1)"])
async def test_nobody_is_led_to_another_site(client: httpx.AsyncClient, menu_service: Service, back: str) -> None:
    make_user(menu_service)
    answer = await client.post("/sign-in", data={"name": "ana", "password": PASSWORD, "next": back}, headers=SAME_SITE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/")


async def test_own_sessions_are_seen_and_ended(app: FastAPI, menu_service: Service) -> None:
    make_user(menu_service)
    async with running(app) as phone, running(app) as desk:
        for one, device in ((phone, "Mozilla/5.0 (iPhone) Safari"), (desk, "Mozilla/5.0 (Windows NT) Firefox")):
            one.headers["user-agent"] = device
            await sign_in(one)
        page = (await desk.get("/account")).text
        assert "Safari · iPhone" in page
        assert "Firefox · Windows" in page
        assert (await post(desk, "/account/sessions/end")).status_code == 303
        assert (await phone.get("/desk/")).status_code == 303, "the other one is out at once"
        assert (await desk.get("/desk/")).status_code == 200
    assert len(rows(menu_service, StaffSession)) == 1


async def test_who_can_change_words_needs_a_second_factor_in_live_mode(menu_service: Service) -> None:
    service = menu_service
    settings = service.settings.model_copy(update={"mode": Mode.LIVE})
    app = create_app(service.settings, service=service)
    deps = ChannelDeps(
        settings=settings, spine=service.spine, library=service.library, keys=service.keys, sessions=service.sessions
    )
    async with running(app) as client:
        for role, asked in (("agent", False), ("approver", True)):
            await signed_in(client, service, role, name=role)
            request = _request(client.cookies[COOKIE])
            if asked:
                with pytest.raises(SecondFactorNeeded):
                    staff_user(request, deps, "desk.see")
                await enrol(client)
            assert staff_user(request, deps, "desk.see").name == role


def _request(token: str) -> Request:
    headers = [(b"cookie", f"{COOKIE}={token}".encode())]
    return Request({"type": "http", "method": "GET", "path": "/desk/", "query_string": b"", "headers": headers})


async def test_a_password_is_changed_by_its_owner_alone_and_ends_other_sessions(
    app: FastAPI, menu_service: Service, frozen: time_machine.Coordinates
) -> None:
    make_user(menu_service)
    async with running(app) as here, running(app) as elsewhere:
        await sign_in(here)
        await sign_in(elsewhere)
        new = "a long new sentence"
        frozen.shift(timedelta(minutes=31))
        asked = await post(here, "/password", new=new, again=new)
        assert asked.headers["location"].startswith("/confirm")
        await post(here, "/confirm", secret=PASSWORD)
        assert (await post(here, "/password", new=new, again=new)).status_code == 303
        assert (await here.get("/account")).status_code == 200
        assert (await elsewhere.get("/account", headers={"accept": "text/html"})).status_code == 303
        assert (await sign_in(elsewhere, password=new)).status_code == 303
