"""The review of the triage as a supervisor works through it: by keys, at any width, with nothing that axe-core finds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from console.review.models import TriageReview
from tests.browser.conftest import Site
from tests.browser.test_accessibility import RULES
from tests.server.harness import Resident, rows
from tests.server.staffroom import PASSWORD, make_user

Open = Callable[..., Page]
SAID = (
    "my name is Ana, 418 Larkspur Bend, my house is on fire",
    "there was a fire at my house last year",
    "hay un olor a gas muy fuerte en la cocina",
)


@pytest.fixture(scope="module")
def supervisor(site: Site) -> str:
    """A supervisor, and turns for them to judge."""
    make_user(site.service, "rosa", "supervisor")
    # In a thread of its own: the browser's loop runs in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, say_all(site)).result()
    return "rosa"


async def say_all(site: Site) -> None:
    for text in SAID:
        await Resident(site.service.spine).says(text)
    released = Resident(site.service.spine)
    for text in ("there is a fire in my kitchen", "2"):
        await released.says(text)


def faults(page: Page) -> list[str]:
    """What axe-core finds in what is ours of a page."""
    found = Axe().run(page, context="main", options=RULES).response["violations"]
    return [f"{each['id']}: {[node['html'][:160] for node in each['nodes']]}" for each in found]


def signed_in(open_page: Open, name: str, address: str, **options: object) -> Page:
    page = open_page("/sign-in", **options)
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    page.goto(address)
    return page


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_for_axe(open_page: Open, supervisor: str, lang: str, width: int) -> None:
    page = signed_in(open_page, supervisor, f"/console/review/?lang={lang}&state=any", width=width, bypass_csp=True)
    page.locator(".review-more summary").click()
    page.locator(".review-more summary").click()
    page.locator("[data-wrong] summary").first.click()
    page.locator(".review-why summary").first.click()
    assert faults(page) == []
    page.goto(f"/console/review/figures?lang={lang}")
    assert faults(page) == []
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide, "no page scrolls sideways"


def test_by_keys(open_page: Open, site: Site, supervisor: str) -> None:
    page = signed_in(open_page, supervisor, "/console/review/")
    before = len(rows(site.service, TriageReview))
    page.keyboard.press("j")
    expect(page.locator("[data-case]").first).to_be_focused()
    page.keyboard.press("r")
    expect(page.locator("[data-case].reviewed")).to_have_count(1)
    expect(page.locator("[data-case]").nth(1)).to_be_focused()
    page.keyboard.press("w")
    expect(page.locator("[data-case]").nth(1).locator("select").first).to_be_focused()
    page.locator("[data-case]").nth(1).locator("[name=level]").select_option("none")
    page.locator("[data-case]").nth(1).locator("[data-wrong] button").click()
    expect(page.locator("[data-case].reviewed")).to_have_count(2)
    expect(page.locator("[data-case]").nth(2)).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("[data-case]").nth(1)).to_be_focused()
    page.locator("#keys").uncheck()
    page.locator("[data-case]").nth(2).focus()
    page.keyboard.press("r")
    assert len(rows(site.service, TriageReview)) == before + 2, "switched off, a key does nothing"


def test_without_script(open_page: Open, supervisor: str) -> None:
    page = signed_in(open_page, supervisor, "/console/review/?state=any&level=hard", java_script_enabled=False)
    count = page.locator("[data-case]").count()
    page.locator("[data-right]").first.click()
    page.wait_for_url("**/console/review/?level=hard&state=any")
    expect(page.locator("[data-case]")).to_have_count(count)
