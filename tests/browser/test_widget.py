from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.conftest import Site


@pytest.fixture
def city(context: Callable[..., Any], site: Site) -> Callable[..., Page]:
    """A page of the city, on another site than the chat, with the one tag."""

    def make(lang: str = "en", width: int = 900) -> Page:
        page: Page = context(width=width).new_page()
        page.goto(f"{site.city}/?{urlencode({'lang': lang, 'chat': site.url})}")
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
    assert inside.locator('#talk .ours a[href^="https:"]').first.get_attribute("target") == "_blank"
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


def test_ending_the_chat_ends_it_for_the_tab(city: Callable[..., Page]) -> None:
    page = city()
    page.get_by_role("button", name="Ask 311").click()
    frame(page).locator("#say").fill("Where is a shelter?")
    frame(page).locator("#say").press("Enter")
    expect(frame(page).locator("#talk .ours").last).to_contain_text("Open shelters")
    frame(page).get_by_role("button", name="End chat").click()
    expect(frame(page).locator("#talk .mine")).to_have_count(0)
    page.reload()
    page.get_by_role("button", name="Ask 311").click()
    expect(frame(page).locator("#talk .ours")).to_have_count(1)
    expect(frame(page).locator("#talk .mine")).to_have_count(0)
