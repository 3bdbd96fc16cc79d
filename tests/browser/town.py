"""A live city for browser tests: two `spillway serve` processes on one PostgreSQL database, and the residents of each."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import httpx
import pyotp
import pytest
from sqlalchemy import select

from server import clock
from server.database.engine import make_engine, make_sessions
from server.identity.keys import Keys
from server.settings import ROOT
from server.staff.models import StaffUser
from server.staff.service import add_user
from server.twilio.standin import Answer, Post, StandIn
from tests.server.cli.conftest import SPILLWAY
from tests.server.staffroom import PASSWORD

T = TypeVar("T")
PUBLIC: Final = "https://311.example.gov"
OURS: Final = "+15555550100"
ACCOUNT, TOKEN, KEY = "AC" + "0" * 32, "t" * 32, "k" * 40
STARTS_WITHIN: Final = 180
CHANNELS: Final = ("sms", "web", "voice")


@dataclass
class Process:
    """One process, as the carrier and browsers reach it."""

    url: str
    running: subprocess.Popen[bytes]
    log: Path

    def hears(self, question: str) -> dict[str, str]:
        """What residents of this process are told on each channel, each for the first time."""
        return {"sms": self._by_text(question), "web": self._by_web(question), "voice": self._by_phone(question)}

    def _carrier(self) -> StandIn:
        return StandIn(ACCOUNT, TOKEN, _to(self.url), public_url=PUBLIC)

    def _by_text(self, question: str) -> str:
        return " ".join(_elsewhere(lambda: asyncio.run(self._carrier().text(_somebody(), OURS, question))))

    def _by_web(self, question: str) -> str:
        headers = {"origin": self.url, "sec-fetch-site": "same-origin", "x-forwarded-for": _address()}
        with httpx.Client(base_url=self.url, headers=headers, timeout=30) as client:
            opened = client.post("/chat/sessions").raise_for_status()
            # A live city's cookies go over https only, which this client knows and the loopback is not.
            client.headers["cookie"] = opened.headers["set-cookie"].partition(";")[0]
            said = client.post("/chat/messages?lang=en", json={"text": question, "client_id": uuid.uuid4().hex})
            return said.raise_for_status().text

    def _by_phone(self, question: str) -> str:
        async def call() -> str:
            on_line = await self._carrier().call(_somebody(), OURS)
            await on_line.say(question)
            heard = on_line.last_heard
            await on_line.hang_up()
            return heard

        return _elsewhere(lambda: asyncio.run(call()))


@dataclass
class Town:
    """Both processes, and the staff."""

    database: str
    processes: tuple[Process, ...] = ()
    secrets: dict[str, str] = field(default_factory=dict)
    """What each person's app knows."""

    def person(self, name: str, role: str) -> None:
        """An account with a second factor."""
        self.secrets[name] = secret = pyotp.random_base32()
        engine = make_engine(self.database)
        with make_sessions(engine).begin() as session:
            add_user(session, name=name, role=role, actor="tests", password=PASSWORD)
            user = session.scalars(select(StaffUser).where(StaffUser.name == name)).one()
            user.totp_secret = Keys.from_secret(KEY).seal(secret)
        engine.dispose()
        return secret

    def everybody_hears(self, question: str, words: str) -> None:
        """The very first answer of each process on each channel has the words: there is nothing to wait for."""
        self._listen(question, words, there=True)

    def nobody_hears(self, question: str, words: str) -> None:
        """No channel of either process says the words any more."""
        self._listen(question, words, there=False)

    def _listen(self, question: str, words: str, *, there: bool) -> None:
        for process in self.processes:
            heard = process.hears(question)
            assert {channel: words in text for channel, text in heard.items()} == dict.fromkeys(CHANNELS, there), heard


def code_of(secret: str) -> str:
    """What the app shows now."""
    return pyotp.TOTP(secret).at(clock.now())


def start(folder: Path, database: str) -> Process:
    """Starts `spillway serve` in live mode. Only Rasa is left out, for its weight: the model that is named is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "MODE": "live",
        "DATA_DIR": str(folder),
        "DATABASE_URL": database,
        "PUBLIC_URL": PUBLIC,
        "SECRET_KEY": KEY,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_NUMBER": OURS,
        "TWILIO_API_BASE": "http://127.0.0.1:9",
        "MODEL_PATH": str(folder / "none.tar.gz"),
    }
    environment = {**os.environ, **{f"SPILLWAY_{name}": value for name, value in settings.items()}, "PYTHONPATH": str(ROOT)}
    log = folder / f"serve-{port}.log"
    with log.open("wb") as told:
        command = [str(SPILLWAY), "serve", "--port", str(port)]
        running = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=told, stderr=subprocess.STDOUT)
    return Process(f"http://127.0.0.1:{port}", running, log)


def answering(process: Process) -> Process:
    """Waits until a process answers; fails with what it printed when it ends instead."""
    began = time.monotonic()
    while time.monotonic() - began < STARTS_WITHIN:
        assert process.running.poll() is None, process.log.read_text("utf-8", "replace")
        try:
            if httpx.get(f"{process.url}/healthz", timeout=2).status_code == 200:
                return process
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"{process.url} did not answer: {process.log.read_text('utf-8', 'replace')}")


def stop(process: Process) -> None:
    """Ends it as an operator does."""
    process.running.send_signal(signal.SIGINT)
    try:
        process.running.wait(30)
    except subprocess.TimeoutExpired:
        process.running.kill()
        process.running.wait()


def _to(url: str) -> Post:
    async def post(address: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        async with httpx.AsyncClient(timeout=30) as client:
            response = await client.post(address.replace(PUBLIC, url), data=dict(fields), headers=dict(headers))
        return Answer(response.status_code, response.text, response.headers.get("content-type", ""))

    return post


def _elsewhere(work: Callable[[], T]) -> T:
    """In a thread of its own: the browser holds the event loop of this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _somebody() -> str:
    return f"+1212555{uuid.uuid4().int % 10_000:04}"


def _address() -> str:
    return f"203.0.113.{uuid.uuid4().int % 250 + 1}"
