"""An agent's and a supervisor's work over HTTP, and what residents are told of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import time_machine
from sqlalchemy import update

from desk import needs
from desk.line import agents_due, minutes_told
from desk.models import DeskAgent, Handoff
from desk.rounds import DeskRounds
from desk.wishes import Wish, wish_in
from server.assembly import Service
from server.clock import now
from server.conversations.turn import Channel, Reply
from server.http.deps import ChannelDeps
from server.outbox.models import OutboundMessage
from tests.server.harness import Resident, rows
from tests.server.staffroom import SAME_SITE, make_user, sign_in, signed_in


async def act(client: httpx.AsyncClient, reference: str | None, what: str, **data: str) -> httpx.Response:
    return await client.post(f"/desk/c/{reference}/{what}", data=data, headers=SAME_SITE)


async def as_user(client: httpx.AsyncClient, service: Service, name: str, role: str = "agent") -> None:
    client.cookies.clear()
    make_user(service, name, role)
    await sign_in(client, name)


def told(service: Service) -> list[str]:
    return [row.message_ids[0].split("@")[0] for row in rows(service, OutboundMessage, OutboundMessage.speaker == "system")]


def said(reply: Reply) -> list[str]:
    return [part.message_id for part in reply.parts]


def rounds(service: Service) -> DeskRounds:
    return DeskRounds(ChannelDeps(service.settings, service.spine, service.library, service.keys, service.sessions, service.wake))


async def test_a_talk_from_the_greeting_to_did_this_help(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine, language="es")
    reference = (await writer.says("agente")).conversation
    await signed_in(client, menu_service)
    await act(client, reference, "take")
    assert told(menu_service) == ["system.with_agent_other"], "she has no Spanish on her card"
    assert (await act(client, reference, "finish")).status_code == 303
    done = rows(menu_service, OutboundMessage, OutboundMessage.speaker == "system")[-1]
    assert done.message_ids[0].startswith("system.agent_done")
    assert str(reference) in done.text
    assert said(await writer.says("1")) == ["system.helped_yes"]
    assert rows(menu_service, Handoff)[0].helped is True
    assert (await writer.says("dónde hay un refugio")).topic == "shelter_locations", "the assistant is there again"
    page = await client.get(f"/desk/c/{reference}")
    assert "What became of it?" in page.text
    assert (await act(client, reference, "file", to="nonsense")).status_code == 400
    assert (await act(client, reference, "file", to="answered", text="gave the address")).status_code == 303
    (handoff,) = rows(menu_service, Handoff)
    assert (handoff.state, handoff.settled) == ("closed", "answered")
    assert "gave the address" in (await client.get(f"/desk/c/{reference}")).text


async def test_passing_on_whispering_and_taking_over(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    reference = (await writer.says("agent")).conversation
    await signed_in(client, menu_service, name="ben")
    await client.post("/desk/presence", data={"state": "available"}, headers=SAME_SITE)
    await as_user(client, menu_service, "ana")
    await act(client, reference, "take")
    assert (await act(client, reference, "pass", to="agent:ben")).status_code == 400, "nobody is handed over without a word"
    assert (await act(client, reference, "over")).status_code == 403
    assert (await act(client, reference, "whisper", text="x")).status_code == 403
    assert (await act(client, reference, "pass", to="agent:ben", text="needs the pump schedule")).status_code == 303
    assert (await act(client, reference, "say", text="one more thing")).status_code == 409, "it is not hers any more"
    client.cookies.clear()
    await sign_in(client, "ben")
    board = (await client.get("/desk/")).text
    assert "This one is for you" in board
    await act(client, reference, "take")
    assert "needs the pump schedule" in (await client.get(f"/desk/c/{reference}")).text
    await as_user(client, menu_service, "sofia", "supervisor")
    await act(client, reference, "whisper", text="offer the ramp bus")
    assert (await act(client, reference, "over")).status_code == 303
    assert rows(menu_service, Handoff)[0].accepted_by == "sofia"
    assert told(menu_service) == [
        "system.with_agent_named", "system.passed_on", "system.with_agent_named", "system.with_agent_named",
    ]  # fmt: skip
    texts = " ".join(row.text for row in rows(menu_service, OutboundMessage))
    assert "ramp bus" not in texts, "the resident never sees a whisper"
    assert "pump schedule" not in texts


async def test_a_lost_agents_conversations_go_to_the_front_and_are_told(client: httpx.AsyncClient, menu_service: Service) -> None:
    first, second = Resident(menu_service.spine), Resident(menu_service.spine)
    reference = (await first.says("agent")).conversation
    await second.says("agent")
    await signed_in(client, menu_service)
    await act(client, reference, "take")
    past = now() - timedelta(seconds=91)
    with menu_service.sessions.begin() as session:
        session.execute(update(Handoff).where(Handoff.state == "agent").values(state_at=past))
        session.execute(update(DeskAgent).values(seen_at=past))
    rounds(menu_service).once()
    assert told(menu_service)[-1] == "system.agent_lost"
    assert first.conversation().owner == "queued"
    assert "number 1" in (await first.says("are you there?")).text
    assert "number 2" in (await second.says("hello")).text
    assert (await act(client, reference, "say", text="sorry, back")).status_code == 409


async def test_going_offline_gives_back_what_one_has(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    reference = (await writer.says("agent")).conversation
    await signed_in(client, menu_service)
    await act(client, reference, "take")
    await client.post("/desk/presence", data={"state": "offline"}, headers=SAME_SITE)
    assert writer.conversation().owner == "queued"
    assert (await client.post("/desk/presence", data={"state": "asleep"}, headers=SAME_SITE)).status_code == 400


async def test_out_of_hours_is_said_before_anything_and_an_agent_comes_back(menu_service: Service, monkeypatch: Any) -> None:
    library = menu_service.library.last_good
    nights = {**library.city, "agent_schedule": [{"days": [], "opens": "07:00", "closes": "23:00"}]}
    monkeypatch.setattr(library, "city", nights)
    writer = Resident(menu_service.spine)
    reply = await writer.says("agent")
    assert (said(reply)[0], reply.owner) == ("system.handoff_after_hours", "bot")
    assert said(await writer.says("Rosa Diaz, 555-0100, qwxz")) == ["system.callback_noted"]
    assert (await writer.says("where is a shelter")).topic == "shelter_locations", "the assistant still answers"
    assert rows(menu_service, Handoff)[0].state == "callback"
    burning = Resident(menu_service.spine)
    assert (await burning.says("my house is on fire and we cannot get out")).parts[0].role == "card"


async def test_what_a_waiting_resident_can_ask(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says("agent")
    reply = await writer.says("ASK where is a shelter")
    assert (reply.topic, reply.owner) == ("shelter_locations", "queued"), "answered, and still in line"
    assert said(await writer.says("later")) == ["system.callback_taken"]
    assert (rows(menu_service, Handoff)[0].state, writer.conversation().owner) == ("callback", "bot")
    assert said(await writer.says("agent"))[0].startswith("system.handoff"), "and back into the line, by the first arrival"
    assert said(await writer.says("never mind")) == ["system.left_line"]
    assert [row.state for row in rows(menu_service, Handoff)] == ["lost"]


async def test_the_line_is_ordered_by_emergency_then_need_then_arrival(menu_service: Service) -> None:
    ordinary, vulnerable, danger = (Resident(menu_service.spine) for _ in range(3))
    await ordinary.says("agent")
    await vulnerable.says("my mother uses a wheelchair, where is a shelter")
    assert "number 1 " in (await vulnerable.says("agent")).parts[0].text
    await danger.says("agent")
    await danger.says("my house is on fire and we cannot get out")
    assert [row.priority for row in sorted(rows(menu_service, Handoff), key=lambda row: row.id)] == [2, 1, 0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("My mother uses a wheelchair", ["wheelchair"]),
        ("mi mamá necesita oxígeno y vive sola", ["medical_power", "older_or_alone"]),
        ("she is 86 years old", ["older_or_alone"]),
        ("I’m scared", ["distress"]),
        ("where is the bridge", []),
    ],
)
def test_needs(text: str, found: list[str]) -> None:
    assert needs.needs_in([text]) == found


@pytest.mark.parametrize(("text", "wish"), [("Later", Wish.LATER), ("olvídelo", Wish.LEAVE), ("I will need food later", None)])
def test_wishes(text: str, wish: Wish | None) -> None:
    assert wish_in(text) is wish


@pytest.mark.parametrize(
    ("place", "seconds", "seats", "minutes"),
    [(1, 60, 3, 2), (4, 300, 2, 10), (40, 300, 2, 100), (3, None, 2, None), (3, 60, 0, None)],
)
def test_the_wait_is_measured_or_not_told(place: int, seconds: float | None, seats: int, minutes: int | None) -> None:
    assert minutes_told(place, handle_seconds=seconds, seats=seats) == minutes


@pytest.mark.parametrize(
    ("at", "due"),
    [("2026-09-14T12:00", True), ("2026-09-14T05:00", False), ("2026-09-13T12:00", False), ("2026-12-25T12:00", False)],
)
def test_hours_and_holidays_in_the_citys_zone(at: str, due: bool) -> None:
    city = {
        "time_zone": "America/New_York",
        "agent_schedule": [{"days": [0, 1, 2, 3, 4], "opens": "07:00", "closes": "23:00"}],
        "agent_holidays": ["2026-12-25"],
    }
    assert agents_due(city, datetime.fromisoformat(f"{at}:00-04:00")) is due
    assert agents_due({}, now())
    assert agents_due({**city, "agent_schedule": [{"days": "daily"}]}, now()), "a slip of the pen sends nobody away"


async def test_offers_go_to_who_fits_and_come_back(client: httpx.AsyncClient, menu_service: Service, monkeypatch: Any) -> None:
    library = menu_service.library.last_good
    monkeypatch.setattr(library, "city", {**library.city, "desk_auto_offer": True})
    await signed_in(client, menu_service, "supervisor", "sofia")
    for name, languages in (("ana", "en"), ("ben", "en es")):
        await as_user(client, menu_service, name)
        await client.post("/desk/presence", data={"state": "available"}, headers=SAME_SITE)
        client.cookies.clear()
        await sign_in(client, "sofia")
        card = {"shown_as": name.title(), "capacity": "1", "languages": languages, "skills": "complaint", "group": "Utilities"}
        assert (await client.post(f"/desk/team/{name}", data=card, headers=SAME_SITE)).status_code == 303
    writer = Resident(menu_service.spine, language="es")
    await writer.says("agente")
    rounds(menu_service).once()
    (handoff,) = rows(menu_service, Handoff)
    assert (handoff.state, handoff.accepted_by) == ("offered", "ben")
    with time_machine.travel(now() + timedelta(seconds=31), tick=True):
        rounds(menu_service).once()
        rounds(menu_service).once()
    (handoff,) = rows(menu_service, Handoff)
    assert (handoff.state, handoff.accepted_by, handoff.refused) == ("offered", "ana", ["ben"])


@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_supervisors_pages(client: httpx.AsyncClient, menu_service: Service, language: str) -> None:
    await Resident(menu_service.spine).says("agent")
    await signed_in(client, menu_service, "supervisor", "sofia")
    for path in ("/desk/", "/desk/figures", "/desk/figures?piece=1", "/desk/team"):
        assert (await client.get(path, params={"lang": language})).status_code == 200, path
    export = await client.get("/desk/figures.csv")
    assert export.headers["content-type"].startswith("text/csv")
    assert export.text.splitlines()[1].startswith("day,today,1,0,0")
    await as_user(client, menu_service, "ana")
    assert (await client.get("/desk/figures")).status_code == 403
    assert (await client.get("/desk/team")).status_code == 403


async def test_search_lint_and_practice(client: httpx.AsyncClient, menu_service: Service) -> None:
    await signed_in(client, menu_service)
    assert (await client.post("/desk/practice", headers=SAME_SITE)).status_code == 303
    assert len(rows(menu_service, Handoff)) == 3
    board = (await client.get("/desk/")).text
    assert "mobility" in board, "the walker is seen"
    handoff = next(row for row in rows(menu_service, Handoff) if "walker" in row.packet["summary"])
    with menu_service.sessions() as session:
        from server.conversations.models import Conversation

        reference = session.get_one(Conversation, handoff.conversation_id).reference
    await act(client, reference, "take")
    assert "is this a real person?" in (await client.get(f"/desk/c/{reference}")).text, "the simulated resident writes back"
    found = (await client.get(f"/desk/c/{reference}", params={"piece": "search", "q": "sandbags"})).text
    assert "sandbags." in found
    assert "/approved" in found
    lint = (await client.post("/desk/lint", data={"text": "está"}, headers=SAME_SITE)).text
    assert "UCS-2" in lint


async def test_what_was_typed_is_not_lost_when_it_cannot_be_sent(client: httpx.AsyncClient, menu_service: Service) -> None:
    writer = Resident(menu_service.spine, channel=Channel.WEB)
    reference = (await writer.says("agent")).conversation
    await signed_in(client, menu_service)
    await act(client, reference, "take")
    page = await client.post(f"/desk/c/{reference}/say", data={"text": "x" * 1001}, headers={**SAME_SITE, "accept": "text/html"})
    assert page.status_code == 400
    assert "x" * 1001 in page.text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("can somebody do a welfare check on my uncle", "welfare_check"),
        ("mi abuela no contesta el teléfono", "welfare_check"),
        ("I want to appeal the decision", "dispute"),
        ("My claim number is 4471, what happened to it", "account"),
        ("I have called four times already", "complex_case"),
        ("lo perdimos todo", "distress"),
        ("where is a shelter", None),
        ("when is trash picked up", None),
        ("how do I appeal a denial", None),
    ],
)
async def test_what_goes_to_a_person_by_itself(menu_service: Service, text: str, reason: str | None) -> None:
    reply = await Resident(menu_service.spine).says(text)
    assert [row.reason for row in rows(menu_service, Handoff)] == ([reason] if reason else [])
    assert any(part.message_id.startswith("system.handoff") for part in reply.parts) is bool(reason)
