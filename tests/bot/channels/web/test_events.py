from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sse_starlette import ServerSentEvent

from bot.channels.web.events import Follower, OpenStreams, held, stream
from server.assembly import Service
from server.conversations.wake import Wake
from server.http.deps import ChannelDeps
from tests.bot.channels.web.conftest import Browser
from tests.bot.channels.web.test_history import agent_says
from tests.server.harness import failing

PATIENCE = 20.0
"""A guard against a test that never ends; no test depends on how long something takes."""


async def heard(events: AsyncIterator[ServerSentEvent]) -> ServerSentEvent:
    """The next event."""
    async with asyncio.timeout(PATIENCE):
        return await anext(events)


def flow(deps: ChannelDeps, browser: Browser, *, after: int = 0, wake: Wake | None = None, every: float = 0.01) -> Any:
    """The stream of this browser."""
    wake = wake or deps.wake
    key = browser.conversations()[0].key
    follower = Follower(deps.sessions, wake, every=every)
    return stream(sessions=deps.sessions, wake=wake, follower=follower, signs=deps.signs, key=key, after=after)


async def test_what_was_said_comes_first_then_what_is_said_now(browser: Browser, deps: ChannelDeps) -> None:
    first = await browser.says("agent")
    events = flow(deps, browser)
    told = await heard(events)
    assert told.id == str(first["id"])
    assert json.loads(str(told.data))["client_id"] == browser.sent[0]
    assert json.loads(str((await heard(events)).data)) == {"owner": "queued"}
    waiting = asyncio.create_task(heard(events))
    await asyncio.sleep(0)
    agent_says(deps, "Hello, this is Kim.")
    assert json.loads(str((await waiting).data))["parts"][0]["text"] == "Hello, this is Kim."
    assert json.loads(str((await heard(events)).data)) == {"owner": "agent"}
    await events.aclose()
    assert deps.wake.watched == ()


async def test_a_text_stored_by_another_process_comes_too(browser: Browser, deps: ChannelDeps) -> None:
    first = await browser.says("agent")
    events = flow(deps, browser, after=first["id"], wake=Wake())
    assert (await heard(events)).event == "owner"
    waiting = asyncio.create_task(heard(events))
    agent_says(deps, "From another process.")
    assert "From another process." in str((await waiting).data)
    await events.aclose()


async def test_it_goes_on_after_the_last_number(browser: Browser, deps: ChannelDeps) -> None:
    first = await browser.says("where is a shelter")
    second = await browser.says("my power is out")
    events = flow(deps, browser, after=first["id"])
    assert (await heard(events)).id == str(second["id"])
    await events.aclose()


async def test_it_outlives_a_database_that_is_away(browser: Browser, deps: ChannelDeps, menu_service: Service) -> None:
    first = await browser.says("where is a shelter")
    events = flow(deps, browser)
    with failing(menu_service.engine, "SELECT") as hit:
        waiting = asyncio.create_task(heard(events))
        while len(hit) < 2:
            await asyncio.sleep(0)
    deps.wake.stored(browser.conversations()[0].id)
    assert (await waiting).id == str(first["id"])
    await events.aclose()


async def test_streams_are_counted_while_they_are_open() -> None:
    async def two() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(data="a")
        yield ServerSentEvent(data="b")

    streams = OpenStreams(most=1)
    events = held(two(), streams, "key")
    assert not streams.full("key")
    await anext(events)
    assert streams.full("key")
    assert not streams.full("other")
    assert [event.data async for event in events] == ["b"]
    assert not streams.full("key")


@pytest.fixture
async def address(chat_app: FastAPI) -> AsyncIterator[str]:
    """The chat on a real socket, since a stream has no end for a client in memory to wait for."""
    server = uvicorn.Server(uvicorn.Config(chat_app, port=0, log_level="warning", lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task


async def test_on_the_wire(address: str, deps: ChannelDeps) -> None:
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE) as http:
        browser = Browser(http, deps)
        first = await browser.says("agent")
        async with http.stream("GET", "/chat/events", headers={"last-event-id": str(first["id"])}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["cache-control"] == "no-store"
            lines = response.aiter_lines()
            assert [await anext(lines), await anext(lines)] == ["event: owner", 'data: {"owner": "queued"}']
            agent_says(deps, "Hello, this is Kim.")
            seen = [await anext(lines) for _ in range(4)]
            assert seen[1].startswith("id: ")
            assert "Hello, this is Kim." in seen[3]
