"""Signing in at an identity provider on another site, as a real browser does it: what it sends and keeps of strict cookies, and what
the policy lets through."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from server.app import create_app
from server.assembly import assemble
from server.settings import Settings
from tests.browser.conftest import Site
from tests.browser.test_accessibility import RULES
from tests.server.staff.oidc.identity_provider import CLIENT, SECRET, IdentityProvider, identity_provider
from tests.server.staff.oidc.walking import known_as
from tests.server.staffroom import make_user

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    """On `localhost`, which is another site than ours on 127.0.0.1."""
    with identity_provider("localhost") as provider:
        yield provider


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, seed: Path, provider: IdentityProvider) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(seed, folder / "spillway.db")
    config = uvicorn.Config("", port=0, log_level="warning", timeout_graceful_shutdown=5)
    socket = config.bind_socket()
    url = f"http://127.0.0.1:{socket.getsockname()[1]}"
    named = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    settings = Settings(data_dir=folder, public_url=url, twilio_number="+15555550100", **named)
    service = assemble(settings, with_assistant=False)
    config.app = create_app(settings, service=service)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    make_user(service, role="administrator")
    known_as(service, "ana", "ana@example.gov")
    yield Site(url, "", service)
    server.should_exit = True
    thread.join()
    socket.close()


@pytest.mark.parametrize(
    ("width", "language", "button"), [(360, "es", "Entrar con su cuenta"), (1280, "en", "Sign in with your city")]
)
def test_there_and_back(open_page: Open, width: int, language: str, button: str) -> None:
    page = open_page(f"/sign-in?lang={language}&next=/account", width=width)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page, context="main", options=RULES).response["violations"]
    assert not found, found
    page.get_by_role("link", name=button).click()
    page.get_by_role("button", name="Yes, it is me").click()
    page.wait_for_url("**/account")
    page.goto(f"/account?lang={language}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.goto("/confirm?next=/console/people/")
    page.locator("a[href^='/confirm/oidc']").click()
    page.get_by_role("button", name="Yes, it is me").click()
    page.wait_for_url("**/console/people/")
    page.goto("/account")
    page.locator("form[action$='/forget'] button").first.click()
    page.wait_for_url(lambda url: "/sign-in" in url)
    expect(page.locator("#password")).to_be_visible()
