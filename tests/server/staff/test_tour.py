"""The tour for those who are new: shown on the page of its step, remembered for each person, dismissed with one button."""

from __future__ import annotations

import httpx
import pytest

from server.assembly import Service
from server.staff.models import StaffUser
from server.staff.service import ROLES
from server.staff.tour import STEPS, WHO
from tests.server.harness import rows
from tests.server.staffroom import SAME_SITE, signed_in

SHOWN = 'class="tour"'


async def act(client: httpx.AsyncClient, name: str, seen: int) -> str:
    answer = await client.post("/account/tour", data={"act": name, "seen": str(seen)}, headers=SAME_SITE)
    assert answer.status_code == 303
    return answer.headers["location"]


async def test_it_leads_from_place_to_place_and_ends(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "approver")
    for number, step in enumerate(STEPS):
        for lang, words in (("en", f"{number + 1} of {len(STEPS)}"), ("es", f"{number + 1} de {len(STEPS)}")):
            page = (await client.get(step.path, params={"lang": lang})).text
            assert SHOWN in page
            assert words in page
        assert SHOWN not in (await client.get(STEPS[number - 1].path)).text, "only where it belongs"
        onward = STEPS[number + 1].path if number + 1 < len(STEPS) else "/console/"
        assert await act(client, "next", number) == onward
    assert rows(menu_service, StaffUser)[0].tour is None
    assert SHOWN not in (await client.get("/console/")).text
    assert await act(client, "again", 0) == "/console/"
    assert SHOWN in (await client.get("/console/")).text


async def test_it_is_dismissed_for_good_and_two_taps_are_one(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service, "author")
    for _ in range(2):
        assert await act(client, "next", 0) == STEPS[1].path, "the step that was seen counts"
    assert await act(client, "back", 1) == STEPS[0].path
    await act(client, "end", 0)
    for step in STEPS:
        assert SHOWN not in (await client.get(step.path)).text
    refused = await client.post("/account/tour", data={"act": "nothing"}, headers=SAME_SITE)
    assert refused.status_code == 400


@pytest.mark.parametrize("role", ROLES)
async def test_only_those_who_change_words_are_shown_it(client: httpx.AsyncClient, menu_service: Service, role: str) -> None:
    await signed_in(client, menu_service, role)
    assert (SHOWN in (await client.get("/console/")).text) == (role in WHO)
