from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from desk import reply, service
from server.conversations.models import Conversation
from tests.browser.conftest import Site

Open = Callable[..., Page]


def ask(page: Page, text: str) -> None:
    """Types a message and sends it."""
    page.get_by_label(re.compile("Your message|Su mensaje")).fill(text)
    page.get_by_role("button", name=re.compile("^(Send|Enviar)$")).click()


def ours(page: Page) -> Any:
    """Our bubbles below the greeting."""
    return page.locator("#talk .bubble.ours")


def reference(page: Page) -> str:
    """What the page calls the conversation."""
    expect(page.locator("#reference")).to_have_text(re.compile("HC-"))
    return page.locator("#reference").inner_text()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(
    ("lang", "question", "heard", "more"),
    [("en", "Where is a shelter?", "Open shelters", "911"), ("es", "¿Dónde hay un refugio?", "Refugios abiertos", "911")],
)
def test_a_question_is_answered(open_page: Open, width: int, lang: str, question: str, heard: str, more: str) -> None:
    page = open_page(f"/chat/?lang={lang}", width=width, height=640)
    ask(page, question)
    answer = ours(page).last
    expect(answer).to_contain_text(heard)
    expect(answer).to_contain_text(more)
    assert answer.get_attribute("lang") == lang
    expect(page.get_by_role("log")).to_contain_text(question)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("Call 911|Llame al 911", "Talk to a person|Hablar con una persona"):
        expect(page.locator(".help").get_by_text(re.compile(name))).to_be_in_viewport()
    expect(page.locator("#say")).to_be_in_viewport()


def test_a_refresh_keeps_the_talk(open_page: Open) -> None:
    page = open_page()
    ask(page, "Where is a shelter?")
    expect(ours(page).last).to_contain_text("Open shelters")
    before = reference(page)
    page.reload()
    expect(ours(page).last).to_contain_text("Open shelters")
    expect(page.locator("#talk .mine")).to_have_count(1)
    assert reference(page) == before


def test_what_is_being_written_survives_a_refresh(open_page: Open) -> None:
    page = open_page()
    page.locator("#say").fill("half a question")
    page.reload()
    expect(page.locator("#say")).to_have_value("half a question")


def test_without_a_connection_it_is_kept_and_sent_once_when_it_is_back(open_page: Open, site: Site) -> None:
    page = open_page()
    page.context.set_offline(True)
    ask(page, "is there a shelter for offline people")
    expect(page.locator("#talk .mine .delivery")).to_contain_text("Not sent yet")
    expect(page.locator("#trouble")).to_contain_text("call 911")
    assert site.turns("is there a shelter for offline people") == 0
    page.context.set_offline(False)
    expect(ours(page).last).to_contain_text("Open shelters")
    expect(page.locator("#talk .mine .delivery")).to_have_text("Sent")
    expect(page.locator("#trouble")).to_be_hidden()
    assert site.turns("is there a shelter for offline people") == 1


def test_what_was_not_sent_goes_out_after_a_reload(open_page: Open, site: Site) -> None:
    page = open_page()
    page.route("**/chat/messages?lang=*", lambda route: route.abort())
    ask(page, "where is a shelter after a reload")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.unroute("**/chat/messages?lang=*")
    page.reload()
    expect(ours(page).last).to_contain_text("Open shelters")
    expect(page.locator("#talk .mine")).to_have_count(1)
    assert site.turns("where is a shelter after a reload") == 1


def test_an_answer_that_was_lost_on_the_way_is_not_asked_for_twice(open_page: Open, site: Site) -> None:
    page = open_page()
    tries: list[str] = []

    def lose_the_first(route: Route) -> None:
        tries.append(route.request.post_data or "")
        if len(tries) == 1:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/chat/messages?lang=*", lose_the_first)
    ask(page, "where is a shelter with a lost answer")
    page.get_by_role("button", name="Try again").click()
    expect(ours(page).last).to_contain_text("Open shelters")
    expect(page.locator("#talk .mine .delivery")).to_have_text("Sent")
    assert len(set(tries)) == 1
    assert site.turns("where is a shelter with a lost answer") == 1
    expect(ours(page)).to_have_count(2)


def test_an_emergency_is_announced_at_once(open_page: Open) -> None:
    page = open_page()
    ask(page, "my house is on fire")
    card = page.locator("#talk").get_by_role("alert")
    expect(card).to_contain_text("911")
    expect(card.locator('a[href="tel:911"]').first).to_be_visible()


def test_a_person_is_one_press_away_and_heard_without_a_reload(open_page: Open, site: Site) -> None:
    page = open_page()
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.locator("#owner")).to_contain_text("in line for a person")
    name = reference(page)
    with site.service.sessions.begin() as session:
        conversation = session.query(Conversation).filter_by(reference=name).one()
        handoff = service.current_handoff(session, conversation_id=conversation.id)
        assert handoff is not None
        service.accept(session, handoff_id=handoff.id, agent="kim")
        reply.say_typed(session, conversation=conversation, agent="kim", text="Kim here. <b>How</b> can I help?")
    expect(ours(page).last).to_contain_text("Kim here. <b>How</b> can I help?")
    expect(ours(page).last).to_contain_text("311 staff")
    expect(page.locator("#owner")).to_contain_text("A person from 311 is with you")


def test_buttons_send_their_number(open_page: Open) -> None:
    page = open_page()
    ask(page, "xyzzy plugh")
    page.locator("#choices button", has_text="shelter").first.click()
    expect(ours(page).last).to_contain_text("Open shelters")
    page.reload()
    expect(page.locator("#talk .mine").last).to_contain_text("shelter")


def test_a_common_question_is_one_press(open_page: Open) -> None:
    page = open_page()
    page.locator("#choices button", has_text="shelter").first.click()
    expect(ours(page).last).to_contain_text("Open shelters")
    expect(page.locator("#privacy")).to_have_count(0)


def test_the_picked_language_is_answered_in(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("link", name="Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    assert "set=1" not in page.url
    ask(page, "shelter")
    expect(ours(page).last).to_contain_text("Refugios abiertos")


def test_what_is_too_long_is_told_before_it_is_sent(open_page: Open, site: Site) -> None:
    page = open_page()
    ask(page, "a" * 10_001)
    expect(page.locator("#trouble")).to_contain_text("10001")
    expect(page.locator("#say")).to_have_value("a" * 10_001)


def test_markup_is_shown_as_it_was_typed(open_page: Open) -> None:
    page = open_page()
    text = "<img src=x onerror=alert(1)> shelter"
    ask(page, text)
    expect(page.locator("#talk .mine .part")).to_have_text(text)
    expect(ours(page)).to_have_count(2)
    page.reload()
    expect(page.locator("#talk .mine .part")).to_have_text(text)
    expect(page.locator("#talk img")).to_have_count(0)


def test_ending_clears_this_device(open_page: Open) -> None:
    page = open_page()
    ask(page, "Where is a shelter?")
    expect(ours(page).last).to_contain_text("Open shelters")
    page.get_by_role("button", name="End chat").click()
    expect(page.get_by_text("no longer shows your chat")).to_be_visible()
    expect(page.locator("#talk .mine")).to_have_count(0)
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_the_keyboard_alone_is_enough(open_page: Open) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the message box")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("Where is a shelter?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Tonight?")
    expect(page.locator("#say")).to_be_focused()
    page.keyboard.press("Enter")
    expect(ours(page).last).to_contain_text("Open shelters")
    expect(page.locator("#say")).to_be_focused()
    expect(page.locator("#talk .mine .part")).to_have_text(re.compile(r"shelter\?\nTonight"))
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.textContent.trim()")
        if focused == "Talk to a person":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#owner")).to_contain_text("in line")


def test_nothing_that_has_the_focus_is_covered(open_page: Open) -> None:
    page = open_page(width=320, height=640)
    ask(page, "Where is a shelter?")
    expect(ours(page).last).to_contain_text("Open shelters")
    covered = []
    page.locator("body").press("Home")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        page.wait_for_function(
            "() => { const now = scrollY; return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(now === scrollY)))); }"
        )
        hit = page.evaluate(
            "() => { const e = document.activeElement, b = e.getClientRects()[0];"
            " const top = document.elementFromPoint(b.x + b.width / 2, b.y + b.height / 2);"
            " return top !== null && (e.contains(top) || top.contains(e)); }"
        )
        if not hit:
            covered.append(page.evaluate("document.activeElement.outerHTML"))
    assert covered == []


@pytest.mark.parametrize(
    ("lang", "question", "heard"), [("en", "Where is a shelter?", "Open shelters"), ("es", "refugio", "Refugios")]
)
def test_it_works_without_javascript(open_page: Open, lang: str, question: str, heard: str) -> None:
    page = open_page(f"/chat/?lang={lang}", width=320, height=640, java_script_enabled=False)
    for count in (1, 2):
        ask(page, question)
        expect(page.locator("#talk .ours").last).to_contain_text(heard)
        expect(page.locator("#talk .mine")).to_have_count(count)
    page.reload()
    expect(page.locator("#talk .mine")).to_have_count(2)
    page.get_by_role("button", name=re.compile("Talk to a person|Hablar con una persona")).click()
    expect(page.locator("#owner")).to_be_visible()


def test_no_motion_where_none_is_wanted(open_page: Open) -> None:
    page = open_page(reduced_motion="reduce")
    page.evaluate("document.getElementById('progress').textContent = 'x'")
    assert page.evaluate("getComputedStyle(document.getElementById('progress'), '::after').animationName") == "none"


def test_nobody_else_is_asked_for_anything(open_page: Open, site: Site, context: Any) -> None:
    page = context().new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/chat/")
    ask(page, "Where is a shelter?")
    expect(ours(page).last).to_contain_text("Open shelters")
    assert asked
    assert all(address.startswith(site.url) for address in asked)
