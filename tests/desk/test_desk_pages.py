"""The live agents' pages as a browser sees them."""

from __future__ import annotations

import html
import re
from typing import get_args

import httpx
import pytest

from bot.triage.decision import CATEGORIES
from console.catalogue import has
from desk.models import Handoff
from desk.reply import MAX_TEXT
from server.alerts.models import Alert
from server.assembly import Service
from server.audit.models import AuditRow
from server.conversations.turn import Channel, Kind
from server.outbox.models import OutboundMessage
from server.outbox.states import State
from server.staff.permissions import PERMISSIONS
from server.staff.service import ROLES
from tests.server.harness import Resident, rows
from tests.server.staffroom import SAME_SITE, make_user, sign_in, signed_in

QUESTION = "where is a shelter"
XSS = "<script>alert('x')</script><img src=x onerror=alert(1)>{{7*7}}"


async def act(client: httpx.AsyncClient, reference: str | None, what: str, text: str = "") -> httpx.Response:
    return await client.post(f"/desk/c/{reference}/{what}", data={"text": text}, headers=SAME_SITE)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("permission", ["desk.see", "desk.take", "desk.contact", "alerts.acknowledge"])
async def test_who_may_do_what(client: httpx.AsyncClient, menu_service: Service, permission: str, role: str) -> None:
    writer = Resident(menu_service.spine)
    await writer.says("my house is on fire and we cannot get out")
    reference, alert = writer.conversation().reference, rows(menu_service, Alert)[0].id
    await signed_in(client, menu_service, role)
    done = {
        "desk.see": lambda: client.get(f"/desk/c/{reference}"),
        "desk.take": lambda: act(client, reference, "take"),
        "desk.contact": lambda: client.post(f"/desk/contact/{reference}", headers=SAME_SITE),
        "alerts.acknowledge": lambda: client.post(f"/desk/alerts/{alert}", headers=SAME_SITE),
    }
    answer = await done[permission]()
    assert answer.status_code == (403 if role not in PERMISSIONS[permission] else 200 if answer.text else 303)
    if role not in PERMISSIONS[permission]:
        assert writer.conversation().owner == "bot"
        assert rows(menu_service, Alert)[0].seen_by is None


async def test_a_handoff_from_the_line_to_the_end(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says(QUESTION)
    reference = (await writer.says("agent")).conversation
    await signed_in(client, menu_service)
    board = (await client.get("/desk/")).text
    assert str(reference) in board
    page = (await client.get(f"/desk/c/{reference}")).text
    assert QUESTION in page
    assert "shelter_locations.open@1" in page, "what the resident was told, with its version"
    assert (await act(client, reference, "take")).status_code == 303
    assert (await writer.says("hello, are you a person?")).parts == ()
    assert (await act(client, reference, "say", "We are sending a bus to Oak St.")).status_code == 303
    (sent,) = rows(menu_service, OutboundMessage, OutboundMessage.speaker == "agent")
    assert (sent.text, sent.state, sent.message_ids) == ("We are sending a bus to Oak St.", "queued", [])
    assert sent.parts[0]["message_id"] == "agent.typed", "marked as typed, with no approved version"
    assert (await act(client, reference, "approved", "sandbags")).status_code == 303
    approved = rows(menu_service, OutboundMessage, OutboundMessage.speaker == "agent")[1]
    assert approved.message_ids[0].startswith("sandbags.")
    page = (await client.get(f"/desk/c/{reference}")).text
    assert "We are sending a bus to Oak St." in page
    assert (await act(client, reference, "return")).status_code == 303
    assert (await writer.says(QUESTION)).topic == "shelter_locations"
    assert (await act(client, reference, "close")).status_code == 303
    assert (await writer.says(QUESTION)).conversation != reference
    actions = [row.action for row in rows(menu_service, AuditRow, AuditRow.actor == "ana")]
    assert actions == [
        "staff.signed_in",
        "desk.presence",
        "conversation.agent",
        "handoff.agent",
        "agent.said",
        "agent.said",
        "conversation.bot",
        "handoff.bot",
        "conversation.closed",
    ]
    assert [row.state for row in rows(menu_service, Handoff)] == ["bot"]


async def test_what_cannot_be_done_now_changes_nothing(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    reference = (await writer.says("agent")).conversation
    await signed_in(client, menu_service)
    for what in ("say", "approved", "return", "nonsense"):
        assert (await act(client, reference, what, "sandbags")).status_code == 409, what
    assert (await act(client, "HC-2222222", "take")).status_code == 404
    assert (await client.get("/desk/c/HC-2222222")).status_code == 404
    assert (await client.post("/desk/alerts/999", headers=SAME_SITE)).status_code == 404
    assert rows(menu_service, OutboundMessage, OutboundMessage.speaker == "agent") == []


async def test_two_agents_one_conversation(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    reference = (await writer.says("agent")).conversation
    await signed_in(client, menu_service)
    assert (await act(client, reference, "take")).status_code == 303
    client.cookies.clear()
    make_user(menu_service, "ben")
    await sign_in(client, "ben")
    assert (await act(client, reference, "take")).status_code == 409
    assert rows(menu_service, Handoff)[0].accepted_by == "ana"


async def test_a_form_sent_twice_is_one_text(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    reference = (await writer.says("agent")).conversation
    await signed_in(client, menu_service)
    await act(client, reference, "take")
    form = re.findall(r'name="once" value="([0-9a-f]{32})"', (await client.get(f"/desk/c/{reference}")).text)[0]
    for text in ("A bus comes.", "A bus comes.", "At six."):
        said = {"text": text, "once": form}
        assert (await client.post(f"/desk/c/{reference}/say", data=said, headers=SAME_SITE)).status_code == 303
    assert [row.text for row in rows(menu_service, OutboundMessage, OutboundMessage.speaker == "agent")] == [
        "A bus comes.",
        "At six.",
    ]
    assert (await act(client, reference, "say", "At six.")).status_code == 303, (
        "what comes from no form of ours is a text of its own"
    )


async def test_what_is_refused_is_refused_in_the_language_of_the_page(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says("my house is on fire and we cannot get out")
    reference = writer.conversation().reference
    await signed_in(client, menu_service)
    page = (await client.get(f"/desk/c/{reference}?lang=es")).text
    assert "EMERGENCIA: incendio" in page
    refused = await client.post(f"/desk/c/{reference}/finish", headers={**SAME_SITE, "accept": "text/html"})
    assert refused.status_code == 409
    assert "Eso no se puede hacer ahora con esta conversación." in refused.text


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_danger_has_its_words(category: str) -> None:
    assert has(f"danger.{category}")


@pytest.mark.parametrize(
    "state", [f"desk_agent.sent_{state}" for state in State] + [f"desk_agent.kind_{kind}" for kind in get_args(Kind)[1:]]
)
def test_every_mark_of_a_transcript_has_its_words(state: str) -> None:
    assert has(state)


@pytest.mark.parametrize("text", ["", "   ", "x" * (MAX_TEXT + 1)])
async def test_texts_that_are_not_sent(client: httpx.AsyncClient, menu_service: Service, text: str) -> None:
    writer = Resident(menu_service.spine)
    reference = (await writer.says("agent")).conversation
    await signed_in(client, menu_service)
    await act(client, reference, "take")
    assert (await act(client, reference, "say", text)).status_code == 400
    assert rows(menu_service, OutboundMessage, OutboundMessage.speaker == "agent") == []


async def test_an_unknown_topic_is_not_said_to_a_resident(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    reference = (await writer.says("agent")).conversation
    await signed_in(client, menu_service)
    await act(client, reference, "take")
    assert (await act(client, reference, "approved", "no_such_topic")).status_code in (400, 404)
    assert rows(menu_service, OutboundMessage, OutboundMessage.speaker == "agent") == []


async def test_a_call_is_not_answered_in_writing(client: httpx.AsyncClient, menu_service: Service) -> None:
    caller = Resident(menu_service.spine, channel=Channel.IVR)
    reference = (await caller.says("agent")).conversation
    await signed_in(client, menu_service)
    await act(client, reference, "take")
    assert (await act(client, reference, "say", "hello")).status_code == 409


@pytest.mark.parametrize("language", ["en", "es"])
async def test_what_a_resident_wrote_is_text_and_nothing_else(
    client: httpx.AsyncClient, menu_service: Service, language: str
) -> None:
    writer = Resident(menu_service.spine)
    await writer.says(XSS)
    reference = (await writer.says(f"agent {XSS}")).conversation
    await writer.says("agent")
    await signed_in(client, menu_service)
    await act(client, reference, "take")
    await act(client, reference, "say", XSS)
    for path in ("/desk/", f"/desk/c/{reference}", f"/desk/c/{reference}?piece=1", "/desk/?piece=1"):
        page = await client.get(path, params={"lang": language})
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "49}" not in page.text
    shown = (await client.get(f"/desk/c/{reference}")).text
    assert html.escape(XSS, quote=False).split("'")[0] in shown
    assert "script-src 'self'" in (await client.get("/desk/")).headers["content-security-policy"]


async def test_emergencies_come_first_and_are_acknowledged_once(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says("my house is on fire and we cannot get out")
    await signed_in(client, menu_service)
    board = (await client.get("/desk/")).text
    assert "critical" in board
    assert writer.conversation().reference in board
    alert = rows(menu_service, Alert)[0]
    assert (await client.post(f"/desk/alerts/{alert.id}", headers=SAME_SITE)).status_code == 303
    client.cookies.clear()
    make_user(menu_service, "ben")
    await sign_in(client, "ben")
    await client.post(f"/desk/alerts/{alert.id}", headers=SAME_SITE)
    assert rows(menu_service, Alert)[0].seen_by == "ana"


async def test_a_number_is_shown_on_request_and_the_look_is_on_record(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says(QUESTION, contact=menu_service.keys.seal("+12125550123"))
    reference = writer.conversation().reference
    await signed_in(client, menu_service)
    assert "2125550123" not in (await client.get(f"/desk/c/{reference}")).text
    shown = await client.post(f"/desk/contact/{reference}", headers=SAME_SITE)
    assert "+12125550123" in shown.text.replace("&#43;", "+")
    (looked,) = rows(menu_service, AuditRow, AuditRow.action == "contact.shown")
    assert (looked.actor, looked.subject) == ("ana", reference)
    assert "2125550123" not in str(looked.detail)


@pytest.mark.parametrize(
    "words", ["my house is on fire and we cannot get out", "i want to die", "agent", "i smell gas", "hhhelp!!", "STOP"]
)
@pytest.mark.parametrize("language", ["en", "es"])
async def test_every_kind_of_alert_and_reason_has_its_words(
    client: httpx.AsyncClient, menu_service: Service, words: str, language: str
) -> None:
    writer = Resident(menu_service.spine)
    await writer.says(words)
    await writer.says("my house is on fire and we cannot get out")
    await signed_in(client, menu_service)
    for path in ("/desk/", f"/desk/c/{writer.conversation().reference}"):
        page = await client.get(path, params={"lang": language})
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
