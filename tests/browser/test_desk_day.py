"""A day of the desk: two agents and a supervisor in three browsers; three residents by text, in the chat page and by phone, at once.
At the end every message is counted: none lost, none doubled, none from somebody who did not own the conversation."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import update

from desk.models import DeskAgent, Handoff
from server.audit.models import AuditRow
from server.clock import now
from server.conversations.models import Conversation, Turn
from server.outbox.models import OutboundMessage
from server.requests.models import ServiceRequest
from server.twilio.standin import StandIn
from server.twilio.standin.webhooks import post_to
from tests.browser.conftest import Site
from tests.browser.test_desk import in_a_loop_of_its_own, person
from tests.server.harness import rows

Make = Callable[..., BrowserContext]
SMS, PHONE = "+12125550181", "+12125550182"
LINE = "#b-line > li"


def reference_of(page: Page) -> str:
    return page.url.split("/c/")[1].split("?")[0]


def write(page: Page, text: str) -> None:
    """An agent writes to the resident whose page is open."""
    page.locator("#text").fill(text)
    page.locator(".compose button").click()
    expect(page.locator(".transcript .agent", has_text=text)).to_have_count(1)


def close_laptop(site: Site, page: Page, name: str) -> None:
    """The agent's page is gone, and nobody has heard of them for minutes."""
    page.context.close()
    before = now() - timedelta(minutes=5)
    with site.service.sessions.begin() as session:
        session.execute(update(DeskAgent).where(DeskAgent.name == name).values(seen_at=before))
        session.execute(update(Handoff).where(Handoff.accepted_by == name).values(state_at=before))


def test_a_day(site: Site, context: Make) -> None:
    settings = site.service.settings
    carrier = StandIn(
        settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value(), post_to(site.url), public_url=site.url
    )
    said: dict[str, list[str]] = defaultdict(list)

    def text(body: str) -> list[str]:
        said["sms"].append(body)
        sent: list[str] = in_a_loop_of_its_own(carrier.text(SMS, settings.twilio_number, body))
        return sent

    def chat(body: str) -> None:
        said["web"].append(body)
        mine = web.locator("#talk .mine").count()
        web.locator("#say").fill(body)
        web.locator("#say").press("Enter")
        expect(web.locator("#talk .mine .delivery")).to_have_count(mine + 1)
        expect(web.locator("#talk .mine .delivery").last).to_have_text("Sent")

    (ana, ana_name), (ben, ben_name) = person(site, context, "ana", "agent"), person(site, context, "ben", "agent")
    sofia, sofia_name = person(site, context, "sofia", "supervisor", width=360)
    web = context().new_page()
    web.goto("/chat/")

    # Three residents ask for a person, each on a channel of their own; every board has them without a reload.
    text("where is a shelter for my mother, she uses a wheelchair")
    text("agent")
    chat("agent")
    call = in_a_loop_of_its_own(carrier.call(PHONE, settings.twilio_number))
    in_a_loop_of_its_own(call.press("0"))
    for page in (ana, ben, sofia):
        expect(page.locator(LINE)).to_have_count(3)
        expect(page.locator(LINE).first).to_contain_text("mobility")

    # Both press at the same moment: one has it, the other is told so.
    first = str(ana.locator(f"{LINE} form").first.get_attribute("action"))
    for page in (ana, ben):
        page.evaluate(
            "(to) => { window.taken = fetch(to, {method: 'POST', redirect: 'manual'}).then((one) => one.status); }", first
        )
    answers = {page: page.evaluate("window.taken") for page in (ana, ben)}
    assert sorted(answers.values()) == [0, 409], "a redirect to the conversation, and a refusal"
    winner, name = (ana, ana_name) if answers[ana] == 0 else (ben, ben_name)
    other, other_name = (ben, ben_name) if winner is ana else (ana, ana_name)
    winner.goto(first.removesuffix("/take"))
    by_text = reference_of(winner)
    write(winner, "A ramp bus comes at noon.")
    text("thank you, and my dog?")
    expect(winner.locator(".transcript .resident")).to_contain_text(["where is a shelter", "agent", "my dog"])

    # The other agent takes the chat and hands it to the first one, with a note.
    other.locator(LINE, has_text="WEB").locator("button").click()
    expect(web.locator("#talk")).to_contain_text("You are with a person now")
    by_chat = reference_of(other)
    write(other, "Hello, I am here.")
    other.locator("summary", has_text="Pass on").click()
    other.select_option("#pass-to", f"agent:{name}")
    other.fill("#pass-note", "roof is gone, needs a report")
    other.get_by_role("button", name="Pass on").click()
    expect(web.locator("#talk")).to_contain_text("A colleague takes over")
    winner.goto("/desk/")
    winner.locator(".offered button", has_text="Accept").click()
    expect(winner.locator(".staff-note")).to_contain_text("roof is gone")
    chat("the rain comes in")

    # An emergency in mid-chat rings on every board until somebody has seen it.
    assert "CALL 911" in text("she cannot breathe")[0]
    for page in (sofia, other):
        page.goto("/desk/")
        expect(page.locator("#b-alerts article")).to_have_count(1)
    expect(other.locator("#board > div")).to_have_attribute("data-alarms", "a1")
    sofia.get_by_role("button", name="I have seen this").click()
    expect(other.locator("#b-alerts article")).to_have_count(0)
    winner.goto(f"/desk/c/{by_text}")
    expect(winner.locator(".packet")).to_contain_text(f"seen by {sofia_name}")

    # A damage report in the chat, and a call back: the resident has both numbers.
    winner.goto(f"/desk/c/{by_chat}")
    winner.locator("summary", has_text="Damage report").click()
    winner.fill("#f-damage_report-address", "12 Canal St")
    winner.fill("#f-damage_report-what", "half the roof is gone")
    winner.locator("details[open] button", has_text="File it").click()
    expect(winner.locator(".usa-alert[role=status]")).to_contain_text("Filed.")
    winner.locator("summary", has_text="Call back").click()
    winner.fill("#f-callback-about", "when the inspector comes")
    winner.fill("#f-callback-number", "212 555 0199")
    winner.locator("details[open] button", has_text="File it").click()
    expect(winner.locator("#b-callbacks li")).to_have_count(1)
    for request in rows(site.service, ServiceRequest):
        expect(web.locator("#talk")).to_contain_text(request.reference)
    chat("where is a shelter")
    expect(web.locator("#talk")).to_contain_text("Open shelters")

    # The phone, as far as it goes: the supervisor takes the call, and the caller is led to the agents' line.
    sofia.locator(LINE, has_text="PHONE").locator("button").click()
    by_phone = reference_of(sofia)
    expect(sofia.locator("h1")).to_contain_text("with an agent")

    # The agent closes the laptop: the resident by text is at the front, and told; the other one takes them on to the end.
    close_laptop(site, winner, name)
    other.goto("/desk/")
    expect(other.locator(LINE, has_text="waited before")).to_have_count(1)
    other.locator(LINE, has_text="waited before").locator("button").click()
    assert reference_of(other) == by_text
    write(other, "I have everything here. The bus is on its way.")
    other.locator("button", has_text="Finish").click()
    other.locator("button", has_text="File and go on").click()
    text("2")
    assert text("where are sandbags"), "the assistant is there again"

    # The call back is made and filed.
    other.locator("#b-callbacks a").click()
    other.get_by_role("button", name="Take").click()
    expect(web.locator("#talk p", has_text="You are with a person now")).to_have_count(3)
    other.locator("button", has_text="Finish").click()
    expect(web.locator("#talk")).to_contain_text("Did this help?")

    check(site, {by_text: said["sms"], by_chat: said["web"]}, by_phone, other_name)


def check(site: Site, said: dict[str, list[str]], by_phone: str, closer: str) -> None:
    """Holds every message against who owned its conversation when it was written."""
    known = {row.id: row.reference for row in rows(site.service, Conversation)}
    turns: dict[str, list[str]] = defaultdict(list)
    for turn in rows(site.service, Turn):
        turns[known[turn.conversation_id]].append(turn.text)
    for reference, texts in said.items():
        assert turns[reference] == texts, "every message is one turn, in its order"
    owners: dict[str, list[str]] = defaultdict(lambda: ["bot"])
    for act in rows(site.service, AuditRow, AuditRow.action.like("conversation.%")):
        owners[act.subject].append(act.action.removeprefix("conversation."))
    sent = rows(site.service, OutboundMessage)
    for row in sent:
        owner = owners[known[row.conversation_id]][row.owner_version]
        assert row.speaker != "agent" or owner == "agent", row.text
        assert row.speaker != "bot" or row.emergency or owner in ("bot", "queued"), row.text
        assert row.state in ("sent", "delivered"), (row.state, row.text)
    typed = Counter(row.text for row in sent if row.speaker == "agent")
    assert typed == {
        "A ramp bus comes at noon.": 1,
        "Hello, I am here.": 1,
        "I have everything here. The bus is on its way.": 1,
    }
    system = Counter(row.message_ids[0].split("@")[0] for row in sent if row.speaker == "system")
    assert (system["system.agent_lost"], system["system.passed_on"]) == (1, 1)
    assert (system["system.request_made"], system["system.callback_made"]) == (1, 1)
    ended = {known[row.conversation_id]: row for row in rows(site.service, Handoff)}
    assert ended[next(iter(said))].accepted_by == closer
    assert ended[by_phone].state == "agent"
