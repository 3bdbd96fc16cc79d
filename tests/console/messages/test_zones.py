"""Messages for some zones only, in the editor: what is kept, what is refused, and whom it would leave without an answer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import update

from knowledge.changes import bump_revision
from knowledge.models import MessageVersion
from tests.console.messages.writers import Office, local
from tests.server.staffroom import SAME_SITE

ORDERS = "evacuation_order_status.orders"
TEXTS = {f"text.{language}.{channel}": "Zone A: 911" for language in ("en", "es") for channel in ("sms", "web", "voice")}


async def writes(office: Office, draft: int, *, htmx: bool = False, **more: Any) -> httpx.Response:
    """Saves a draft as the page does, which offers the zones."""
    office._as("ana")
    headers = {**SAME_SITE, **({"hx-request": "true"} if htmx else {})}
    data = {**office.fields(draft), **TEXTS, "zones_offered": "1", **more}
    return await office.client.post(f"/console/messages/v/{draft}/edit", data=data, headers=headers)


async def test_all_zones_are_offered_and_none_is_chosen(office: Office) -> None:
    await office.person("ana", "author")
    draft = await office.begins("ana", ORDERS)
    page = await office.sees("ana", f"/console/messages/v/{draft}/edit")
    zones = [zone.name for zone in office.service.library.get().zones]
    assert zones
    for zone in zones:
        assert f'name="zones" value="{zone}">' in page
    card = await office.begins("ana", "card.gas")
    assert 'name="zones"' not in await office.sees("ana", f"/console/messages/v/{card}/edit")


async def test_the_chosen_zones_are_kept_and_shown(office: Office) -> None:
    await office.person("ana", "author")
    await office.person("bo", "approver")
    draft = await office.begins("ana", ORDERS)
    assert (await writes(office, draft, zones=["A"])).status_code == 303
    assert office.version(draft).zones == ["A"]
    assert "Zones A, and who has not told a place" in await office.sees("ana", f"/console/messages/v/{draft}/edit")
    assert "Zones: all zones before, A now." in await office.sees("ana", f"/console/messages/v/{draft}")
    await office.does("ana", draft, "submit", edits="1")
    done = await office.does("bo", draft, "publish", when="now", expires_at=local(5))
    assert done.status_code == 303
    for path in ("?q=zone", f"m/{ORDERS}"):
        assert "Only zones: A" in await office.sees("bo", f"/console/messages/{path}")
    again = await office.begins("ana", ORDERS)
    assert office.version(again).zones == ["A"]
    assert (await office.writes("ana", again)).status_code == 303, "a page that does not offer zones"
    assert office.version(again).zones == ["A"]
    assert (await writes(office, again, edits="1")).status_code == 303
    assert office.version(again).zones == []


@pytest.mark.parametrize("htmx", [True, False])
async def test_a_zone_that_the_city_does_not_have_is_refused(office: Office, htmx: bool) -> None:
    await office.person("ana", "author")
    draft = await office.begins("ana", ORDERS)
    answer = await writes(office, draft, htmx=htmx, zones=["A", "Q"])
    assert answer.status_code == (200 if htmx else 400)
    assert "not one of the city" in answer.text
    assert office.version(draft).zones == []


async def test_a_text_that_does_not_name_its_zone_is_not_submitted(office: Office) -> None:
    await office.person("ana", "author")
    draft = await office.begins("ana", ORDERS)
    shown = await writes(office, draft, htmx=True, zones=["A", "B"])
    assert "every text must name zone B" in shown.text
    assert "must name zone A" not in shown.text
    refused = await office.does("ana", draft, "submit", edits="1")
    assert refused.status_code == 400
    assert office.version(draft).state == "draft"


async def test_the_zones_that_would_hear_nothing_are_told(office: Office) -> None:
    await office.person("ana", "author")
    draft = await office.begins("ana", ORDERS)
    assert "without any answer" not in (await writes(office, draft, htmx=True, zones=["A"])).text
    with office.service.sessions.begin() as session:
        others = update(MessageVersion).where(
            MessageVersion.intent == "evacuation_order_status", MessageVersion.message_id != ORDERS
        )
        session.execute(others.values(state="withdrawn"))
        bump_revision(session)
    shown = (await writes(office, draft, htmx=True, zones=["A"], edits="1")).text
    left = ", ".join(zone.name for zone in office.service.library.get().zones if zone.name != "A")
    assert f"leaves these zones without any answer on the topic: {left}" in shown
    assert "without any answer" not in (await writes(office, draft, htmx=True, edits="2")).text
