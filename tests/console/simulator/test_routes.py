from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from console.simulator.routes import RESIDENTS, SHORT_CODE, WITHHELD, router
from desk.voice.rules import PRACTICE_PHONE
from server.assembly import Service
from server.http.deps import ChannelDeps
from server.settings import Mode
from tests.server.staffroom import SAME_SITE, signed_in

ME = RESIDENTS[0]


async def post(client: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    """What a phone gets back."""
    response = await client.post(f"/simulator/{path}", json=body)
    assert response.status_code == 200, response.text
    data: dict[str, Any] = response.json()
    return data


def said(call: dict[str, Any]) -> str:
    """All that was said to the caller."""
    return " ".join(event["text"] for event in call["events"] if event["kind"] == "say")


@pytest.mark.parametrize("lang", ["en", "es"])
async def test_the_page_has_two_phones_and_the_way_to_the_chat(client: httpx.AsyncClient, lang: str) -> None:
    page = (await client.get(f"/simulator/?lang={lang}")).text
    assert 'id="text-form"' in page
    assert page.count("data-key=") == 12
    assert f'href="/chat/?lang={lang}"' in page
    assert {"en": "Training mode", "es": "Modo de práctica"}[lang] in page


async def test_a_text_is_answered_and_counted(client: httpx.AsyncClient) -> None:
    got = await post(client, "texts", sender=ME, body="where is a shelter")
    assert got["sent"]["segments"] == 1
    assert "Lincoln High School" in got["received"][0]["text"]
    assert got["received"][0]["segments"] >= 1
    assert got["received"][0]["encoding"] == "GSM-7"


async def test_stop_and_start_are_the_carriers(client: httpx.AsyncClient) -> None:
    stopped = await post(client, "texts", sender=ME, body="STOP")
    assert stopped["blocked"] is True
    assert stopped["received"][-1]["carrier"] is True
    silent = await post(client, "texts", sender=ME, body="where is a shelter")
    assert len(silent["received"]) == len(stopped["received"])
    started = await post(client, "texts", sender=ME, body="START")
    assert started["blocked"] is False


async def test_what_came_later_is_found_by_looking(client: httpx.AsyncClient) -> None:
    await post(client, "texts", sender=SHORT_CODE, body="where is a shelter")
    looked = (await client.get("/simulator/texts", params={"sender": SHORT_CODE})).json()
    assert looked["sent"] is None
    assert looked["received"]


async def test_a_call_reaches_an_answer_by_speech_alone(client: httpx.AsyncClient) -> None:
    call = await post(client, "calls", sender=ME)
    assert call["state"] == "listening"
    assert call["speech"] is True
    assert "nine one one" in said(call)
    call = await post(client, f"calls/{call['sid']}/speech", words="where is a shelter")
    assert "Lincoln High School" in said(call)


async def test_a_call_reaches_an_answer_by_keys_alone(client: httpx.AsyncClient) -> None:
    call = await post(client, "calls", sender=WITHHELD)
    for _ in range(8):
        if "Lincoln High School" in said(call) or call["state"] != "listening":
            break
        call = await post(client, f"calls/{call['sid']}/silence")
        if "shelter" in said(call) and call["events"][-1]["kind"] != "hangup":
            call = await post(client, f"calls/{call['sid']}/keys", keys="2")
    assert "shelter" in said(call).lower()


async def test_spanish_is_one_key_away(client: httpx.AsyncClient) -> None:
    call = await post(client, "calls", sender=ME)
    call = await post(client, f"calls/{call['sid']}/keys", keys="2")
    assert call["language"] == "es-US"


async def test_a_transfer_to_911_is_decided_by_the_trainer(client: httpx.AsyncClient) -> None:
    call = await post(client, "calls", sender=ME)
    call = await post(client, f"calls/{call['sid']}/speech", words="my house is on fire")
    assert "nine one one" in said(call)
    call = await post(client, f"calls/{call['sid']}/silence")
    assert call["state"] == "dialing"
    assert call["number"]
    call = await post(client, f"calls/{call['sid']}/dial", result="busy")
    assert call["state"] == "listening"


async def test_hanging_up_ends_it_once(client: httpx.AsyncClient) -> None:
    call = await post(client, "calls", sender=ME)
    for _ in range(2):
        call = await post(client, f"calls/{call['sid']}/hangup")
        assert (call["state"], call["ended_by"]) == ("ended", "caller")
    looked = (await client.get(f"/simulator/calls/{call['sid']}")).json()
    assert looked == call


BAD: list[tuple[str, Any, int, str]] = [
    ("texts", {"sender": "+19995550000", "body": "hi"}, 400, "bad_input"),
    ("texts", {"sender": WITHHELD, "body": "hi"}, 400, "bad_input"),
    ("texts", {"sender": ME, "body": ""}, 400, "bad_input"),
    ("texts", {"sender": ME, "body": "x" * 1601}, 400, "bad_input"),
    ("texts", {"sender": ME}, 400, "bad_input"),
    ("texts", [], 400, "bad_input"),
    ("calls", {"sender": "911"}, 400, "bad_input"),
    ("calls/CA1/keys", {"keys": "1"}, 404, "not_found"),
    ("calls/CA1/speech", {"words": "hi"}, 404, "not_found"),
    ("calls/CA1/hangup", {}, 404, "not_found"),
]


@pytest.mark.parametrize(("path", "body", "status", "code"), BAD)
async def test_what_cannot_be_done_is_told_in_the_language_of_the_page(
    client: httpx.AsyncClient, path: str, body: Any, status: int, code: str
) -> None:
    response = await client.post(f"/simulator/{path}?lang=es", json=body)
    assert response.status_code == status
    assert response.json()["code"] == code


@pytest.mark.parametrize(("act", "body"), [("dial", {"result": "busy"}), ("keys", {"keys": "abc"}), ("keys", {"keys": ""})])
async def test_a_call_takes_only_what_it_waits_for(client: httpx.AsyncClient, act: str, body: dict[str, str]) -> None:
    call = await post(client, "calls", sender=ME)
    response = await client.post(f"/simulator/calls/{call['sid']}/{act}", json=body)
    assert response.status_code in (400, 409)


@pytest.mark.parametrize("path", ["", "texts?sender=x", "calls/CA1", "assets/simulator.js"])
async def test_live_mode_has_no_simulator(app: FastAPI, deps_live: ChannelDeps, path: str) -> None:
    live = FastAPI()
    live.include_router(router(deps_live, live))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(live), base_url="http://testserver") as http:
        assert (await http.get(f"/simulator/{path}")).status_code == 404


@pytest.fixture
def deps_live(app: FastAPI) -> ChannelDeps:
    service = app.state.service
    settings = service.settings.model_copy(update={"mode": Mode.LIVE})
    return ChannelDeps(settings, service.spine, service.library, service.keys, service.sessions, service.wake)


async def test_the_agents_phone_rings_connects_and_hangs_up(client: httpx.AsyncClient, menu_service: Service) -> None:
    call = await post(client, "calls", sender=ME)
    await post(client, f"calls/{call['sid']}/keys", keys="0")
    assert (await client.get("/simulator/agent")).json() == {"calls": []}
    await signed_in(client, menu_service)
    board = (await client.get("/desk/")).text
    reference = re.findall(r"/desk/c/(HC-\w+)/take", board)[0]
    await client.post(f"/desk/c/{reference}/take", headers=SAME_SITE)
    (ringing,) = (await client.get("/simulator/agent")).json()["calls"]
    assert (ringing["state"], ringing["number"]) == ("ringing", PRACTICE_PHONE)
    await post(client, f"agent/{ringing['sid']}/answer")
    spoken = await post(client, f"calls/{ringing['sid']}/keys", keys="1")
    assert "press 1" in said(spoken)
    looked = (await client.get(f"/simulator/calls/{call['sid']}")).json()
    assert (spoken["state"], looked["state"], looked["held"]) == ("conference", "conference", False)
    assert (await client.post(f"/simulator/agent/{ringing['sid']}/refuse", json={"result": "busy"})).status_code == 409
    assert (await client.post(f"/simulator/agent/{call['sid']}/answer")).status_code == 404
    await post(client, f"calls/{ringing['sid']}/hangup")
    assert (await client.get("/simulator/agent")).json() == {"calls": []}
    assert (await client.get(f"/simulator/calls/{call['sid']}")).json()["state"] == "listening"
