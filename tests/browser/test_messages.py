"""Messages and home in a real browser: on a phone and a desktop, in both languages, with nothing that axe finds."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Site
from tests.browser.test_accessibility import faults
from tests.server.staffroom import PASSWORD, make_user

Open = Callable[..., Page]


def signed_in(page: Page, name: str) -> None:
    page.locator("#name").fill(name)
    page.locator("#password").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(re.compile("/(desk|console)/"))


@pytest.mark.parametrize(("width", "lang"), [(360, "es"), (1280, "en")])
def test_a_wrong_sentence_is_corrected_and_published(open_page: Open, site: Site, width: int, lang: str) -> None:
    name = f"pio{width}"
    make_user(site.service, name, "approver")
    page = open_page("/sign-in", width=width, bypass_csp=True)
    signed_in(page, name)

    def clean() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert faults(page) == []

    page.goto(f"/console/?lang={lang}")
    clean()
    page.goto(f"/console/messages/?lang={lang}")
    page.locator("#q").fill("sandbags")
    expect(page.locator("#rows")).not_to_contain_text("boil_water")
    clean()
    page.goto(f"/console/messages/m/sandbags.sites?lang={lang}")
    page.locator("summary.danger").click()
    clean()
    page.locator("form[action*='/correct'] button").first.click()
    page.wait_for_url("**/edit**")
    page.locator("#text-en-sms").fill(f"Sandbags at Gate {width}.")
    expect(page.locator("#see-en-sms .bubble")).to_have_text(f"Sandbags at Gate {width}.")
    expect(page.locator("#edits")).not_to_have_value("0")
    page.locator("#text-en-voice").fill("Sandbags {nothing}.")
    expect(page.locator("#see-en-voice .notes")).to_contain_text("{nothing}")
    clean()
    page.locator("#text-en-voice").fill("Sandbags are here.")
    expect(page.locator("#see-en-voice .script")).to_have_text("Sandbags are here.")
    page.locator("button[value=look]").click()
    expect(page.locator("ins").first).to_be_visible()
    clean()
    page.locator("form.publish button").click()
    page.wait_for_url("**/live**")
    expect(page.locator(".usa-alert--success")).to_be_visible()
    clean()


def test_two_tabs_and_a_lost_connection_lose_nothing(open_page: Open, site: Site) -> None:
    make_user(site.service, "twice", "approver")
    page = open_page("/sign-in")
    signed_in(page, "twice")
    page.goto("/console/messages/m/tree_down.general")
    page.locator("form[action*='/correct'] button").first.click()
    page.wait_for_url("**/edit**")
    other = page.context.new_page()
    other.goto(page.url)
    page.locator("#text-en-sms").fill("From the first tab. Call 911.")
    expect(page.locator("#saved .ok")).to_be_visible()
    other.locator("#text-en-sms").fill("From the second tab. Call 911.")
    expect(other.locator("#saved [role=alert]")).to_be_visible()
    expect(other.locator("#text-en-sms")).to_have_value("From the second tab. Call 911.")
    page.context.set_offline(True)
    page.locator("#text-en-sms").fill("Written offline. Call 911.")
    expect(page.locator("#saved")).to_have_class(re.compile("unsaved"))
    page.context.set_offline(False)
    page.locator("#text-en-sms").press_sequentially("!")
    expect(page.locator("#saved .ok")).to_be_visible()
    expect(page.locator("#see-en-sms .bubble")).to_have_text("Written offline. Call 911.!")


def test_going_on_waits_for_the_save_under_way_and_none_comes_behind_it(open_page: Open, site: Site) -> None:
    make_user(site.service, "hasty", "approver")
    page = open_page("/sign-in")
    signed_in(page, "hasty")
    page.goto("/console/messages/m/curfew_info.general")
    page.locator("form[action*='/correct'] button").first.click()
    page.wait_for_url("**/edit**")
    held: list[Route] = []
    page.route("**/edit**", lambda route: held.append(route) if route.request.headers.get("hx-request") else route.continue_())
    with page.expect_request(lambda request: request.headers.get("hx-request") == "true"):
        page.locator("#text-en-sms").fill("Turn around. Call 911.")
    page.locator("#text-en-sms").fill("Turn around now. Call 911.")
    page.locator("button[value=look]").click()
    expect(page.locator("#editor")).to_be_visible()
    held.pop().continue_()
    expect(page.locator(".tongue .bubble").first).to_have_text("Turn around now. Call 911.")
    page.locator("form.publish button").click()
    page.wait_for_url("**/live**")
    assert held == []
