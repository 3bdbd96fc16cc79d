"""What the identity provider or somebody in between sends that opens nothing, and a provider that is away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import time_machine

from server import clock
from server.assembly import Service
from server.audit.models import AuditRow
from server.staff.models import StaffFailure, StaffIdentity, StaffSession, StaffUser
from server.staff.oidc import flow
from server.staff.oidc.flow import Visit
from server.staff.oidc.provider import Identity
from server.staff.oidc.service import admit
from server.staff.people import switch
from server.staff.service import SignedIn
from server.staff.visitors import Visitor
from tests.server.harness import rows
from tests.server.staff.oidc.identity_provider import CLIENT, IdentityProvider
from tests.server.staff.oidc.walking import audited, by_provider, come_back, go_there, known_as, refused
from tests.server.staffroom import make_user, sign_in

BENT: Final[list[tuple[dict[str, Any], str]]] = [
    ({"nonce": "another"}, "invalid_claim: nonce"),
    ({"nonce": None}, "missing_claim: nonce"),
    ({"aud": "another-program"}, "invalid_claim: aud"),
    ({"aud": [CLIENT, "another-program"]}, "missing_claim: azp"),
    ({"iss": "https://elsewhere.example"}, "invalid_claim: iss"),
    ({"exp": 1_000_000_000}, "expired_token: exp"),
    ({"exp": None}, "missing_claim: exp"),
    ({"iat": 9_999_999_999}, "invalid_claim: iat"),
    ({"sub": None}, "missing_claim: sub"),
    ({"sub": "x" * 300}, "subject"),
    ({"email_verified": False}, "no verified e-mail address"),
    ({"email_verified": None}, "no verified e-mail address"),
    ({"email": "stranger@example.gov"}, "no account"),
    ({"email": ["ana@example.gov"]}, "no verified e-mail address"),
    ({"email": "ana@e\u212ample.gov"}, "no verified e-mail address"),
]


async def test_a_token_that_does_not_hold(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str
) -> None:
    for bend, why in BENT:
        provider.bend = bend
        await refused(client, await by_provider(client, provider))
        assert audited(menu_service, "staff.identity_refused")[-1]["why"] == why
    provider.bend = {}
    for count, signature in enumerate(("none", "HS256", "another key"), len(BENT) + 1):
        provider.signature = signature
        await refused(client, await by_provider(client, provider))
        assert len(audited(menu_service, "staff.identity_refused")) == count, signature
    assert not rows(menu_service, StaffSession)
    assert not rows(menu_service, StaffIdentity)
    assert len(rows(menu_service, StaffUser)) == 1, "no account is made"


async def test_an_account_that_is_switched_off(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str
) -> None:
    with menu_service.sessions.begin() as session:
        switch(session, name=ana, on=False, actor="tests")
    await refused(client, await by_provider(client, provider))
    assert audited(menu_service, "staff.identity_refused") == [{"why": "switched off"}]


async def test_another_person_who_is_given_the_address_later(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str
) -> None:
    await by_provider(client, provider)
    client.cookies.clear()
    provider.person["sub"] = "u-2"
    await refused(client, await by_provider(client, provider))
    assert audited(menu_service, "staff.identity_refused") == [{"why": "another subject", "subject": "u-2"}]
    known_as(menu_service, "ana", "ana@example.gov")
    assert (await by_provider(client, provider)).headers["location"] == "/console/", "an administrator let the old one go"


def test_a_visit_serves_once_on_both_engines(either_service: Service) -> None:
    make_user(either_service)
    known_as(either_service, "ana", "ana@example.gov")
    identity = Identity("https://id.example", "u-1", "ana@example.gov", frozenset(), None)
    visit, visitor = Visit.begin(back=None), Visitor("203.0.113.5", {}, either_service.keys)
    came = []
    for _ in range(2):
        with either_service.sessions.begin() as session:
            came.append(admit(session, visit=visit, identity=identity, hours=1, visitor=visitor, device=""))
    assert [isinstance(one, SignedIn) for one in came] == [True, False]
    assert [row.action for row in rows(either_service, AuditRow)][-3:] == [
        "staff.identity_bound",
        "staff.signed_in",
        "staff.identity_refused",
    ]


async def test_one_identity_opens_one_account(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str
) -> None:
    await by_provider(client, provider)
    client.cookies.clear()
    make_user(menu_service, "ben")
    known_as(menu_service, "ben", "ben@example.gov")
    provider.person["email"] = "ben@example.gov"
    await refused(client, await by_provider(client, provider))


async def test_a_visit_that_is_not_the_browsers_own(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str
) -> None:
    back = await go_there(client, provider)
    await refused(client, await come_back(client, back.replace("state=", "state=x")), "again")
    held = client.cookies[flow.COOKIE]
    client.cookies.clear()
    await refused(client, await come_back(client, back), "again")
    for cookie in ("", "x", held[:-8], menu_service.keys.seal("{}"), menu_service.keys.seal("[]")):
        client.cookies.set(flow.COOKIE, cookie, domain="testserver.local", path=flow.PATH)
        await refused(client, await come_back(client, back), "again")
        client.cookies.clear()
    assert provider.codes, "no code was spent for it"


async def test_a_visit_serves_once_and_not_for_long(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str
) -> None:
    back = await go_there(client, provider)
    held = client.cookies[flow.COOKIE]
    assert (await come_back(client, back)).headers["location"] == "/console/"
    client.cookies.clear()
    client.cookies.set(flow.COOKIE, held, domain="testserver.local", path=flow.PATH)
    await refused(client, await come_back(client, back))
    # A provider that took a code twice: the visit itself is used up.
    again = dict(parse_qsl(urlsplit(back).query))
    provider.codes[again["code"]] = provider.asked[-1]
    client.cookies.set(flow.COOKIE, held, domain="testserver.local", path=flow.PATH)
    await refused(client, await come_back(client, back))
    assert audited(menu_service, "staff.identity_refused") == [{"why": "used before"}]
    with time_machine.travel(clock.now(), tick=False) as time:
        back = await go_there(client, provider)
        time.shift(timedelta(minutes=11))
        await refused(client, await come_back(client, back), "again")


async def test_the_person_turns_back_at_the_provider_or_another_provider_answers(
    client: httpx.AsyncClient, provider: IdentityProvider, ana: str
) -> None:
    back = urlsplit(await go_there(client, provider))
    state = dict(parse_qsl(back.query))["state"]
    await refused(client, await come_back(client, f"{back.path}?error=access_denied&state={state}"))
    back = urlsplit(await go_there(client, provider))
    asked = dict(parse_qsl(back.query))
    await refused(client, await come_back(client, f"{back.path}?code=c&state={asked['state']}&iss=https://elsewhere.example"))


@pytest.mark.parametrize("down", ["/.well-known/openid-configuration", "/token", "/keys"])
async def test_a_provider_that_is_away_keeps_nobody_out(
    client: httpx.AsyncClient, provider: IdentityProvider, menu_service: Service, ana: str, down: str
) -> None:
    provider.answers = lambda path: path != down
    answer = await client.get("/sign-in/oidc?next=/desk/")
    if answer.headers["location"].startswith(provider.issuer):
        to = urlsplit(answer.headers["location"])
        answer = await come_back(client, provider.authorize(dict(parse_qsl(to.query))))
    await refused(client, answer, "away")
    assert answer.headers["location"] == "/sign-in?elsewhere=away&next=%2Fdesk%2F"
    assert not rows(menu_service, StaffFailure), "nothing is counted against the person"
    assert (await sign_in(client)).status_code == 303


@pytest.mark.parametrize("named", ["https://another.example", "http://127.0.0.1:1/x"])
async def test_a_provider_that_calls_itself_something_else(
    client: httpx.AsyncClient, provider: IdentityProvider, named: str
) -> None:
    provider.named = named
    await refused(client, await client.get("/sign-in/oidc"), "away")
