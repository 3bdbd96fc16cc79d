"""What a browser does on its way to the provider and back."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from server.assembly import Service
from server.audit.models import AuditRow
from server.staff.access import COOKIE
from server.staff.oidc.service import set_email
from tests.server.harness import rows
from tests.server.staff.oidc.identity_provider import IdentityProvider


def known_as(service: Service, name: str, email: str) -> None:
    with service.sessions.begin() as session:
        set_email(session, name=name, typed=email, actor="tests")


async def go_there(client: httpx.AsyncClient, provider: IdentityProvider, page: str = "/sign-in/oidc") -> str:
    """Presses the button, signs in at the provider; gives the address that the provider leads back to."""
    sent = await client.get(page)
    assert sent.status_code == 303
    to = urlsplit(sent.headers["location"])
    assert f"{to.scheme}://{to.netloc}{to.path}" == f"{provider.issuer}/authorize"
    return provider.authorize(dict(parse_qsl(to.query)))


async def come_back(client: httpx.AsyncClient, address: str) -> httpx.Response:
    """The browser comes from the other site, which sends no strict cookie, and is led on from ours."""
    there = httpx.AsyncClient(transport=client._transport, base_url="http://testserver")
    landed = await there.get(address, headers={"sec-fetch-site": "cross-site"})
    assert landed.status_code == 200
    assert "set-cookie" not in landed.headers
    onward = html.unescape(re.findall(r'http-equiv="refresh" content="0;url=([^"]+)"', landed.text)[0])
    return await client.get(onward, headers={"sec-fetch-site": "same-origin"})


async def by_provider(client: httpx.AsyncClient, provider: IdentityProvider, page: str = "/sign-in/oidc") -> httpx.Response:
    return await come_back(client, await go_there(client, provider, page))


def audited(service: Service, action: str) -> list[dict[str, Any]]:
    return [row.detail for row in rows(service, AuditRow, AuditRow.action == action)]


async def refused(client: httpx.AsyncClient, answer: httpx.Response, told: str = "refused") -> None:
    """One and the same answer, and nothing is open."""
    assert (answer.status_code, answer.headers["location"].partition("&")[0]) == (303, f"/sign-in?elsewhere={told}")
    assert COOKIE not in client.cookies
    page = await client.get(answer.headers["location"])
    assert 'role="alert"' in page.text
    assert "ana" not in page.text.lower().replace("manage", "")
    assert (await client.get("/desk/")).status_code == 303
