"""Leaving the page at once, as far as the wire sees it; what only a browser shows is in tests/browser/test_leave.py."""

from __future__ import annotations

import re

import httpx
import pytest
from pydantic import ValidationError

from server.settings import Settings
from tests.bot.channels.web.conftest import Browser


@pytest.mark.parametrize(("method", "status"), [("GET", 303), ("POST", 204)])
async def test_the_browser_forgets_and_the_city_does_not(
    browser: Browser, http: httpx.AsyncClient, method: str, status: int
) -> None:
    await browser.says("Where is a shelter?")
    assert "Where is a shelter?" in (await http.get("/chat/")).text
    response = await http.request(method, "/chat/leave")
    assert response.status_code == status
    assert response.headers["cache-control"] == "no-store"
    assert "spillway_chat" not in http.cookies
    assert "Where is a shelter?" not in (await http.get("/chat/")).text
    assert len(browser.conversations()) == 1


async def test_it_leads_where_the_city_says_and_tells_that_page_nothing(http: httpx.AsyncClient, settings: Settings) -> None:
    response = await http.get("/chat/leave")
    assert response.headers["location"] == settings.chat_leave_url == "https://www.weather.gov/"
    assert response.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(("lang", "words"), [("en", "Leave this page"), ("es", "Salir de esta página")])
@pytest.mark.parametrize("embed", [False, True])
async def test_it_is_a_plain_link_on_every_page_of_the_chat(http: httpx.AsyncClient, lang: str, words: str, embed: bool) -> None:
    page = await http.get(f"/chat/?lang={lang}" + ("&embed=1" if embed else ""))
    link = re.search(r'<a id="leave"[^>]*>([^<]*)</a>', page.text)
    assert link is not None
    assert link[1] == words
    assert 'href="/chat/leave"' in link[0]
    assert ('target="_top"' in link[0]) is embed
    refused = await http.post(f"/chat/messages?lang={lang}", data={"text": " "})
    assert refused.status_code == 400
    assert words in refused.text


@pytest.mark.parametrize("address", ["", "weather.gov", "javascript:alert(1)", "/chat/"])
def test_it_leads_nowhere_but_to_a_page(address: str) -> None:
    with pytest.raises(ValidationError, match="chat_leave_url"):
        Settings(chat_leave_url=address)


async def test_no_page_with_words_on_it_answers_a_form(http: httpx.AsyncClient) -> None:
    """A browser that goes back to such a page sends the form again, and with it the words that were to be forgotten."""
    await http.get("/chat/")
    assert "spillway_chat" in http.cookies
    sent = await http.post("/chat/messages", data={"text": "shelter", "client_id": "a1"})
    assert sent.status_code == 303
