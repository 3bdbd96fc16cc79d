"""Forms that an agent fills in for a resident, their tracking numbers, and alerts that ring until somebody has them."""

from __future__ import annotations

import csv
import io

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.catalogue import text
from desk.models import Handoff
from desk.told import told_words
from server.alerts.models import Alert
from server.assembly import Service
from server.audit.models import AuditRow
from server.conversations.turn import Channel
from server.errors import BadInput
from server.outbox.models import OutboundMessage
from server.requests.kinds import KINDS, fill, telephone
from server.requests.models import ServiceRequest
from tests.server.harness import Resident, rows
from tests.server.staffroom import SAME_SITE, make_user, sign_in, signed_in

DAMAGE = {"address": "12 Canal St", "what": "the roof is half gone", "livable": "no", "once": "a" * 32}
PAGE = SAME_SITE | {"accept": "text/html"}


async def taken(client: httpx.AsyncClient, service: Service, writer: Resident, text: str = "agent") -> str:
    """A conversation that ana has."""
    reference = str((await writer.says(text)).conversation)
    await client.post(f"/desk/c/{reference}/take", headers=SAME_SITE)
    return reference


async def file(client: httpx.AsyncClient, reference: str, kind: str, **data: str) -> httpx.Response:
    return await client.post(f"/desk/c/{reference}/request/{kind}", data=data, headers=PAGE)


def told(service: Service) -> list[OutboundMessage]:
    return rows(service, OutboundMessage, OutboundMessage.speaker == "system")


@pytest.mark.parametrize(("language", "words"), [("en", "Tracking number: "), ("es", "de seguimiento: ")])
async def test_the_resident_is_told_the_tracking_number_once(
    client: httpx.AsyncClient, menu_service: Service, language: str, words: str
) -> None:
    await signed_in(client, menu_service)
    writer = Resident(menu_service.spine, language=language)
    reference = await taken(client, menu_service, writer)
    for _ in range(2):
        assert (await file(client, reference, "damage_report", **DAMAGE)).status_code == 303
    (made,) = rows(menu_service, ServiceRequest)
    assert made.reference.startswith("DR-")
    assert made.made_by == "ana"
    said = [row for row in told(menu_service) if row.message_ids[0].startswith("system.request_made")]
    assert [words + made.reference in row.text for row in said] == [True]
    page = (await client.get(f"/desk/c/{reference}?lang=es")).text
    assert made.reference in page
    assert "Reporte de daños, abierta" in page
    again = await taken(client, menu_service, Resident(menu_service.spine, key=writer.key))
    assert made.reference in (await client.get(f"/desk/c/{again}")).text, "who writes again has their numbers with them"


async def test_what_was_typed_stays_when_a_form_is_refused(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service)
    reference = await taken(client, menu_service, Resident(menu_service.spine))
    answer = await file(client, reference, "damage_report", what="cracks in <every> wall", livable="no")
    assert answer.status_code == 400
    assert "Fill in the address or corner." in answer.text
    assert "cracks in &lt;every&gt; wall" in answer.text
    assert '<option value="no" selected>' in answer.text
    assert rows(menu_service, ServiceRequest) == []


async def test_only_who_has_the_conversation_files(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service)
    reference = str((await Resident(menu_service.spine).says("agent")).conversation)
    assert (await file(client, reference, "damage_report", **DAMAGE)).status_code == 409
    assert (await file(client, reference, "nonsense")).status_code == 400
    await client.post(f"/desk/c/{reference}/take", headers=SAME_SITE)
    await client.post(f"/desk/c/{reference}/finish", headers=SAME_SITE)
    assert (await file(client, reference, "damage_report", **DAMAGE)).status_code == 303, "while wrapping up"
    assert '<input type="radio" name="to" value="request" required checked>' in (await client.get(f"/desk/c/{reference}")).text
    make_user(menu_service, "vera", "viewer")
    client.cookies.clear()
    await sign_in(client, "vera")
    assert (await file(client, reference, "damage_report", **DAMAGE)).status_code == 403
    assert (await client.get("/desk/requests")).status_code == 403


async def test_a_call_back_keeps_the_conversation_on_the_list(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, role="supervisor")
    chat = Resident(menu_service.spine, channel=Channel.WEB)
    reference = await taken(client, menu_service, chat)
    assert "Ask for a number to call" in (await file(client, reference, "callback", about="the roof")).text
    assert "area code" in (await file(client, reference, "callback", about="the roof", number="12")).text
    assert (await file(client, reference, "callback", about="the roof", number="(212) 555-0188")).status_code == 303
    (made,) = rows(menu_service, ServiceRequest)
    assert "5550188" not in str(made.fields)
    assert "555" not in (await client.get("/desk/requests.csv")).text
    assert rows(menu_service, Handoff)[0].state == "callback"
    assert "+12125550188" in (await client.post(f"/desk/requests/{made.reference}/contact", headers=SAME_SITE)).text
    assert [row.subject for row in rows(menu_service, AuditRow, AuditRow.action == "contact.shown")] == [made.reference]
    assert (await chat.says("where is a shelter")).topic == "shelter_locations", "the assistant answers meanwhile"


async def test_the_list_finds_moves_and_exports(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, role="supervisor")
    reference = await taken(client, menu_service, Resident(menu_service.spine))
    await file(client, reference, "service_request", category="trash", address="=1+1", what="a sofa")
    (made,) = rows(menu_service, ServiceRequest)
    for query, found in (("", True), (f"q={made.reference.lower()}", True), ("kind=callback", False), ("state=done", False)):
        assert (made.reference in (await client.get(f"/desk/requests?{query}")).text) is found, query
    path = f"/desk/requests/{made.reference}"
    assert (await client.post(path, data={"to": "done", "seen": "open"}, headers=SAME_SITE)).status_code == 303
    assert (await client.post(path, data={"to": "cancelled", "seen": "open"}, headers=SAME_SITE)).status_code == 409
    assert (await client.post(path, data={"to": "nonsense"}, headers=SAME_SITE)).status_code == 409
    assert rows(menu_service, ServiceRequest)[0].state == "done"
    table = list(csv.DictReader(io.StringIO((await client.get("/desk/requests.csv")).text)))
    assert [(row["number"], row["address"]) for row in table] == [(made.reference, "'=1+1")]
    assert (await client.post("/desk/requests/DR-NOTHING", data={"to": "done"}, headers=SAME_SITE)).status_code == 404


@pytest.mark.parametrize("act", ["take", "seen"])
async def test_an_emergency_rings_until_somebody_has_it(client: httpx.AsyncClient, menu_service: Service, act: str) -> None:
    await signed_in(client, menu_service)
    writer = Resident(menu_service.spine)
    await writer.says("my house is on fire")
    reference = (await writer.says("agent")).conversation
    (alert,) = rows(menu_service, Alert)
    ringing = f"a{alert.id}"
    assert ringing in (await client.get("/desk/?piece=1")).text
    if act == "take":
        await client.post(f"/desk/c/{reference}/take", headers=SAME_SITE)
    else:
        sent = await client.post(f"/desk/alerts/{alert.id}", data={"back": "1"}, headers=SAME_SITE)
        assert sent.headers["location"] == f"/desk/c/{reference}"
    assert ringing not in (await client.get("/desk/?piece=1")).text
    (kept,) = rows(menu_service, Alert)
    assert kept.seen_by == "ana"
    assert [row.actor for row in rows(menu_service, AuditRow, AuditRow.action == "alert.acknowledged")] == ["ana"]
    assert "seen by ana" in (await client.get(f"/desk/c/{reference}")).text


def test_every_kind_of_form_has_its_words() -> None:
    for kind, form in KINDS.items():
        text(f"desk_requests.kind_{kind}", "es")
        for field in form.fields:
            text(f"desk_requests.field_{field.name}", "es")
            for choice in field.choices:
                text(f"desk_requests.choice_{choice}", "es")
            if field.required:
                text(f"desk_requests.missing_{field.name}", "es")


def test_what_was_told_has_a_name(menu_service: Service) -> None:
    library = menu_service.library.last_good
    assert told_words(library, "shelter_locations.general@3", "es") == f"{library.title('shelter_locations', 'es')}, v3"
    assert told_words(library, "card.emergency@1", "en") == "911 line, v1"
    assert told_words(library, "nobody.knows@2", "en") == "nobody.knows, v2"
    unnamed = [one for one in library.message_ids if one.startswith(("system.", "card.")) and told_words(library, one, "es") == one]
    assert unnamed == []


@pytest.mark.parametrize(
    ("given", "number"), [("212 555 0188", "+12125550188"), ("+52 55 1234 5678", "+525512345678"), ("12", None), ("call me", None)]
)
def test_numbers_are_read_as_people_write_them(given: str, number: str | None) -> None:
    if number is None:
        with pytest.raises(BadInput):
            telephone(given)
    else:
        assert telephone(given) == number


@given(
    kind=st.sampled_from(sorted(KINDS)), given_=st.dictionaries(st.sampled_from(["address", "what", "number", "when"]), st.text())
)
def test_a_form_is_taken_whole_or_refused(kind: str, given_: dict[str, str]) -> None:
    try:
        filled = fill(kind, given_)
    except BadInput:
        return
    for field in KINDS[kind].fields:
        assert not field.required or filled.fields[field.name]
        assert field.type != "phone" or field.name not in filled.fields
