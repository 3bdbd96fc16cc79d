"""What only a browser shows of filling a plan template: the texts follow the typing, and axe finds nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.test_accessibility import faults
from tests.browser.test_messages import signed_in
from tests.server.staffroom import make_user


@pytest.mark.parametrize(("width", "lang"), [(360, "es"), (1280, "en")])
def test_the_texts_follow_what_is_typed(open_page: Callable[..., Page], site: Site, width: int, lang: str) -> None:
    make_user(site.service, f"plan{width}", "author")
    page = open_page("/sign-in", width=width, bypass_csp=True)
    signed_in(page, f"plan{width}")
    page.goto(f"/console/messages/plan/road_open?lang={lang}")
    page.fill('[name="gap.road"]', "Bay Street")
    expect(page.locator("#filled .bubble").first).to_contain_text("Bay Street is OPEN since (...)")
    assert faults(page) == []
    page.locator("#filling button.big").click()
    expect(page.locator(".fault").first).to_be_visible()
    expect(page.locator('[name="gap.road"]')).to_have_value("Bay Street")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults(page) == []
    page.fill('[name="gap.time"]', "2026-09-14T18:30")
    page.fill('[name="source"]', "Public works")
    page.locator("#filling button.big").click()
    page.wait_for_url("**/v/*")
    expect(page.locator("main")).to_contain_text("Bay Street is OPEN since 6:30 pm Sep 14")
