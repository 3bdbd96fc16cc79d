"""Adding a topic on a phone, as a browser shows it: checks while typing, no sideways scrolling, nothing that axe finds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from server.staff.service import add_user, count_users
from tests.bot.test_published import FORM
from tests.browser.conftest import Site
from tests.browser.test_accessibility import faults
from tests.server.staffroom import PASSWORD

Open = Callable[..., Page]


@pytest.mark.parametrize(("width", "lang"), [(360, "en"), (1280, "es")])
def test_a_topic_in_the_disaster(site: Site, open_page: Open, width: int, lang: str) -> None:
    # The site is shared: two topics with the same example would have no match by it.
    fair = {"en": "county", "es": "harbor"}[lang]
    with site.service.sessions.begin() as session:
        if not count_users(session):
            add_user(session, name="pio", role="supervisor", actor="tests", password=PASSWORD)
    page = open_page(f"/sign-in?lang={lang}", width=width, bypass_csp=True)
    page.fill("[name=name]", "pio")
    page.fill("[name=password]", PASSWORD)
    page.locator("main form button").click()
    page.goto(f"/console/topics/new?lang={lang}")
    for name, value in FORM.items():
        if name != "owner":
            page.fill(f"[name={name}]", value.replace("county", fair))
    page.select_option("#owner", FORM["owner"])
    page.fill("[name=sms_en]", "Ask at {no_such_value}.")
    expect(page.locator("#look .usa-alert--error")).to_contain_text("no_such_value")
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.fill("[name=sms_en]", FORM["sms_en"])
    expect(page.locator("#look .usa-alert--error")).to_have_count(0)
    page.locator(".topics-form button[type=submit]").click()
    page.wait_for_url("**/console/topics/t/**")
    place = page.url.split("?")[0]
    page.locator("form[action$='/publish'] button").click()
    page.wait_for_url(f"{place}*")
    for path in (place, "/console/topics/", "/console/topics/models/", "/console/topics/lines", "/console/try/?text=shelter"):
        page.goto(f"{path}{'&' if '?' in path else '?'}lang={lang}")
        assert faults(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.fill("#text", f"is the {fair} fair still on this weekend")
    page.locator("main form button").click()
    expect(page.locator("#tried")).to_contain_text("The fair is moved")
