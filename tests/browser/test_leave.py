"""Leaving the chat at once: nothing of it is on the screen, in the browser's storage or behind Back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Site
from tests.browser.test_widget import city, frame

__all__ = ["city"]
Open = Callable[..., Page]
AWAY = "https://www.weather.gov/"


@pytest.fixture
def talking(open_page: Open, site: Site) -> Callable[..., Page]:
    """A page with something on it; the page that leads away is answered here, and not by the world outside."""

    def make(lang: str = "en", **options: object) -> Page:
        page = open_page("about:blank", **options)
        page.context.route(f"{AWAY}**", lambda route: route.fulfill(body="<title>Weather</title>Sunny", content_type="text/html"))
        page.goto(f"{site.url}/chat/?lang={lang}")
        page.locator("#say").fill("Where is a shelter?")
        page.locator(".send").click()
        expect(page.locator("#talk .ours").last).to_contain_text("911")
        return page

    return make


def gone(page: Page, site: Site) -> None:
    """Asserts that the browser holds nothing of the talk, and that Back and the chat's own address show nothing of it."""
    expect(page).to_have_url(AWAY)
    assert not [cookie for cookie in page.context.cookies(site.url) if cookie["name"] == "spillway_chat"]
    page.go_back()
    expect(page.locator(".mine")).to_have_count(0)
    page.goto(f"{site.url}/chat/")
    expect(page.locator("#talk .ours")).to_have_count(1)
    expect(page.locator(".mine")).to_have_count(0)
    assert page.evaluate("Object.keys(localStorage).length") == 0


@pytest.mark.parametrize(("lang", "words"), [("en", "Leave this page"), ("es", "Salir de esta página")])
def test_one_press_leaves(talking: Callable[..., Page], site: Site, lang: str, words: str) -> None:
    page = talking(lang, width=320, height=640)
    page.locator("#say").fill("he is here")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.get_by_role("link", name=words)).to_be_in_viewport(ratio=1)
    page.get_by_role("link", name=words).click()
    gone(page, site)


def test_escape_three_times_leaves(talking: Callable[..., Page], site: Site) -> None:
    page = talking()
    page.locator("#say").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator(".mine")).to_have_count(1)
    page.keyboard.press("Escape")
    gone(page, site)


def test_without_a_script_it_is_a_link(talking: Callable[..., Page], site: Site) -> None:
    page = talking(java_script_enabled=False)
    expect(page.get_by_text("Escape")).to_be_hidden()
    page.get_by_role("link", name="Leave this page").click()
    expect(page).to_have_url(AWAY)
    assert not page.context.cookies(site.url)
    page.go_back()
    expect(page.locator(".mine")).to_have_count(0)


def test_a_cookie_that_a_bad_connection_left_behind_shows_nothing_later(talking: Callable[..., Page], site: Site) -> None:
    page = talking()

    def lost(route: Route) -> None:
        route.abort()

    page.context.route("**/chat/leave", lost)
    page.get_by_role("link", name="Leave this page").click()
    expect(page).to_have_url(AWAY)
    page.context.unroute("**/chat/leave", lost)
    page.goto(f"{site.url}/chat/")
    expect(page.locator(".mine")).to_have_count(0)
    expect(page.locator("#say")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).length") == 0


@pytest.mark.parametrize("by", ["press", "keys"])
def test_on_a_page_of_the_city_the_panel_closes_and_forgets(city: Callable[..., Page], by: str) -> None:
    page = city()
    page.get_by_role("button", name="Ask 311").click()
    frame(page).locator("#say").fill("Where is a shelter?")
    frame(page).locator("#say").press("Enter")
    expect(frame(page).locator("#talk .ours").last).to_contain_text("Open shelters")
    if by == "press":
        frame(page).get_by_role("link", name="Leave this page").click()
    else:
        for _ in range(3):
            page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Ask 311")).to_be_focused()
    assert page.evaluate("sessionStorage.getItem('spillway.session')") is None
    page.get_by_role("button", name="Ask 311").click()
    expect(frame(page).locator("#talk .ours")).to_have_count(1)
    expect(frame(page).locator(".mine")).to_have_count(0)
