"""What open boards are told: the whole board first, then only what changed, the same as the page shows."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from desk.boards import read_snapshot
from desk.live import DeskFollower
from desk.pieces import Pieces, Viewer
from server.assembly import Service
from server.conversations.signs import Signs
from server.database.engine import reading
from tests.server.harness import Resident
from tests.server.staffroom import SAME_SITE, signed_in


class Made:
    """Makes pieces that can be told apart, and counts them."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, name: str, **values: Any) -> str:
        self.count += 1
        item = values.get("item")
        return f"{name} {item.handoff.id} {item.short}" if item is not None else f"{name} {values['board'].total}"


def news(service: Service, pieces: Pieces, viewer: Viewer) -> dict[str, Any]:
    with reading(service.sessions) as session:
        snapshot = read_snapshot(session)
    found: dict[str, Any] = json.loads(pieces.news(snapshot, viewer))
    return found


async def test_a_line_is_made_once_and_sent_once(menu_service: Service) -> None:
    for _ in range(3):
        await Resident(menu_service.spine).says("agent")
    made = Made()
    pieces, ana, ben = Pieces(made), Viewer("ana", "en", True), Viewer("ben", "en", True)
    first = news(menu_service, pieces, ana)
    assert first["lists"]["b-line"] == list(first["items"])
    assert len(first["items"]) == first["total"] == 3
    once = made.count
    assert news(menu_service, pieces, ben)["items"] == first["items"]
    assert made.count == once, "what looks the same is made once"
    nothing = news(menu_service, pieces, ana)
    assert (nothing["pieces"], nothing["items"], nothing["lists"]) == ({}, {}, {})
    await Resident(menu_service.spine).says("agent")
    more = news(menu_service, pieces, ana)
    assert len(more["items"]) == 1
    assert more["lists"]["b-line"][:3] == first["lists"]["b-line"]


async def test_the_news_are_what_the_page_shows(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service)
    reference = (await Resident(menu_service.spine).says("agent")).conversation
    page = (await client.get("/desk/?piece=1")).text
    for place in ("b-presence", "b-offered", "b-alerts", "b-mine", "b-line", "b-behind", "b-callbacks", "b-others", "b-none"):
        assert page.count(f'id="{place}"') == 1, place
    assert page.count('id="w1"') == 1
    await client.post(f"/desk/c/{reference}/take", headers=SAME_SITE)
    assert 'id="w1"' not in (await client.get("/desk/?piece=1")).text


@pytest.mark.parametrize("still", [True, False])
async def test_who_is_signed_out_hears_no_more(menu_service: Service, still: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    follower = DeskFollower(menu_service.sessions, menu_service.wake, Pieces(Made()), Signs())
    boards = follower.boards(Viewer("ana", "en", True), lambda: still)
    assert (await anext(boards)).event == "board"
    monkeypatch.setattr("desk.live.AGAIN_SECONDS", 0)
    assert (await anext(boards, None) is not None) is still
    await boards.aclose()


async def test_the_page_of_a_conversation_hears_of_its_own(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer, other = Resident(menu_service.spine), Resident(menu_service.spine)
    reference = str((await writer.says("agent")).conversation)
    await other.says("agent")
    follower = DeskFollower(menu_service.sessions, menu_service.wake, Pieces(Made()), Signs())
    before, mark = follower.look(), follower._mark_of(reference)
    await other.says("hurry")
    assert follower.look() != before
    assert follower._mark_of(reference) == mark
    await writer.says("hurry")
    assert follower._mark_of(reference) != mark
    assert follower._mark_of("HC-NOTHING") == ""
