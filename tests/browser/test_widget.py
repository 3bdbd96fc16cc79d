from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.conftest import Site

CITY = '<!doctype html><html lang="{lang}"><title>City</title><h1>City</h1><a href="#">A link</a><script src="{url}/chat/widget.js" async></script>'


@pytest.fixture
def city(context: Callable[..., Any], site: Site) -> Callable[..., Page]:
    """A page of the city, on another site than the chat, with the one tag."""

    def make(lang: str = "en", width: int = 900) -> Page:
        page: Page = context(width=width).new_page()
        address = site.url.replace("127.0.0.1", "localhost") + "/city"
        page.route(address, lambda route: route.fulfill(body=CITY.format(lang=lang, url=site.url), content_type="text/html"))
        page.goto(address)
        return page

    return make


def frame(page: Page) -> FrameLocator:
    """The chat inside."""
    return page.frame_locator("#spillway-chat iframe")


def test_one_tag_is_enough_and_the_talk_goes_on_after_a_reload(city: Callable[..., Page]) -> None:
    page = city()
    page.get_by_role("button", name="Ask 311").click()
    inside = frame(page)
    inside.locator("#say").fill("Where is a shelter?")
    inside.locator("#say").press("Enter")
    expect(inside.locator("#talk .ours").last).to_contain_text("Open shelters")
    assert inside.locator("#talk .ours a").first.get_attribute("target") == "_blank"
    page.reload()
    page.get_by_role("button", name="Ask 311").click()
    expect(frame(page).locator("#talk .mine")).to_have_count(1)
    expect(frame(page).locator("#talk .ours").last).to_contain_text("Open shelters")


def test_the_keyboard_opens_it_and_escape_closes_it_from_inside(city: Callable[..., Page]) -> None:
    page = city()
    button = page.get_by_role("button", name="Ask 311")
    button.wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    frame(page).locator("#say").focus()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="311 chat")).to_be_visible()
    page.get_by_role("button", name="Close the 311 chat").click()
    expect(button).to_be_focused()


@pytest.mark.parametrize("width", [320, 900])
def test_it_speaks_the_language_of_the_page_and_always_shows_911(city: Callable[..., Page], width: int) -> None:
    page = city("es", width=width)
    page.get_by_role("button", name="Pregunte al 311").click()
    expect(page.get_by_role("link", name="¿Emergencia? Llame al 911")).to_be_in_viewport()
    expect(frame(page).locator("html")).to_have_attribute("lang", "es")


def test_it_closes_for_nobody_but_its_own_frame(city: Callable[..., Page]) -> None:
    page = city()
    page.get_by_role("button", name="Ask 311").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate("window.postMessage({ spillway: 'close' }, '*')")
    page.evaluate("new Promise((done) => setTimeout(done, 0))")
    expect(page.get_by_role("dialog")).to_be_visible()
