from __future__ import annotations

import gzip
import re

import httpx
import pytest

from bot.channels.web.page import HERE, spoken_time
from server.http.deps import ChannelDeps


@pytest.mark.parametrize(
    ("address", "headers", "lang"),
    [
        ("/chat/", {}, "en"),
        ("/chat/?lang=es", {}, "es"),
        ("/chat/?lang=xx", {}, "en"),
        ("/chat/", {"accept-language": "es-MX,es;q=0.9,en;q=0.8"}, "es"),
        ("/chat/", {"accept-language": "en;q=0.3, es;q=0.7"}, "es"),
        ("/chat/", {"accept-language": "fr, zz;q=x, ;;;"}, "en"),
        ("/chat/?lang=en", {"accept-language": "es"}, "en"),
    ],
)
async def test_the_page_comes_in_the_language_asked_for(
    http: httpx.AsyncClient, address: str, headers: dict[str, str], lang: str
) -> None:
    page = (await http.get(address, headers=headers)).text
    assert f'<html lang="{lang}">' in page
    assert ("Llame al 911" in page) is (lang == "es")


@pytest.mark.parametrize("lang", ["en", "es"])
async def test_it_holds_what_it_must(http: httpx.AsyncClient, lang: str) -> None:
    page = (await http.get(f"/chat/?lang={lang}")).text
    assert page.index('href="tel:911"') < page.index('id="composer"')
    assert 'role="log"' in page
    assert "Harbor City" in page
    assert {"en": "public record", "es": "registro público"}[lang] in page
    assert {"en": "Training mode", "es": "Modo de práctica"}[lang] in page
    assert {"en": "Talk to a person", "es": "Hablar con una persona"}[lang] in page
    assert "(555) 555-0100" in page


async def test_it_asks_nobody_else_for_anything(http: httpx.AsyncClient) -> None:
    page = (await http.get("/chat/")).text
    loaded = re.findall(r'(?:src|rel="stylesheet" href|rel="icon" href)="([^"]+)"', page)
    assert loaded
    assert all(address.startswith("/chat/assets/") for address in loaded)
    for name in ("chat.css", "chat.js"):
        assert not re.search(r"https?://(?!www\.w3\.org)\w", (HERE / "static" / name).read_text("utf-8"))


async def test_it_may_run_no_script_and_style_but_its_own(http: httpx.AsyncClient) -> None:
    response = await http.get("/chat/")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'self' https://www.harborcity.example" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?! src=| type=\"application/json\")|\son\w+=|\sstyle=|<style", response.text)


async def test_it_is_small(http: httpx.AsyncClient) -> None:
    page = await http.get("/chat/")
    names = re.findall(r"/chat/assets/[^\"]+", page.text)
    total = len(gzip.compress(page.content))
    for name in set(names):
        response = await http.get(name, headers={"accept-encoding": "gzip"})
        assert response.headers["content-encoding"] == "gzip" or len(response.content) < 2000
        total += len(gzip.compress(response.content))
    assert total < 30_000


async def test_files_are_kept_by_browsers_under_the_name_of_their_content(http: httpx.AsyncClient) -> None:
    address = re.findall(r"/chat/assets/chat.js[^\"]+", (await http.get("/chat/")).text)[0]
    response = await http.get(address)
    assert "max-age=31536000" in response.headers["cache-control"]
    again = await http.get(address, headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await http.get("/chat/assets/..%2Fpage.py")).status_code == 404
    assert (await http.get("/chat/assets/nothing.js")).status_code == 404


async def test_live_mode_shows_no_training_banner(deps: ChannelDeps) -> None:
    from fastapi import FastAPI

    from bot.channels.web.routes import router

    settings = deps.settings.model_copy(update={"mode": "live"})
    settings = settings.model_copy(update={"mode": type(deps.settings.mode).LIVE})
    app = FastAPI()
    app.include_router(router(ChannelDeps(settings, deps.spine, deps.library, deps.keys, deps.sessions, deps.wake)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as http:
        assert "Training mode" not in (await http.get("/chat/")).text


async def test_the_widget_is_one_script_with_its_words_in_both_languages(http: httpx.AsyncClient) -> None:
    response = await http.get("/chat/widget.js")
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "Ask 311" in response.text
    assert "Pregunte al 311" in response.text


def test_times_are_those_of_the_city() -> None:
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    at = datetime(2026, 9, 1, 19, 5, tzinfo=UTC)
    assert spoken_time(at, ZoneInfo("America/New_York"), "en").replace("\u202f", " ") == "3:05 PM"
    assert spoken_time(at, ZoneInfo("America/New_York"), "es").replace("\u202f", " ").replace("\xa0", " ").startswith("3:05")
