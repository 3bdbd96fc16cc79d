"""Two agents, a supervisor and residents at once, in real browsers: what only a browser shows of the desk."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import update

from desk.models import DeskAgent, Handoff
from server.clock import now
from server.outbox.models import OutboundMessage
from server.staff.service import add_user
from server.twilio.standin import StandIn
from server.twilio.standin.webhooks import post_to
from tests.browser.conftest import Site
from tests.browser.test_accessibility import faults
from tests.server.harness import rows
from tests.server.staffroom import PASSWORD

Make = Callable[..., BrowserContext]


def in_a_loop_of_its_own(work: Coroutine[Any, Any, Any]) -> Any:
    """Playwright holds this thread's loop."""
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(asyncio.run(work)))
    thread.start()
    thread.join()
    return done[0]


def text(site: Site, number: str, body: str) -> list[str]:
    """A resident's text down the signed webhook."""
    settings = site.service.settings
    carrier = StandIn(
        settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value(), post_to(site.url), public_url=site.url
    )
    sent: list[str] = in_a_loop_of_its_own(carrier.text(number, settings.twilio_number, body))
    return sent


def person(site: Site, context: Make, name: str, role: str, **options: Any) -> tuple[Page, str]:
    """A signed-in member of staff, available, and the name of the account."""
    name = f"{name}{uuid.uuid4().hex[:5]}"
    with site.service.sessions.begin() as session:
        add_user(session, name=name, role=role, actor="tests", password=PASSWORD)
    page = context(**options).new_page()
    page.goto("/sign-in")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url(lambda address: "/sign-in" not in address)
    page.goto("/desk/")
    page.click("button[value=available]")
    expect(page.locator("button[value=available]")).to_have_attribute("aria-pressed", "true")
    return page, name


def test_a_day_at_the_desk(site: Site, context: Make) -> None:
    (ana, _), (ben, lost) = person(site, context, "ana", "agent"), person(site, context, "ben", "agent")
    sofia, _ = person(site, context, "sofia", "supervisor", width=360)
    text(site, "+12125550171", "where is a shelter for my mother, she uses a wheelchair")
    text(site, "+12125550171", "agent")
    line = "#waiting ~ ol li"
    for page in (ana, ben, sofia):
        expect(page.locator(line)).to_have_count(1)
    expect(ana.locator(line)).to_contain_text("mobility")

    # Two take it: one has it, the other is told so.
    ana.locator(f"{line} button").click()
    expect(ana.locator("#text")).to_be_visible()
    reference = ana.url.split("/c/")[1].split("?")[0]
    ben.goto(f"/desk/c/{reference}")
    answer = ben.evaluate(
        "(reference) => fetch(`/desk/c/${reference}/take`, {method: 'POST', redirect: 'manual'}).then((one) => one.status)",
        reference,
    )
    assert answer == 409

    # The agent answers with her own words, by the quick keys, and the text goes out once.
    ana.keyboard.press("r")
    ana.keyboard.type("We send a ramp bus.")
    expect(ana.locator("#lint")).to_contain_text("1 SMS")
    ana.keyboard.press("Control+Enter")
    expect(ana.locator(".transcript .agent")).to_contain_text("We send a ramp bus.")
    assert len(rows(site.service, OutboundMessage, OutboundMessage.text == "We send a ramp bus.")) == 1

    # An emergency in mid-chat rings, whatever the page is doing.
    ana.fill("#text", "half a sente")
    assert "CALL 911" in text(site, "+12125550171", "she cannot breathe")[0]
    expect(ana.locator("html")).to_have_attribute("data-rang", "alarm")
    expect(ana.locator("#board [role=alert]")).to_be_visible()
    expect(ana.locator("#text")).to_have_value("half a sente")

    # Passed on with a note; the other agent finds it in front of him.
    ana.locator("summary", has_text="Pass on").click()
    ana.select_option("#pass-to", f"agent:{lost}")
    ana.fill("#pass-note", "needs the ramp bus")
    ana.get_by_role("button", name="Pass on").click()
    ben.goto("/desk/")
    ben.locator(".offered button", has_text="Accept").click()
    expect(ben.locator(".staff-note")).to_contain_text("needs the ramp bus")

    # The supervisor whispers from her phone; the agent sees it without a reload.
    sofia.goto(f"/desk/c/{reference}")
    sofia.fill("#whisper", "ask for the floor")
    sofia.locator("button", has_text="Whisper").click()
    expect(ben.locator(".note-whisper")).to_contain_text("ask for the floor")

    # The agent closes the laptop: the resident is at the front again, and told.
    ben.close()
    before = now() - timedelta(minutes=5)
    with site.service.sessions.begin() as session:
        session.execute(update(DeskAgent).where(DeskAgent.name == lost).values(seen_at=before))
        session.execute(update(Handoff).where(Handoff.accepted_by == lost).values(state_at=before))
    ana.goto("/desk/")
    expect(ana.locator(f"{line}", has_text="waited before")).to_have_count(1)
    told = [row.message_ids[0] for row in rows(site.service, OutboundMessage, OutboundMessage.speaker == "system")]
    assert sum(message.startswith("system.agent_lost") for message in told) == 1

    # Back to the assistant, with a reference and a question.
    ana.locator(f"{line} button").click()
    ana.locator("button", has_text="Finish").click()
    ana.locator("button", has_text="File and go on").click()
    expect(ana.locator("h1")).to_have_text("Agent desk")
    assert "911" in text(site, "+12125550171", "2")[0], "the latch is let go first"
    assert text(site, "+12125550171", "where are sandbags")


def test_a_web_chat_with_a_person(site: Site, context: Make) -> None:
    resident = context().new_page()
    resident.goto("/chat/")
    ana, _ = person(site, context, "ana", "agent")
    resident.locator("#say").fill("agent")
    resident.locator("#say").press("Enter")
    ana.locator("#waiting ~ ol li", has_text="WEB").locator("button").first.click()
    expect(resident.locator("#talk")).to_contain_text("You are with a person now")
    ana.locator("#text").fill("Hello, I am here.")
    ana.locator("button", has_text="Send").first.click()
    expect(resident.locator("#talk")).to_contain_text("Hello, I am here.")
    resident.context.set_offline(True)
    ana.locator("#text").fill("Are you still there?")
    ana.locator("button", has_text="Send").first.click()
    resident.context.set_offline(False)
    expect(resident.locator("#talk")).to_contain_text("Are you still there?")
    assert resident.locator("#talk").inner_text().count("Are you still there?") == 1
    ana.locator("button", has_text="Finish").click()
    expect(resident.locator("#talk")).to_contain_text("Did this help?")


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages_have_no_fault(site: Site, context: Make, lang: str, width: int) -> None:
    sofia, _ = person(site, context, "sofia", "supervisor", width=width, bypass_csp=True)
    text(site, f"+1212555{width % 1000:03}{lang == 'es':d}", "agent")
    sofia.goto(f"/desk/?lang={lang}")
    assert faults(sofia) == []
    sofia.keyboard.press("?")
    assert faults(sofia) == []
    sofia.keyboard.press("Escape")
    sofia.locator("#waiting ~ ol li button").first.click()
    sofia.goto(f"{sofia.url.split('?')[0]}?lang={lang}&q=agua")
    assert faults(sofia) == []
    for path in ("/desk/figures", "/desk/team"):
        sofia.goto(f"{path}?lang={lang}")
        assert faults(sofia) == []
        assert sofia.evaluate("document.documentElement.scrollWidth") <= width
        wider = "[...document.querySelectorAll('.usa-table-container--scrollable')].some(one => one.scrollWidth > one.clientWidth)"
        assert not sofia.evaluate(wider), "no table is to be pushed sideways"
