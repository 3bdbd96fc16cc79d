"""Chromium against the whole program on a loopback socket; only Rasa is left out, for its weight."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy import func, select

from server.app import create_app
from server.assembly import Service, assemble
from server.conversations.models import Turn
from server.database.engine import reading
from server.settings import Settings

ARGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
_ADDRESSES = itertools.count(1)
# How long something may take to appear: a machine that does other work as well needs more than Playwright's five seconds.
expect.set_options(timeout=20_000)


def chromium() -> str:
    """The system's Chromium. Without one these tests are skipped, except where CI says that they must run."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail("There is no Chromium, and CI must run the browser tests.")
    pytest.skip("There is no Chromium on this machine: install it to run the browser tests.")


@dataclass
class Site:
    """The running program, and a site of the city that shows its chat."""

    url: str
    city: str
    service: Service

    def turns(self, text: str) -> int:
        """How often a text was taken in."""
        with reading(self.service.sessions) as session:
            return session.scalar(select(func.count()).where(Turn.text == text)) or 0


class CityPage(BaseHTTPRequestHandler):
    """A page of the city with the one tag that brings the chat; the query names its language and where the chat is."""

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        body = (
            f'<!doctype html><html lang="{query["lang"][0]}"><title>City</title><h1>City</h1><a href="#">A link</a>'
            f'<script src="{query["chat"][0]}/chat/widget.js" async></script>'
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def city_site() -> Iterator[str]:
    """Another site than the chat's, on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), CityPage)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, seed: Path, city_site: str) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(seed, folder / "spillway.db")
    config = uvicorn.Config("", port=0, log_level="warning", timeout_graceful_shutdown=5)
    socket = config.bind_socket()
    url = f"http://127.0.0.1:{socket.getsockname()[1]}"
    settings = Settings(data_dir=folder, public_url=url, twilio_number="+15555550100", chat_origins=(city_site,))
    service = assemble(settings, with_assistant=False)
    config.app = create_app(settings, service=service)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    yield Site(url, city_site, service)
    server.should_exit = True
    thread.join()
    socket.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[Callable[..., BrowserContext]]:
    """Makes contexts, each from an address of its own so that tests do not share a limit."""
    made: list[BrowserContext] = []

    def make(width: int = 1280, height: int = 800, **options: Any) -> BrowserContext:
        address = f"198.51.100.{next(_ADDRESSES)}"
        made.append(
            browser.new_context(
                viewport={"width": width, "height": height},
                extra_http_headers={"x-forwarded-for": address},
                base_url=site.url,
                **options,
            )
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def open_page(context: Callable[..., BrowserContext]) -> Iterator[Callable[..., Page]]:
    """Opens pages; a fault in a script of ours, or a refusal by the policy, fails the test."""
    faults: list[str] = []

    def make(address: str = "/chat/", **options: Any) -> Page:
        page = context(**options).new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
        page.goto(address)
        return page

    yield make
    assert faults == []
