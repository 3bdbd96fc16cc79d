"""The telephone in which a staff member takes calls."""

from __future__ import annotations

import httpx
import pytest

from server.assembly import Service
from server.audit.models import AuditRow
from server.errors import BadInput
from server.staff.models import StaffUser
from server.staff.phone import normalised
from tests.server.harness import rows
from tests.server.staffroom import SAME_SITE, signed_in


@pytest.mark.parametrize("typed", ["202-555-0147", "(202) 555 0147", "+1 202 555 0147", "1.202.555.0147", " 2025550147 "])
def test_however_it_is_typed(typed: str) -> None:
    assert normalised(typed) == "+12025550147"


@pytest.mark.parametrize("typed", ["911", "+1911", "555-0147", "+44 20 7946 0958", "202-555-0147 x12", "call me", "2" * 40, "١٢٣"])
def test_what_is_no_telephone_of_an_agent(typed: str) -> None:
    with pytest.raises(BadInput):
        normalised(typed)


@pytest.mark.parametrize("lang", ["en", "es"])
async def test_it_is_kept_sealed_shown_by_its_end_and_taken_away(
    client: httpx.AsyncClient, menu_service: Service, lang: str
) -> None:
    await signed_in(client, menu_service)

    async def send(phone: str) -> httpx.Response:
        return await client.post(f"/account/phone?lang={lang}", data={"phone": phone}, headers={**SAME_SITE, "accept": "text/html"})

    refused = await send("911")
    assert refused.status_code == 400
    assert 'value="911"' in refused.text, "what was typed is not lost"
    assert 'aria-invalid="true"' in refused.text
    assert (await send("202-555-0147")).status_code == 303
    user = rows(menu_service, StaffUser)[-1]
    assert user.phone is not None
    assert "5550147" not in user.phone
    assert menu_service.keys.open(user.phone) == "+12025550147"
    page = (await client.get("/account")).text
    assert "0147" in page
    assert "202-555-0147" not in page.replace("202-555-0123", "")
    assert (await send("")).status_code == 303
    assert rows(menu_service, StaffUser)[-1].phone is None
    kept = [row.detail for row in rows(menu_service, AuditRow, AuditRow.action == "staff.phone")]
    assert kept == [{"set": True}, {"set": False}]


async def test_who_takes_no_calls_has_none(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, role="author")
    assert "/account/phone" not in (await client.get("/account")).text
    answer = await client.post("/account/phone", data={"phone": "202-555-0147"}, headers=SAME_SITE)
    assert answer.status_code == 403
