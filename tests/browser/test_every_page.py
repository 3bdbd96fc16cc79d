"""axe-core over every page of staff that docs/reference.md names, on a phone and on a desktop, in both languages: nothing found, and
nothing to be looked for sideways. A page that is added to the reference and not here fails the first test."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import BrowserContext, Page
from sqlalchemy import select

from bot.learning import service as learning
from knowledge.editing import begin_from
from knowledge.models import MessageVersion
from server.conversations.models import Conversation, Turn
from server.staff.models import StaffUser
from tests.browser.conftest import Site
from tests.browser.test_accessibility import faults
from tests.browser.test_desk import text
from tests.server.harness import rows
from tests.server.staffroom import PASSWORD, make_user
from tests.server.test_documentation import TAKEN_APART

AREAS: Final = ("/console/", "/desk/", "/account", "/confirm", "/password", "/sign-in")
NO_PAGES: Final = {
    "/desk/events",
    "/desk/voicemail/{voicemail_id}",
    "/console/topics/progress",
    "/console/facts/{type_}/{key}/{_act}",
    "/sign-in/oidc",
    "/sign-in/oidc/callback",
    "/sign-in/oidc/finish",
    "/confirm/oidc",
}
"""What is a stream, a sound, a piece of a page, or only leads to one; files end in .csv."""
FACTS, MESSAGES, TOPICS, INCIDENTS = (f"/console/{area}/" for area in ("facts", "messages", "topics", "incidents"))
PAGES: Final[dict[str, tuple[str, ...]]] = {
    "/console/": ("/console/",),
    MESSAGES: (MESSAGES, f"{MESSAGES}?q=water", f"{MESSAGES}?q=xyzzy"),
    MESSAGES + "m/{message_id}": (f"{MESSAGES}m/boil_water_notice.status",),
    MESSAGES + "v/{version_id}": (f"{MESSAGES}v/[live]", f"{MESSAGES}v/[draft]"),
    MESSAGES + "v/{version_id}/edit": (f"{MESSAGES}v/[draft]/edit",),
    MESSAGES + "v/{version_id}/live": (f"{MESSAGES}v/[live]/live",),
    MESSAGES + "plan/": (f"{MESSAGES}plan/",),
    MESSAGES + "plan/{name}": (f"{MESSAGES}plan/boil_water",),
    FACTS: (FACTS, f"{FACTS}?type=shelter", f"{FACTS}?q=xyzzy"),
    FACTS + "{type_}/new": (f"{FACTS}shelter/new",),
    FACTS + "{type_}/{key}": (f"{FACTS}shelter/lincoln",),
    FACTS + "table": (f"{FACTS}table?type=shelter",),
    FACTS + "table/write": (f"{FACTS}table/write",),
    INCIDENTS: (INCIDENTS,),
    INCIDENTS + "{incident_id}": (f"{INCIDENTS}1",),
    INCIDENTS + "new": (f"{INCIDENTS}new", f"{INCIDENTS}new?pack=flood"),
    INCIDENTS + "start": (f"{INCIDENTS}start?pack=flood&name=Creek&hazard=flood&phase=during&level=full",),
    INCIDENTS + "{incident_id}/change": (f"{INCIDENTS}1/change?phase=after&level=full",),
    INCIDENTS + "{incident_id}/close": (f"{INCIDENTS}1/close",),
    INCIDENTS + "{incident_id}/after": (f"{INCIDENTS}1/after",),
    TOPICS: (TOPICS,),
    TOPICS + "new": (f"{TOPICS}new",),
    TOPICS + "t/{intent}": (f"{TOPICS}t/shelter_pets",),
    TOPICS + "lines": (f"{TOPICS}lines",),
    TOPICS + "lines/{turn_id}": (f"{TOPICS}lines/[turn]",),
    TOPICS + "models/": (f"{TOPICS}models/",),
    TOPICS + "models/{model_id}": (f"{TOPICS}models/1",),
    "/console/try/": ("/console/try/?text=shelter",),
    "/console/review/": ("/console/review/",),
    "/console/review/figures": ("/console/review/figures",),
    "/console/people/": ("/console/people/",),
    "/console/people/{name}": ("/console/people/everywhere",),
    "/console/audit/": ("/console/audit/", "/console/audit/?actor=nobody"),
    "/desk/": ("/desk/",),
    "/desk/c/{reference}": ("/desk/c/[conversation]",),
    "/desk/figures": ("/desk/figures",),
    "/desk/team": ("/desk/team",),
    "/desk/requests": ("/desk/requests",),
    "/console/blocks/": ("/console/blocks/",),
    "/account": ("/account",),
    "/account/second-factor": ("/account/second-factor",),
    "/password": ("/password",),
    "/confirm": ("/confirm?next=/console/",),
    "/sign-in": ("/sign-in",),
    "/sign-in/code": ("/sign-in/code",),
}
"""Each address of the reference, and what is looked at for it."""


def test_every_page_of_the_reference_is_looked_at() -> None:
    named = {match[1] for line in TAKEN_APART if (match := re.fullmatch(r"GET (/\S*)", line))}
    pages = {path for path in named if path.startswith(AREAS) and not path.endswith(".csv")} - NO_PAGES
    assert pages == set(PAGES)


@pytest.fixture(scope="module")
def places(site: Site) -> dict[str, str]:
    """What stands in brackets above: there is a draft, a live version, a resident in line, and a report."""
    make_user(site.service, "everywhere", "administrator")
    for words in ("xyzzy plugh", "agent"):
        text(site, "+12125550181", words)
    turn = rows(site.service, Turn, Turn.text == "xyzzy plugh")[0]
    waiting = rows(site.service, Conversation, Conversation.id == turn.conversation_id)[0]
    with site.service.sessions.begin() as session:
        live = session.scalars(select(MessageVersion).where(MessageVersion.message_id == "sandbags.sites")).one()
        draft = begin_from(session, version_id=live.id, actor="everywhere")
        session.scalars(select(StaffUser).where(StaffUser.name == "everywhere")).one().tour = 0
        learning.ask_for(session, kind="topics", actor="everywhere")
        return {"live": str(live.id), "draft": str(draft.id), "conversation": waiting.reference, "turn": str(turn.id)}


@pytest.fixture
def page(context: Callable[..., BrowserContext], places: dict[str, str], width: int) -> Page:
    page = context(width=width, height=800, bypass_csp=True).new_page()
    page.goto("/sign-in")
    page.locator("#name").fill("everywhere")
    page.locator("#password").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url("**/console/**")
    return page


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_found(page: Page, places: dict[str, str], width: int) -> None:
    found: dict[str, object] = {}
    for number, address in enumerate(address for addresses in PAGES.values() for address in addresses):
        # Each page is seen in one language on the phone and in the other on the desktop.
        lang = ("en", "es")[(number + (width == 360)) % 2]
        for name, value in places.items():
            address = address.replace(f"[{name}]", value)
        answer = page.goto(f"{address}{'&' if '?' in address else '?'}lang={lang}")
        assert answer is not None
        assert answer.status == 200, address
        wrong = faults(page)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wrong.append("wider than the window")
        if wrong:
            found[f"{address} {lang}"] = wrong
    assert found == {}
