"""Staff correct what the city says, as they do it: a live city with two processes on PostgreSQL, on a phone and a desktop, in both
languages; every resident who asks after it hears the new words at once, by text, on the web and by phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, StorageState, expect

from tests.bot.test_published import FORM, QUESTION
from tests.browser.town import Town, answering, code_of, start, stop
from tests.server.databases import PostgresServer
from tests.server.staffroom import PASSWORD

BOIL, SANDBAGS = "boil_water_notice.status", "sandbags.sites"
PEOPLE = {"ana": "author", "eli": "author", "bo": "approver", "dee": "approver", "cruz": "supervisor"}
Enter = Callable[..., Page]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    with postgres.database() as database:
        town = Town(database)
        for name, role in PEOPLE.items():
            town.person(name, role)
        town.processes = (start(folder, database), start(folder, database))
        try:
            for process in town.processes:
                answering(process)
            yield town
        finally:
            for process in town.processes:
                stop(process)


@pytest.fixture(scope="module")
def signed_in() -> dict[str, StorageState]:
    """The cookies of those who signed in."""
    return {}


@pytest.fixture
def enter(browser: Browser, town: Town, signed_in: dict[str, StorageState]) -> Iterator[Enter]:
    """Signs people in with their password and the code of their app. Who did so in an earlier chapter still is: a code opens once."""
    made: list[BrowserContext] = []

    def sign_in(name: str, *, width: int, lang: str, process: int = 0) -> Page:
        height = 780 if width < 500 else 900
        context = browser.new_context(
            viewport={"width": width, "height": height},
            base_url=town.processes[process].url,
            locale=lang,
            has_touch=width < 500,
            storage_state=signed_in.get(name),
        )
        made.append(context)
        page = context.new_page()
        if name not in signed_in:
            page.goto(f"/sign-in?lang={lang}")
            page.locator("#name").fill(name)
            page.locator("#password").fill(PASSWORD)
            page.locator("main button").click()
            page.locator("#code").fill(code_of(town.secrets[name]))
            page.locator("main button").click()
            page.wait_for_url("**/console/**")
            signed_in[name] = context.storage_state()
        page.goto(f"/console/?lang={lang}")
        expect(page.locator("html")).to_have_attribute("lang", lang)
        return page

    yield sign_in
    for context in made:
        context.close()


def fits(page: Page) -> None:
    """Nothing of the page has to be looked for by scrolling sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url


def go(link: Locator) -> None:
    """A tap, or a click where nothing is tapped, that leads to another page; gives it time to be there."""
    with link.page.expect_navigation():
        link.click()


def correct(page: Page, message: str, words: str) -> None:
    """From the list to a draft with new words on every channel of English."""
    go(page.locator(".quick a[href^='/console/messages/']"))
    page.locator("#q").fill(message)
    go(page.locator(f"#rows h2 a[href*='{message}']"))
    page.locator("form[action*='/correct'] button").first.click()
    page.wait_for_url("**/edit**")
    for channel in ("sms", "web", "voice"):
        page.locator(f"#text-en-{channel}").fill(words)
    expect(page.locator("#see-en-voice")).to_contain_text(words[-20:])
    go(page.locator("button[value=look]"))
    assert proposed(page).count(words) == 3, proposed(page)
    fits(page)


def proposed(page: Page) -> list[str]:
    """The texts of a version as they would be said, without what is struck out."""
    page.locator("#diff").wait_for()
    found: list[str] = page.locator("section[aria-labelledby=diff] .words").evaluate_all(
        """texts => texts.map(text => {
            const copy = text.cloneNode(true);
            copy.querySelectorAll("del, .usa-sr-only").forEach(one => one.remove());
            return copy.textContent.replace(/\\s+/g, " ").trim();
        })"""
    )
    return found


def because(page: Page, act: str, reason: str) -> None:
    """An act that asks for a reason."""
    form = page.locator(f"form[action*='/{act}']").first
    form.locator("xpath=ancestor::details[1]/summary").click()
    form.locator("[name=reason]").fill(reason)
    go(form.locator("button"))


def test_a_wrong_shelter_is_corrected_in_three_taps(town: Town, enter: Enter) -> None:
    question, shelter = "where is a shelter", "Lincoln High School"
    town.everybody_hears(question, shelter)
    page = enter("ana", width=360, lang="es")
    fits(page)
    go(page.locator(".quick a[href^='/console/facts/']"))
    fits(page)
    go(page.locator("a[href*='type=shelter']"))
    page.locator("#f-shelter-lincoln button[value=full]").tap()
    expect(page.locator("#f-shelter-lincoln .state")).to_have_text("Lleno")
    town.nobody_hears(question, shelter)
    fits(page)
    page.locator("#f-shelter-lincoln .note button").tap()
    expect(page.locator("#f-shelter-lincoln .state")).to_have_text("Abierto")
    town.everybody_hears(question, shelter)


def test_a_wrong_sentence_takes_two_people_and_is_withdrawn_by_one(town: Town, enter: Enter) -> None:
    question, wrong = "boil water", "Boil it for one minute."
    author = enter("eli", width=1280, lang="en", process=1)
    correct(author, BOIL, f"Water news {{asof}}: {{status_water}} {wrong}")
    go(author.locator("form[action*='/submit'] button"))
    expect(author.locator(".state.in_review").first).to_be_visible()
    town.nobody_hears(question, wrong)
    approver = enter("bo", width=360, lang="en")
    go(approver.locator(f".tasks a[href*='{author.url.split('/v/')[1].split('?')[0]}']"))
    fits(approver)
    go(approver.locator("form.publish button"))
    approver.wait_for_url("**/live**")
    expect(approver.locator(".usa-alert--success")).to_be_visible()
    fits(approver)
    town.everybody_hears(question, wrong)
    author.goto(f"/console/messages/m/{BOIL}?lang=en")
    because(author, "withdraw", "It is three minutes at this height.")
    town.nobody_hears(question, wrong)


def test_a_routine_sentence_is_rolled_back_by_one_person(town: Town, enter: Enter) -> None:
    question, wrong = "sandbags", "Sandbags are at Gate Seven."
    page = enter("dee", width=1280, lang="es", process=1)
    correct(page, SANDBAGS, wrong)
    go(page.locator("form.publish button"))
    page.wait_for_url("**/live**")
    town.everybody_hears(question, wrong)
    page.goto(f"/console/messages/m/{SANDBAGS}?lang=es")
    page.locator("details.act > summary", has_text="1").last.click()
    go(page.locator("form[action*='/roll-back'] button"))
    page.wait_for_url("**/live**")
    town.nobody_hears(question, wrong)


def test_an_override_is_heard_at_once_and_looked_at_after(town: Town, enter: Enter) -> None:
    question, words = "boil water", "Boil it for three minutes."
    supervisor = enter("cruz", width=360, lang="en")
    correct(supervisor, BOIL, f"Water news {{asof}}: {{status_water}} {words}")
    because(supervisor, "override", "Nobody else is awake.")
    supervisor.wait_for_url("**/live**")
    fits(supervisor)
    town.everybody_hears(question, words)
    supervisor.goto("/console/?lang=en")
    expect(supervisor.locator("#overrides")).to_be_visible()
    other = enter("bo", width=1280, lang="es", process=1)
    go(other.locator("section[aria-labelledby=overrides] a").first)
    go(other.locator("form[action*='/reviewed'] button"))
    other.goto("/console/?lang=es")
    expect(other.locator("#overrides")).to_have_count(0)


def test_a_topic_is_added_and_answered_before_any_training(town: Town, enter: Enter) -> None:
    author = enter("ana", width=360, lang="es")
    author.goto("/console/topics/new?lang=es")
    for name, value in FORM.items():
        if name != "owner":
            author.fill(f"[name={name}]", value)
    author.select_option("#owner", FORM["owner"])
    go(author.locator(".topics-form button[type=submit]"))
    author.wait_for_url("**/console/topics/t/**")
    fits(author)
    go(author.locator("a[href*='/console/messages/?q=']"))
    go(author.locator("#rows h2 a").first)
    go(author.locator("a[href*='/messages/v/']").first)
    author.wait_for_url("**/v/**")
    author.goto(author.url.replace("/edit", ""))
    go(author.locator("form[action*='/submit'] button"))
    town.nobody_hears(QUESTION, "The fair is moved")
    approver = enter("dee", width=1280, lang="en", process=1)
    go(approver.locator(f".tasks a[href*='{author.url.split('/v/')[1].split('?')[0]}']"))
    go(approver.locator("form.publish button"))
    approver.wait_for_url("**/live**")
    town.everybody_hears(QUESTION, "The fair is moved")


def test_an_incident_is_started_and_closed(town: Town, enter: Enter) -> None:
    page = enter("cruz", width=360, lang="es")
    page.goto("/console/incidents/?lang=es")
    go(page.locator("a[href^='/console/incidents/new']"))
    go(page.locator("a[href*='pack=flood']"))
    page.locator("#name").fill("Crecida del arroyo")
    go(page.locator("main form.entry button"))
    fits(page)
    go(page.locator(".confirm button"))
    expect(page.locator("h1")).to_have_text("Crecida del arroyo")
    fits(page)
    go(page.locator(".checklist button").first)
    expect(page.locator(".checklist li.done")).to_have_count(1)
    other = enter("bo", width=1280, lang="en", process=1)
    expect(other.locator(".incident", has_text="Crecida del arroyo")).to_be_visible()
    other.goto(page.url.split("?")[0].split("#")[0].replace(town.processes[0].url, "") + "/close?lang=en")
    go(other.locator(".confirm button"))
    other.wait_for_url("**/after**")
    expect(other.locator(".usa-alert--success")).to_be_visible()
    page.goto("/console/?lang=es")
    expect(page.locator(".incident", has_text="Crecida del arroyo")).to_have_count(0)
