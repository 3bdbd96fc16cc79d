"""A call in an agent's own telephone, with the simulator's telephones beside the desk, as a volunteer practises it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import Site
from tests.browser.test_accessibility import faults
from tests.browser.test_desk import person

Make = Callable[..., BrowserContext]
WITH_YOU = {"en": "The caller is with you.", "es": "La persona está con usted."}
ON_HOLD = {"en": "The agent has put you on hold", "es": "El agente le puso en espera"}


@pytest.mark.parametrize(("width", "lang"), [(1280, "en"), (360, "es")])
def test_a_volunteer_takes_a_call(site: Site, context: Make, width: int, lang: str) -> None:
    desk, _ = person(site, context, "vera", "agent", width=width, bypass_csp=True)
    phones = context(width=width, bypass_csp=True).new_page()
    phones.goto(f"/simulator/?lang={lang}")
    phones.locator("#call").click()
    expect(phones.locator("[data-key='0']")).to_be_enabled()
    phones.locator("[data-key='0']").click()
    expect(phones.locator("#silent")).to_be_enabled()

    # The packet is on the screen, and the telephone rings.
    desk.goto(f"/desk/?lang={lang}")
    desk.locator("#waiting ~ ol li button").first.click()
    desk.goto(f"{desk.url.partition('?')[0]}?lang={lang}")
    expect(desk.locator(".call-dialing")).to_be_visible()
    expect(phones.locator("#agent-ring")).to_be_visible()
    phones.locator("#agent-answer").click()
    expect(phones.locator("[data-agent-key='1']")).to_be_enabled()
    phones.locator("[data-agent-key='1']").press("Enter")

    # The page of the desk changes by itself; a key holds the caller and lets them back.
    expect(desk.locator(".call-state")).to_contain_text(WITH_YOU[lang])
    assert faults(desk) == []
    assert faults(phones) == []
    assert max(page.evaluate("document.documentElement.scrollWidth") for page in (desk, phones)) <= width
    desk.keyboard.press("h")
    expect(desk.locator(".call-held")).to_be_visible()
    expect(phones.locator("#call-state")).to_have_text(ON_HOLD[lang])
    desk.keyboard.press("h")
    expect(desk.locator(".call-talking")).to_be_visible()

    # The agent hangs up: the caller is with the assistant again, the desk asks what became of it.
    phones.locator("#agent-hang-up").click()
    expect(phones.locator("#silent")).to_be_enabled()
    expect(desk.locator(".call-over")).to_be_visible()
    expect(desk.locator("form[action$='/file']")).to_be_visible()
    phones.locator("#hang-up").click()


@pytest.mark.parametrize("lang", ["en", "es"])
def test_the_telephone_on_the_account_page(site: Site, context: Make, lang: str) -> None:
    page, _ = person(site, context, "vera", "agent", width=360, bypass_csp=True)
    page.goto(f"/account?lang={lang}")
    page.fill("#phone", "911")
    page.locator("#phone").press("Enter")
    expect(page.locator("#phone-problem")).to_be_visible()
    assert faults(page) == []
    page.fill("#phone", "(202) 555-0147")
    page.locator("#phone").press("Enter")
    expect(page.locator("main")).to_contain_text("0147")
