from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

Open = Callable[..., Page]


@pytest.mark.parametrize("width", [320, 1280])
def test_a_text_is_answered_and_the_carrier_keeps_its_list(open_page: Open, width: int) -> None:
    page = open_page("/simulator/?lang=en", width=width)
    page.locator("#text-from").select_option(index=1 if width == 320 else 2)
    page.locator("#text-body").fill("Where is a shelter?")
    page.locator("#text-body").press("Enter")
    answer = page.locator("#texts .from-ours").first
    expect(answer).to_contain_text("Lincoln High School")
    expect(answer).to_contain_text("segment")
    page.locator("#text-body").fill("STOP")
    page.locator("#text-form button").click()
    expect(page.locator("#texts .from-carrier")).to_be_visible()
    expect(page.locator("#blocked")).to_contain_text("STOP")
    page.locator("#text-body").fill("START")
    page.locator("#text-form button").click()
    expect(page.locator("#blocked")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_call_reaches_an_answer_by_speech(open_page: Open) -> None:
    page = open_page("/simulator/?lang=en")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.locator("#captions")).to_contain_text("nine one one")
    page.locator("#speech").fill("where is a shelter")
    page.locator("#speech").press("Enter")
    expect(page.locator("#captions")).to_contain_text("Lincoln High School")
    page.get_by_role("button", name="Hang up").click()
    expect(page.locator("#call-state")).to_have_text("The call has ended")
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_enabled()


def test_a_call_in_spanish_by_keys_with_the_steps_for_staff(open_page: Open) -> None:
    page = open_page("/simulator/?lang=es")
    page.locator("#call-from").select_option("anonymous")
    page.get_by_role("button", name="Llamar", exact=True).click()
    page.get_by_role("button", name="2", exact=True).click()
    expect(page.locator("#captions .caption[lang=es-US]").last).to_be_visible()
    page.locator(".steps summary").click()
    expect(page.locator("#steps")).to_contain_text("gather")


def test_an_emergency_asks_the_trainer_what_happens_at_911(open_page: Open) -> None:
    page = open_page("/simulator/?lang=en")
    page.get_by_role("button", name="Call", exact=True).click()
    page.locator("#speech").fill("my house is on fire")
    page.locator("#speech").press("Enter")
    page.get_by_role("button", name="Say nothing").click()
    expect(page.locator("#dial")).to_be_visible()
    page.get_by_role("button", name="No answer").click()
    expect(page.locator("#dial")).to_be_hidden()


def test_the_chat_is_beside_it(open_page: Open) -> None:
    page = open_page("/simulator/?lang=es")
    page.get_by_role("link", name="Abrir el chat web").click()
    expect(page.locator("#composer")).to_be_visible()
