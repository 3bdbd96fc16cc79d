"""Facts and incidents under a thumb: what only a browser shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from knowledge.models import FactRow
from server.audit.models import AuditRow
from tests.browser.conftest import Site
from tests.browser.test_accessibility import faults
from tests.server.harness import rows
from tests.server.staffroom import PASSWORD, make_user

Open = Callable[..., Page]
CARD = "#f-shelter-lincoln"


@pytest.fixture(scope="module")
def pio(site: Site) -> str:
    make_user(site.service, "pio", "supervisor")
    return "pio"


def enter(open_page: Open, name: str, **options: object) -> Page:
    page = open_page("/sign-in", **options)
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(lambda address: "/sign-in" not in address)
    return page


@pytest.mark.parametrize("script", [True, False])
def test_a_shelter_is_corrected_in_one_tap_and_undone(open_page: Open, site: Site, pio: str, script: bool) -> None:
    page = enter(open_page, pio, width=360, java_script_enabled=script)
    page.goto("/console/facts/?type=shelter&lang=es")
    tap = page.locator(f"{CARD} button[value=full]")
    box = tap.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44, "large enough for a thumb"
    tap.click()
    expect(page.locator(f"{CARD} .note")).to_contain_text("Lincoln High School: Lleno.")
    expect(page.locator(f"{CARD} .state")).to_have_text("Lleno")
    if script:
        expect(page.locator("#said")).to_contain_text("Lleno")
        expect(page.locator(f"{CARD} button[value=full]")).to_be_focused()
    page.locator(f"{CARD} .note button").click()
    expect(page.locator(f"{CARD} .state")).to_have_text("Abierto")
    (row,) = rows(site.service, FactRow, FactRow.type == "shelter", FactRow.key == "lincoln")
    assert row.updated_by == pio
    assert len(rows(site.service, AuditRow, AuditRow.subject == "shelter:lincoln")) in (2, 4)


def test_a_stale_tap_shows_what_changed(open_page: Open, pio: str) -> None:
    page = enter(open_page, pio, width=360)
    page.goto("/console/facts/?type=shelter&lang=en")
    other = page.context.new_page()
    other.goto("/console/facts/?type=shelter&lang=en")
    other.locator("#f-shelter-roosevelt button[value=closed]").click()
    expect(other.locator("#f-shelter-roosevelt .state")).to_have_text("Closed")
    page.locator("#f-shelter-roosevelt button[value=full]").click()
    expect(page.locator("#f-shelter-roosevelt .note")).to_contain_text("Somebody was faster")
    expect(page.locator("#f-shelter-roosevelt .state")).to_have_text("Closed")


@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_fits_and_has_no_fault(open_page: Open, pio: str, width: int) -> None:
    page = enter(open_page, pio, width=width, bypass_csp=True)
    facts = ("", "?type=shelter", "?type=road_closure&show=live", "shelter/lincoln", "shelter/new", "table?type=shelter")
    incidents = ("", "new", "new?pack=flood", "1", "1/change?phase=after&level=full", "1/close", "1/after")
    for area, paths in (("facts", facts), ("incidents", incidents)):
        for number, path in enumerate(paths):
            page.goto(f"/console/{area}/{path}{'&' if '?' in path else '?'}lang={('en', 'es')[number % 2]}")
            assert faults(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
