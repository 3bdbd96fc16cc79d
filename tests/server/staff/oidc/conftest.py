"""The program with an identity provider, and a person whose address it knows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from server.app import create_app
from server.assembly import Service
from server.settings import Settings
from tests.server.harness import running
from tests.server.staff.oidc.identity_provider import CLIENT, SECRET, IdentityProvider, identity_provider
from tests.server.staff.oidc.walking import known_as
from tests.server.staffroom import make_user


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


@pytest.fixture
def app(provider: IdentityProvider, settings: Settings, menu_service: Service) -> FastAPI:
    named = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    with_provider = Settings(**{**settings.model_dump(), **named})
    menu_service = replace(menu_service, settings=menu_service.settings.model_copy(update=with_oidc(with_provider)))
    return create_app(with_provider, address="http://testserver", service=menu_service)


def with_oidc(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in ("oidc_issuer", "oidc_client_id", "oidc_client_secret")}


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app) as client:
        yield client


@pytest.fixture
def ana(menu_service: Service) -> str:
    make_user(menu_service, role="approver")
    known_as(menu_service, "ana", "ana@example.gov")
    return "ana"
