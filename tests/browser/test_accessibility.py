"""axe-core over every state of our public pages: nothing at all, in either language, light or dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

Open = Callable[..., Page]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}


def faults(page: Page) -> list[str]:
    """What axe-core finds, in words."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{each['id']} ({each['impact']}): {[node['html'][:160] for node in each['nodes']]}" for each in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_chat(open_page: Open, scheme: str, lang: str, width: int) -> None:
    page = open_page(f"/chat/?lang={lang}", width=width, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    assert faults(page) == []
    for text in ("xyzzy plugh", "shelter", "my house is on fire"):
        page.locator("#say").fill(text)
        page.locator("#say").press("Enter")
        expect(page.locator("#talk .mine .delivery").last).to_have_text(["Sent", "Enviado"][lang == "es"])
    page.context.set_offline(True)
    page.locator("#say").fill("and pets?")
    page.locator("#say").press("Enter")
    expect(page.locator("#trouble")).to_be_visible()
    assert faults(page) == []


def test_the_error_page(open_page: Open) -> None:
    page = open_page("/chat/", bypass_csp=True, java_script_enabled=True)
    page.evaluate("document.getElementById('composer').cloneNode(true)")
    page.evaluate("HTMLFormElement.prototype.submit.call(document.getElementById('composer'))")
    expect(page.locator("main [role=alert]")).to_be_visible()
    assert faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_simulator(open_page: Open, scheme: str, lang: str, width: int) -> None:
    page = open_page(f"/simulator/?lang={lang}", width=width, color_scheme=scheme, bypass_csp=True)
    assert faults(page) == []
    page.locator("#text-body").fill("shelter")
    page.locator("#text-body").press("Enter")
    expect(page.locator("#texts .from-ours").first).to_be_visible()
    page.locator("#call").click()
    expect(page.locator("#speech")).to_be_enabled()
    page.locator(".steps summary").click()
    assert faults(page) == []
