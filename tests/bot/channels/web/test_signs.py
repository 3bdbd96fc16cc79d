"""Who is writing, and what was read: over the wire of the chat, seen by the agent, and never stored."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from server.conversations.signs import SHOWN_SECONDS, Signs
from server.http.deps import ChannelDeps
from tests.bot.channels.web.conftest import Browser
from tests.bot.channels.web.test_events import flow, heard
from tests.bot.channels.web.test_history import agent_says


async def sign(browser: Browser, content: Any) -> httpx.Response:
    return await browser.http.post("/chat/signs", content=content if isinstance(content, bytes) else json.dumps(content).encode())


async def test_an_agent_sees_that_the_resident_writes_and_has_read(browser: Browser, deps: ChannelDeps) -> None:
    await browser.says("agent")
    (conversation,) = browser.conversations()
    assert (await sign(browser, {"writing": True})).status_code == 204
    assert deps.signs.of(conversation.id).resident_until == 0, "as long as nobody is there, it is nobody's business"
    agent_says(deps, "Hello, this is Kim.")
    assert (await sign(browser, {"writing": True})).status_code == 204
    assert deps.signs.left(deps.signs.of(conversation.id).resident_until) == SHOWN_SECONDS
    assert (await sign(browser, {"read": 41})).status_code == 204
    await sign(browser, {"read": 12})
    assert deps.signs.of(conversation.id).read == 41, "what was read stays read"


async def test_a_resident_sees_that_the_agent_writes(browser: Browser, deps: ChannelDeps) -> None:
    first = await browser.says("agent")
    (conversation,) = browser.conversations()
    agent_says(deps, "Hello, this is Kim.")
    events = flow(deps, browser, after=first["id"])
    assert [(await heard(events)).event for _ in range(2)] == ["message", "owner"]
    waiting = asyncio.create_task(heard(events))
    await asyncio.sleep(0)
    deps.signs.writes(conversation.id, "agent")
    deps.wake.stored(conversation.id)
    told = await waiting
    assert (told.event, json.loads(str(told.data))) == ("sign", {"writing": SHOWN_SECONDS})
    deps.signs.writes(conversation.id, "agent", stopped=True)
    deps.wake.stored(conversation.id)
    assert json.loads(str((await heard(events)).data)) == {"writing": 0}
    await events.aclose()


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        ({"read": -1}, 400),
        ({"read": "x"}, 400),
        (b'{"writing": "' + b"x" * 300 + b'"}', 413),
    ],
)
async def test_what_is_no_sign_is_refused(browser: Browser, content: Any, status: int) -> None:
    await browser.says("agent")
    assert (await sign(browser, content)).status_code == status


async def test_signs_are_limited_and_need_a_session(browser: Browser) -> None:
    assert (await sign(browser, {"writing": True})).status_code == 401
    await browser.says("agent")
    found = [(await sign(browser, {"writing": True})).status_code for _ in range(61)]
    assert (found[:60], found[60]) == ([204] * 60, 429)
    assert (await browser.post("there is a fire in my house")).status_code == 200, "messages have a limit of their own"


def test_signs_fade_and_are_forgotten() -> None:
    time = [0.0]
    signs = Signs(time_of=lambda: time[0])
    signs.writes(1, "agent")
    signs.has_read(1, 5)
    time[0] = SHOWN_SECONDS - 1
    assert signs.left(signs.of(1).agent_until) == 1
    time[0] = SHOWN_SECONDS + 1
    assert signs.left(signs.of(1).agent_until) == 0
    for number in range(2, 6000):
        signs.has_read(number, 1)
    assert signs.of(1).read == 0
    assert signs.changes == 6000
