"""The signs of a web chat in two real browsers: the agent writes, the resident writes and has read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site
from tests.browser.test_accessibility import faults
from tests.browser.test_desk import Make, person


@pytest.mark.parametrize(
    ("language", "width", "writes", "is_writing", "read"),
    [
        ("en", 360, "The agent is writing", "The resident is writing", "The resident has read this"),
        ("es", 1280, "El agente está escribiendo", "El residente está escribiendo", "El residente ya lo leyó"),
    ],
)
def test_both_sides_see_the_other_write(
    site: Site, context: Make, language: str, width: int, writes: str, is_writing: str, read: str
) -> None:
    resident = context(width=width, bypass_csp=True).new_page()
    resident.goto(f"/chat/?lang={language}")
    resident.fill("#say", "agente" if language == "es" else "agent")
    resident.press("#say", "Enter")
    expect(resident.locator("#reference")).not_to_be_empty()
    reference = resident.locator("#reference").inner_text()
    agent, _ = person(site, context, "ana", "agent", width=width, bypass_csp=True)
    agent.goto(f"/desk/c/{reference}?lang={language}")
    agent.locator("button[data-key=t]").click()
    agent.goto(f"/desk/c/{reference}?lang={language}")
    agent.fill("#text", "Buenas" if language == "es" else "Hello")
    expect(resident.locator("#sign")).to_have_text(writes)
    _look(resident, f"resident-{language}")
    assert faults(resident) == []
    agent.press("#text", "Control+Enter")
    expect(resident.locator("#talk .from-agent")).to_have_count(1)
    expect(resident.locator("#sign")).to_be_empty()
    agent.goto(f"/desk/c/{reference}?lang={language}")
    expect(agent.locator("#sign")).to_have_text(read)
    resident.locator("#say").press_sequentially("mi casa" if language == "es" else "my house")
    expect(agent.locator("#sign")).to_have_text(is_writing)
    _look(agent, f"agent-{language}")
    assert faults(agent) == []
    resident.press("#say", "Enter")
    expect(agent.locator(".transcript .resident")).to_have_count(2)
    expect(agent.locator("#sign")).to_be_empty()


def _look(page: object, name: str) -> None:
    folder = os.environ.get("SPILLWAY_TEST_PICTURES")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)  # type: ignore[attr-defined]
