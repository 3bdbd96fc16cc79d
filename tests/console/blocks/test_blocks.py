"""The page of blocked residents, over HTTP."""

from __future__ import annotations

import httpx
import pytest

from server.assembly import Service
from server.audit.models import AuditRow
from server.blocks.models import Block
from server.staff.permissions import PERMISSIONS
from server.staff.service import ROLES
from tests.server.harness import Resident, rows
from tests.server.staffroom import SAME_SITE, signed_in

PATH = "/console/blocks/"
XSS = "<script>alert('x')</script>{{7*7}}"


async def post(client: httpx.AsyncClient, path: str = PATH, **fields: str) -> httpx.Response:
    return await client.post(path, data=fields, headers={**SAME_SITE, "accept": "text/html"})


async def wrote(service: Service) -> Resident:
    writer = Resident(service.spine)
    await writer.says("you will all pay for this")
    return writer


@pytest.mark.parametrize("role", ROLES)
async def test_who_may(client: httpx.AsyncClient, menu_service: Service, role: str) -> None:
    reference = (await wrote(menu_service)).conversation().reference
    await signed_in(client, menu_service, role)
    allowed = role in PERMISSIONS["residents.block"]
    assert (await client.get(PATH)).status_code == (200 if allowed else 403)
    made = await post(client, reference=reference, reason="Threats.", length="day")
    assert made.status_code == (303 if allowed else 403)
    assert len(rows(menu_service, Block)) == int(allowed)
    assert (await post(client, f"{PATH}1/lift")).status_code == (303 if allowed else 403)
    assert (f"{PATH}?c={reference}" in (await client.get(f"/desk/c/{reference}")).text) is allowed


async def test_from_a_conversation_to_the_end(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = await wrote(menu_service)
    reference = writer.conversation().reference
    await signed_in(client, menu_service, "supervisor")
    assert f'value="{reference}"' in (await client.get(f"{PATH}?c={reference}")).text
    led = await post(client, reference=f" {reference.lower()} ", reason="Threats to three agents.", length="week")
    page = (await client.get(led.headers["location"])).text
    assert "The resident is blocked" in page
    assert "Threats to three agents." in page
    assert writer.person not in page, "the number is not shown, not even hashed"
    assert (await writer.says("where is a shelter")).parts[0].message_id == "system.blocked"
    assert (await writer.says("my house is on fire and we cannot get out")).emergency
    (held,) = rows(menu_service, Block)
    assert (held.blocked_by, held.reason) == ("ana", "Threats to three agents.")
    over = await post(client, f"{PATH}{held.id}/lift")
    page = (await client.get(f"{over.headers['location']}&lang=es")).text
    assert "Se quitó el bloqueo" in page
    assert "quitado por ana" in page
    assert [row.action for row in rows(menu_service, AuditRow) if row.subject == reference] == [
        "resident.blocked",
        "resident.unblocked",
    ]


async def test_what_is_refused_stays_in_the_fields(client: httpx.AsyncClient, menu_service: Service) -> None:
    reference = (await wrote(menu_service)).conversation().reference
    await signed_in(client, menu_service, "supervisor")
    for status, said, fields in (
        (404, "no such conversation", {"reference": "HC-NOBODY2"}),
        (400, "Write a reason", {"reason": " "}),
        (400, "Choose how long", {"length": "ever"}),
    ):
        answer = await post(client, **{"reference": reference, "reason": f"Kept {XSS}", "length": "week", **fields})
        assert (answer.status_code, said in answer.text) == (status, True)
        assert "<script>alert" not in answer.text
        if "reason" not in fields:
            assert "Kept &lt;script&gt;" in answer.text
    assert rows(menu_service, Block) == []
    await post(client, reference=reference, reason=XSS, length="day")
    again = await post(client, reference=reference, reason="Again.", length="day")
    assert (again.status_code, "blocked already" in again.text) == (409, True)
    assert "<script>alert" not in (await client.get(PATH)).text
    assert (await post(client, f"{PATH}99/lift")).status_code == 404
