"""The chat without JavaScript: forms and pages only."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from server.assembly import Service
from tests.bot.channels.web.conftest import Browser, Clock
from tests.server.harness import failing


def fields(page: str) -> dict[str, str]:
    """The hidden fields of the composer."""
    form = page[page.index('id="composer"') :]
    return {m[1]: unescape(m[2]) for m in re.finditer(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form)}


def bubbles(page: str) -> list[str]:
    """Who speaks, in order."""
    return re.findall(r'class="bubble \w+ from-(\w+)"', page)


async def test_a_form_is_answered_on_the_page_and_a_refresh_keeps_the_talk(http: httpx.AsyncClient) -> None:
    page = await http.get("/chat/?lang=en")
    sent = await http.post("/chat/messages?lang=en", data={**fields(page.text), "text": "where is a shelter"})
    assert sent.status_code == 303
    first = await http.get(sent.headers["location"])
    assert bubbles(first.text) == ["resident", "bot"]
    assert "Lincoln High School" in first.text
    second = await http.post("/chat/messages?lang=en", data={**fields(first.text), "text": "is the water safe to drink"})
    assert second.status_code == 303
    shown = await http.get(second.headers["location"])
    assert bubbles(shown.text) == ["resident", "bot", "resident", "bot"]
    assert bubbles((await http.get("/chat/?lang=en")).text) == bubbles(shown.text)


async def test_a_browser_without_cookies_keeps_its_talk_in_the_form(chat_app: object) -> None:
    transport = httpx.ASGITransport(chat_app)  # type: ignore[arg-type]
    page = ""
    for text in ("where is a shelter", "is the water safe to drink"):
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            page = page or (await http.get("/chat/")).text
            http.cookies.clear()
            page = (await http.post("/chat/messages", data={**fields(page), "text": text})).text
    assert bubbles(page) == ["resident", "bot", "resident", "bot"]


async def test_loading_the_answer_again_sends_nothing_twice(http: httpx.AsyncClient) -> None:
    form = {**fields((await http.get("/chat/")).text), "text": "where is a shelter"}
    http.cookies.clear()
    first = await http.post("/chat/messages", data=form)
    form["session"] = fields(first.text)["session"]
    again = await http.post("/chat/messages", data=form)
    assert bubbles((await http.get("/chat/")).text) == ["resident", "bot"]
    assert again.status_code in (200, 303)


async def test_going_back_to_an_old_form_and_writing_something_else_sends_it(http: httpx.AsyncClient) -> None:
    form = fields((await http.get("/chat/")).text)
    for text in ("where is a shelter", "my power is out"):
        await http.post("/chat/messages", data={**form, "text": text})
    assert bubbles((await http.get("/chat/")).text).count("resident") == 2


async def test_buttons_choose_and_are_shown_with_their_words(http: httpx.AsyncClient) -> None:
    form = fields((await http.get("/chat/")).text)
    menu = (await http.post("/chat/messages", data={**form, "text": "xyzzy plugh"}, follow_redirects=True)).text
    choices = re.findall(r'<button form="composer" name="choice" value="(\d)">([^<]+)</button>', menu)
    assert len(choices) > 1
    value, label = choices[1]
    response = await http.post("/chat/messages", data={**fields(menu), "choice": value, "text": ""})
    page = (await http.get(response.headers["location"])).text
    assert page.count(f"<p>{label}</p>") == 1


async def test_a_typed_text_is_not_lost_when_a_button_is_pressed(http: httpx.AsyncClient) -> None:
    form = fields((await http.get("/chat/")).text)
    both = {**form, "text": "my roof leaks", "choice": "Talk to a person"}
    page = (await http.post("/chat/messages", data=both, follow_redirects=True)).text
    assert bubbles(page).count("resident") == 2
    assert "You are in line for a person" in page


async def test_the_picked_language_is_sent_once_with_the_form(http: httpx.AsyncClient) -> None:
    page = await http.get("/chat/?lang=es&set=1")
    assert fields(page.text)["language"] == "es"
    form = {**fields(page.text), "text": "shelter"}
    answered = await http.post("/chat/messages?lang=es", data=form, follow_redirects=True)
    assert 'lang="es"' in answered.text
    assert "language" not in fields(answered.text)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"text=", 400), (b"", 400), (b"text=%00", 400), (b"&" * 50, 400), (b"text=" + b"a" * 10_001, 413), (b"a=1&" * 30, 400)],
)
async def test_a_form_that_cannot_be_taken_gets_a_page_with_the_911_line(http: httpx.AsyncClient, body: bytes, status: int) -> None:
    response = await http.post(
        "/chat/messages?lang=es", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    assert 'href="tel:911"' in response.text
    assert "Su mensaje no se recibió" in response.text


async def test_a_form_too_many_gets_the_page_and_the_wait(browser: Browser, seconds: Clock) -> None:
    for _ in range(20):
        await browser.says("where is a shelter")
    response = await browser.http.post("/chat/messages", data={"text": "and pets", "client_id": "x"})
    assert response.status_code == 429
    assert response.headers["retry-after"] == "60"
    assert 'href="tel:911"' in response.text


async def test_a_form_gets_its_answer_when_nothing_can_be_stored(browser: Browser, menu_service: Service) -> None:
    await browser.says("where is a shelter")
    with failing(menu_service.engine, "INSERT"):
        response = await browser.http.post("/chat/messages", data={"text": "and pets", "client_id": "x"})
    assert response.status_code == 200
    assert "and pets" in response.text
    assert "911" in response.text.partition("and pets")[2]


async def test_ending_clears_the_browser(browser: Browser) -> None:
    await browser.says("where is a shelter")
    response = await browser.http.post("/chat/end?lang=es")
    assert response.status_code == 303
    page = await browser.http.get(response.headers["location"])
    assert bubbles(page.text) == ["bot"]
    assert "ya no muestra su conversación" in page.text
