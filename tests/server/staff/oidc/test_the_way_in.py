"""Signing in with the city's identity provider, against a real small one on loopback."""

from __future__ import annotations

import html
from datetime import timedelta

import httpx
import pyotp
import pytest
import time_machine
from fastapi import FastAPI
from starlette.requests import Request

from console.catalogue.loader import text as catalogue
from server import clock
from server.app import create_app
from server.assembly import Service
from server.errors import NotReady
from server.http.deps import ChannelDeps
from server.settings import Mode, Settings
from server.staff.access import COOKIE, SecondFactorNeeded, staff_user
from server.staff.models import StaffIdentity, StaffSession, StaffUser
from server.staff.oidc import flow
from server.staff.oidc.provider import guarded, make_provider
from server.staff.people import switch
from tests.server.harness import rows, running
from tests.server.staff.oidc.identity_provider import IdentityProvider
from tests.server.staff.oidc.walking import audited, by_provider, come_back, go_there, known_as
from tests.server.staffroom import PASSWORD, SAME_SITE, make_user, sign_in


async def test_a_person_signs_in_at_the_provider(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str
) -> None:
    page = (await client.get("/sign-in?next=/console/facts/")).text
    assert 'href="/sign-in/oidc?next=/console/facts/"' in page
    sent = await client.get("/sign-in/oidc?next=/console/facts/")
    (cookie,) = sent.headers.get_list("set-cookie")
    for part in ("HttpOnly", "SameSite=strict", "Path=/sign-in/oidc"):
        assert part in cookie
    answer = await by_provider(client, provider, "/sign-in/oidc?next=/console/facts/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/facts/")
    assert (await client.get("/console/facts/")).status_code == 200
    assert flow.COOKIE not in client.cookies
    asked = provider.asked[0]
    assert (asked["response_type"], asked["code_challenge_method"], asked["scope"]) == ("code", "S256", "openid email")
    assert "prompt" not in asked
    (bound,) = rows(menu_service, StaffIdentity)
    assert (bound.issuer, bound.subject) == (provider.issuer, "u-1")
    assert audited(menu_service, "staff.signed_in") == [{"provider": provider.issuer, "second_factor": False}]
    assert len(audited(menu_service, "staff.identity_bound")) == 1
    await by_provider(client, provider)
    assert len(audited(menu_service, "staff.identity_bound")) == 1, "bound once"


async def test_a_provider_that_takes_the_secret_in_the_form(
    client: httpx.AsyncClient, provider: IdentityProvider, ana: str
) -> None:
    provider.methods = ("client_secret_post",)
    assert (await by_provider(client, provider)).headers["location"] == "/console/"


async def test_the_session_is_one_of_ours(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str
) -> None:
    await by_provider(client, provider)
    with menu_service.sessions.begin() as session:
        switch(session, name=ana, on=False, actor="tests")
    assert (await client.get("/desk/")).status_code == 303, "ended by switching the person off"
    with menu_service.sessions.begin() as session:
        switch(session, name=ana, on=True, actor="tests")
    with time_machine.travel(clock.now(), tick=False) as time:
        await by_provider(client, provider)
        time.shift(timedelta(hours=2, minutes=1))
        assert (await client.get("/desk/")).status_code == 303, "left alone"


async def test_a_one_time_password_is_still_replaced_for_the_day_the_provider_is_away(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service
) -> None:
    make_user(menu_service, password=None)
    known_as(menu_service, "ana", "ana@example.gov")
    assert (await by_provider(client, provider)).headers["location"] == "/password"


def with_factor(service: Service) -> str:
    secret = pyotp.random_base32()
    with service.sessions.begin() as session:
        user = session.get_one(StaffUser, rows(service, StaffUser)[0].id)
        user.totp_secret = service.keys.seal(secret)
    return secret


@pytest.mark.parametrize("method", ["mfa", "otp", "hwk"])
async def test_a_second_factor_there_is_one(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str, method: str
) -> None:
    with_factor(menu_service)
    provider.person["amr"] = ["pwd", method]
    assert (await by_provider(client, provider)).headers["location"] == "/console/"
    assert rows(menu_service, StaffSession)[0].vouched


async def test_in_live_mode_one_there_is_enough_and_none_is_not(
    app: FastAPI, client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str
) -> None:
    live = menu_service.settings.model_copy(update={"mode": Mode.LIVE})
    service = menu_service
    deps = ChannelDeps(settings=live, spine=service.spine, library=service.library, keys=service.keys, sessions=service.sessions)

    def asks() -> Request:
        headers = [(b"cookie", f"{COOKIE}={client.cookies[COOKIE]}".encode())]
        return Request({"type": "http", "method": "GET", "path": "/desk/", "query_string": b"", "headers": headers})

    await by_provider(client, provider)
    with pytest.raises(SecondFactorNeeded):
        staff_user(asks(), deps, "messages.approve")
    provider.person["amr"] = ["pwd", "mfa"]
    await by_provider(client, provider)
    assert staff_user(asks(), deps, "messages.approve").name == "ana"


@pytest.mark.parametrize(("amr", "words"), [(["pwd", "mfa"], "factor_vouched"), (["pwd"], "factor_off")])
async def test_the_account_tells_whether_the_one_there_is_enough(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str, amr: list[str], words: str
) -> None:
    provider.person["amr"] = amr
    await by_provider(client, provider)
    for language in ("en", "es"):
        page = html.unescape((await client.get("/account", params={"lang": language})).text)
        told = [
            name for name in ("factor_vouched", "factor_needed", "factor_off") if catalogue(f"account.{name}", language) in page
        ]
        assert told == [words]


@pytest.mark.parametrize("amr", [["pwd"], [], None, ["sms"]])
async def test_without_one_there_ours_is_asked_for(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str, amr: list[str] | None
) -> None:
    secret = with_factor(menu_service)
    provider.bend["amr"] = amr
    answer = await by_provider(client, provider, "/sign-in/oidc?next=/desk/")
    assert answer.headers["location"] == "/sign-in/code?next=%2Fdesk%2F"
    assert "autofocus" in (await client.get(answer.headers["location"])).text
    assert (await client.get("/desk/")).status_code == 303, "half a sign-in opens nothing"
    fields = {"code": pyotp.TOTP(secret).at(clock.now()), "next": "/desk/"}
    done = await client.post("/sign-in/code", data=fields, headers=SAME_SITE)
    assert (done.status_code, done.headers["location"]) == (303, "/desk/")


async def test_a_fresh_proof_at_the_provider(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str
) -> None:
    with time_machine.travel(clock.now(), tick=False) as time:
        await by_provider(client, provider)
        time.shift(timedelta(minutes=31))
        led = await client.get("/account/second-factor", headers={"accept": "text/html"})
        assert led.headers["location"].startswith("/confirm")
        assert 'href="/confirm/oidc?next=/account/second-factor"' in (await client.get(led.headers["location"])).text
        provider.bend = {"auth_time": int(clock.now().timestamp()) - 1800}
        stale = await by_provider(client, provider, "/confirm/oidc?next=/account/second-factor")
        assert stale.headers["location"].startswith("/confirm?elsewhere=refused")
        provider.bend = {"auth_time": None}
        assert (await by_provider(client, provider, "/confirm/oidc")).headers["location"].startswith("/confirm?elsewhere=refused")
        provider.bend = {"sub": "u-2"}
        assert (await by_provider(client, provider, "/confirm/oidc")).headers["location"].startswith("/confirm?elsewhere=refused")
        assert (await client.get("/account/second-factor")).status_code == 303, "nothing is proved yet"
        provider.bend = {}
        fresh = await by_provider(client, provider, "/confirm/oidc?next=/account/second-factor")
        assert fresh.headers["location"] == "/account/second-factor"
        assert (await client.get("/account/second-factor")).status_code == 200
    assert (provider.asked[-1]["prompt"], provider.asked[-1]["max_age"]) == ("login", "0")
    assert audited(menu_service, "staff.proved") == [{"provider": provider.issuer}]
    whys = [detail["why"] for detail in audited(menu_service, "staff.identity_refused")]
    assert whys == ["no fresh proof", "no fresh proof", "another subject"]


async def test_a_proof_is_for_the_session_that_went_for_it(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str
) -> None:
    await by_provider(client, provider)
    make_user(menu_service, "ben", "approver")
    back = await go_there(client, provider, "/confirm/oidc")
    assert (await sign_in(client, "ben")).status_code == 303
    assert (await come_back(client, back)).headers["location"] == "/sign-in"
    assert not audited(menu_service, "staff.proved")
    back = await go_there(client, provider, "/confirm/oidc")
    answer = await come_back(client, back)
    assert answer.headers["location"].startswith("/confirm?elsewhere=refused"), "Ana's identity proves nothing for Ben"
    assert {"why": "another person"} in audited(menu_service, "staff.identity_refused")


async def test_the_address_is_set_by_an_administrator(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str
) -> None:
    make_user(menu_service, "root", "administrator")
    await sign_in(client, "root")
    page = (await client.get("/console/people/ana")).text
    assert 'value="ana@example.gov"' in page

    async def save(name: str, email: str) -> httpx.Response:
        return await client.post(f"/console/people/{name}/email", data={"email": email}, headers=SAME_SITE)

    assert (await save("ana", " Ana.Diaz@Example.gov ")).status_code == 303
    assert rows(menu_service, StaffUser, StaffUser.name == "ana")[0].email == "ana.diaz@example.gov"
    assert (await save("root", "ana.diaz@example.gov")).status_code == 409
    for wrong in (
        "ana",
        "@example.gov",
        "ana@",
        "a b@example.gov",
        "ana@example.gov,b@example.gov",
        "a@b@c.gov",
        "x" * 300 + "@a.gov",
    ):
        assert (await save("ana", wrong)).status_code == 400, wrong
    assert (await save("ana", "")).status_code == 303
    assert rows(menu_service, StaffUser, StaffUser.name == "ana")[0].email is None
    client.cookies.clear()
    await sign_in(client)
    assert (await save("ana", "ana@example.gov")).status_code == 403, "an approver may not"


@pytest.mark.parametrize(
    ("named", "missing"),
    [
        ({"oidc_issuer": "https://id.example"}, ["CLIENT_ID", "CLIENT_SECRET"]),
        ({"oidc_client_id": "x", "oidc_client_secret": "y"}, ["ISSUER"]),
        ({"oidc_issuer": "http://id.example", "oidc_client_id": "x", "oidc_client_secret": "y"}, ["https://"]),
    ],
)
def test_half_a_set_up_is_named(named: dict[str, str], missing: list[str]) -> None:
    with pytest.raises(NotReady) as told:
        make_provider(Settings(**named))
    assert all(each in str(told.value) for each in missing)


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://id.example/x", True),
        ("http://127.0.0.1:8/x", True),
        ("http://localhost:8", True),
        ("http://id.example", False),
        ("https://", False),
        ("ftp://127.0.0.1", False),
        ("", False),
    ],
)
def test_only_addresses_that_nobody_on_the_way_can_read(address: str, good: bool) -> None:
    assert guarded(address) is good


async def test_without_a_provider_there_is_nothing(menu_service: Service, settings: Settings) -> None:
    assert make_provider(settings) is None
    async with running(create_app(settings, address="http://testserver", service=menu_service)) as client:
        assert "oidc" not in (await client.get("/sign-in")).text
        assert (await client.get("/sign-in/oidc")).status_code == 404
        assert (await client.get("/sign-in/oidc/finish")).status_code == 404
        assert PASSWORD not in (await client.get("/sign-in?elsewhere=made-up")).text
