"""People who work at the desk, for tests over HTTP."""

from __future__ import annotations

from typing import Final

import httpx

from server.assembly import Service
from server.staff.service import add_user

PASSWORD: Final = "correct horse battery staple"
SAME_SITE: Final = {"sec-fetch-site": "same-origin", "origin": "http://testserver"}


def make_user(service: Service, name: str = "ana", role: str = "agent", password: str | None = PASSWORD) -> str:
    """An account; gives the password that it signs in with."""
    with service.sessions.begin() as session:
        return add_user(session, name=name, role=role, actor="tests", password=password)[1]


async def sign_in(client: httpx.AsyncClient, name: str = "ana", password: str = PASSWORD) -> httpx.Response:
    """Signs in as a browser does."""
    return await client.post("/sign-in", data={"name": name, "password": password}, headers=SAME_SITE)


async def signed_in(client: httpx.AsyncClient, service: Service, role: str = "agent", name: str = "ana") -> httpx.AsyncClient:
    """A client with the session of a new account."""
    make_user(service, name, role)
    assert (await sign_in(client, name)).status_code == 303
    return client
