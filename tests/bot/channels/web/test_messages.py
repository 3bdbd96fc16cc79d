from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from server.assembly import Service
from tests.bot.channels.web.conftest import Browser, Clock
from tests.server.harness import failing


async def test_a_question_gets_the_approved_answer(browser: Browser) -> None:
    reply = await browser.says("where is a shelter")
    assert reply["outcome"] == "answer"
    assert reply["language"] == "en"
    assert reply["owner"] == "bot"
    assert reply["reference"].startswith("HC-")
    part = reply["parts"][0]
    assert "Lincoln High School" in part["text"]
    assert "<li>" in part["html"]
    assert (part["lang"], part["role"]) == ("en", "answer")


@pytest.mark.parametrize("text", ["¿Dónde hay un refugio?", "donde hay un refugio para mi familia"])
async def test_spanish_is_answered_in_spanish(browser: Browser, text: str) -> None:
    reply = await browser.says(text)
    assert reply["parts"][0]["lang"] == "es"


async def test_one_word_on_the_spanish_page_is_spanish_but_an_english_sentence_is_not(browser: Browser) -> None:
    reply = await browser.says("agua", lang="es")
    assert reply["language"] == "es"
    other = Browser(httpx.AsyncClient(transport=browser.http._transport, base_url="http://testserver"), browser.deps)
    assert (await other.says("where can I find an open shelter for my family tonight", lang="es"))["language"] == "en"


async def test_a_language_picked_on_the_page_holds(browser: Browser) -> None:
    assert (await browser.says("shelter", language="es"))["language"] == "es"
    assert (await browser.says("xyzzy"))["language"] == "es"


async def test_the_same_client_id_twice_is_one_message(browser: Browser) -> None:
    first = await browser.says("where is a shelter", client_id="one")
    again = await browser.says("where is a shelter", client_id="one")
    assert again == first
    assert [each["speaker"] for each in (await browser.history())["messages"]] == ["resident", "bot"]


async def test_options_are_chosen_by_their_number(browser: Browser) -> None:
    menu = await browser.says("xyzzy plugh")
    assert [option["value"] for option in menu["options"]] == [str(n) for n in range(1, len(menu["options"]) + 1)]
    chosen = await browser.says("2")
    assert chosen["outcome"] == "menu_choice"


async def test_an_emergency_is_answered_with_the_card_first(browser: Browser) -> None:
    reply = await browser.says("my house is on fire and my kids are inside")
    assert reply["outcome"] == "emergency_911"
    assert reply["parts"][0]["role"] == "card"


async def test_the_button_for_a_person_reaches_the_queue(browser: Browser) -> None:
    for label in ("Talk to a person", "Hablar con una persona"):
        assert (await browser.says(label))["owner"] == "queued"


JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
BAD: list[tuple[str, bytes, int, str]] = [
    (JSON, b"", 400, "bad_input"),
    (JSON, b"{", 400, "bad_input"),
    (JSON, b"[" * 100_000, 400, "bad_input"),
    (JSON, b"null", 400, "bad_input"),
    (JSON, b"[1]", 400, "bad_input"),
    (JSON, b'{"text": 911}', 400, "bad_input"),
    (JSON, b'{"text": null}', 400, "bad_input"),
    (JSON, b'{"message": "hi"}', 400, "bad_input"),
    (JSON, b'{"text": ""}', 400, "empty"),
    (JSON, b'{"text": " \\u0000 "}', 400, "empty"),
    (JSON, json.dumps({"text": "a" * 10_001}).encode(), 413, "too_large"),
    (JSON, json.dumps({"text": "a" * 300_000}).encode(), 413, "too_large"),
    ("text/plain", b"help", 415, "wrong_type"),
    ("", b"help", 415, "wrong_type"),
    ("multipart/form-data", b"help", 415, "wrong_type"),
]


@pytest.mark.parametrize(("content_type", "body", "status", "code"), BAD)
async def test_what_cannot_be_taken_is_told_plainly_with_the_911_line(
    browser: Browser, content_type: str, body: bytes, status: int, code: str
) -> None:
    await browser.http.post("/chat/sessions")
    response = await browser.http.post("/chat/messages", content=body, headers={"content-type": content_type})
    assert response.status_code == status
    assert response.json()["code"] == code
    assert "911" in response.json()["error"]
    assert browser.conversations() == []


@pytest.mark.parametrize(
    "text",
    [
        "/restart",
        '/intent{"x":"y"}',
        "{{7*7}}",
        "<script>alert(1)</script>",
        "🌊🌊🌊",
        "a\x00b",
        "\ud800 half",
        "x" * 10_000,
        "٩١١",
    ],
)
async def test_strange_texts_are_answered_and_stored_as_plain_text(browser: Browser, text: str) -> None:
    body = json.dumps({"text": text, "client_id": "strange"})
    await browser.http.post("/chat/sessions")
    response = await browser.http.post("/chat/messages", content=body, headers={"content-type": JSON})
    assert response.status_code == 200
    page = await browser.http.get("/chat/")
    assert "<script>alert" not in page.text


async def test_invalid_utf8_is_answered(browser: Browser) -> None:
    await browser.http.post("/chat/sessions")
    response = await browser.http.post(
        "/chat/messages", content=b'{"text": "where is a shelter \xff\xfe"}', headers={"content-type": JSON}
    )
    assert response.status_code == 200


@pytest.mark.parametrize("client_id", [None, "", 7, "x" * 500, "with spaces & more", "…"])
async def test_a_strange_name_does_not_cost_a_resident_the_answer(browser: Browser, client_id: Any) -> None:
    await browser.http.post("/chat/sessions")
    body = {"text": "where is a shelter", "client_id": client_id}
    first = (await browser.http.post("/chat/messages", json=body)).json()
    again = (await browser.http.post("/chat/messages", json=body)).json()
    assert first["outcome"] == again["outcome"] == "answer"
    if isinstance(client_id, str) and client_id:
        assert first["id"] == again["id"]


@given(body=st.binary(max_size=200), content_type=st.sampled_from([JSON, FORM, "text/plain", "application/json; charset=utf-16"]))
async def test_no_body_is_a_fault_of_ours(chat_app: FastAPI, body: bytes, content_type: str) -> None:
    transport = httpx.ASGITransport(chat_app, client=("203.0.113.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        await http.post("/chat/sessions")
        response = await http.post("/chat/messages", content=body, headers={"content-type": content_type})
    assert response.status_code < 500


@pytest.mark.parametrize(
    "headers", [{}, {"x-spillway-session": "nonsense"}, {"cookie": "spillway_chat=" + "a" * 22 + "." + "0" * 32}]
)
async def test_without_a_session_of_ours_a_script_is_told_to_get_one(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for response in (
        await http.post("/chat/messages", json={"text": "where is a shelter"}, headers=headers),
        await http.get("/chat/messages", headers=headers),
        await http.get("/chat/events", headers=headers),
    ):
        assert (response.status_code, response.json()["code"]) == (401, "no_session")


async def test_without_a_session_an_emergency_passes_all_the_same(http: httpx.AsyncClient) -> None:
    response = await http.post("/chat/messages", json={"text": "I am trapped and the water is rising"})
    assert response.json()["outcome"] == "emergency_911"
    assert response.json()["session"]
    assert (await http.get("/chat/messages")).json()["messages"]


async def test_who_sends_too_much_waits_but_never_with_an_emergency(browser: Browser, seconds: Clock) -> None:
    for _ in range(20):
        await browser.says("where is a shelter")
    refused = await browser.post("where is a shelter", lang="es")
    assert refused.status_code == 429
    assert refused.json()["code"] == "too_many"
    assert "911" in refused.json()["error"]
    assert refused.headers["retry-after"] == "60"
    stored = len((await browser.history())["messages"])
    assert stored == 40
    assert (await browser.says("there is a fire in my kitchen"))["outcome"] == "emergency_911"
    assert (await browser.says("I want to kill myself"))["parts"][0]["role"] == "card"
    seconds.seconds = 61
    assert (await browser.post("where is a shelter")).status_code == 200


async def test_a_message_too_long_that_speaks_of_danger_passes(browser: Browser) -> None:
    reply = await browser.says("my house is on fire. " + "please hurry " * 1_000)
    assert reply["outcome"] == "emergency_911"


async def test_one_address_with_many_browsers_is_held_to_sixty(chat_app: FastAPI, deps: Any) -> None:
    transport = httpx.ASGITransport(chat_app, client=("198.51.100.1", 1))
    statuses = []
    for _ in range(4):
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            browser = Browser(http, deps)
            statuses += [(await browser.post("where is a shelter")).status_code for _ in range(16)]
    assert statuses == [200] * 60 + [429] * 4


async def test_when_nothing_can_be_stored_the_911_line_comes(browser: Browser, menu_service: Service) -> None:
    await browser.http.post("/chat/sessions")
    with failing(menu_service.engine, "INSERT"):
        reply = await browser.says("where is a shelter")
    assert reply["id"] is None
    assert "911" in reply["parts"][0]["text"]


async def test_when_nothing_can_be_read_the_history_says_so(browser: Browser, menu_service: Service) -> None:
    await browser.says("where is a shelter")
    with failing(menu_service.engine, "SELECT"):
        response = await browser.http.get("/chat/messages")
        page = await browser.http.get("/chat/")
    assert (response.status_code, response.json()["code"]) == (503, "not_ready")
    assert page.status_code == 200
    assert "Earlier messages cannot be shown" in page.text
    assert 'name="text"' in page.text


@pytest.mark.parametrize("after", ["-1", "x", "1e9", str(2**70)])
async def test_a_number_that_is_none_is_told_plainly(browser: Browser, after: str) -> None:
    await browser.says("hello")
    response = await browser.http.get(f"/chat/messages?after={after}")
    assert response.status_code == 400
