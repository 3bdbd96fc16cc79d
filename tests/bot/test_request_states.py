"""What residents are told of what they reported, and what nobody else is told."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.request_states import asks_for_state
from bot.tracking import tracking_in
from server import clock
from server.assembly import Service
from server.conversations.ledger import new_reference
from server.conversations.models import Conversation
from server.conversations.turn import Channel, Reply
from server.requests.kinds import fill
from server.requests.models import ServiceRequest
from server.requests.service import TOLD_FOR, State, make, move
from tests.server.harness import Resident, failing

NUMBER = "DR-7K3M9QX"


async def reported(service: Service, who: Resident, *, state: State = State.OPEN, reference: str = NUMBER) -> str:
    """A damage report of a resident's, as an agent filed it."""
    await who.says("where is a shelter")
    with service.sessions.begin() as session:
        conversation = session.get_one(Conversation, who.conversation().id)
        filled = fill("damage_report", {"address": "12 Canal St", "what": "the roof is half gone"})
        row = make(session, conversation=conversation, kind="damage_report", filled=filled, made_by="ana")
        row.reference = reference
        if state is not State.OPEN:
            move(session, reference=reference, to=state.value, actor="ana")
    return reference


def said(reply: Reply) -> list[str]:
    return [part.message_id for part in reply.parts if part.role == "answer" or part.message_id.startswith("system.request")]


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize(("language", "words"), [("en", "what happened to my report"), ("es", "cómo va mi reporte")])
@pytest.mark.parametrize("channel", list(Channel))
async def test_the_state_is_told_on_every_channel(
    menu_service: Service, channel: Channel, language: str, words: str, state: State
) -> None:
    who = Resident(menu_service.spine, channel=channel, language=language)
    await reported(menu_service, who, state=state)
    for text in (NUMBER, f"{words}?"):
        reply = await who.says(text)
        assert said(reply) == [f"system.request_{state.value}"]
        assert (reply.outcome, reply.topic, reply.language) == ("answer", "report_status_check", language)
        if channel is not Channel.IVR:
            assert NUMBER in reply.text
            assert "911" in reply.text


async def test_the_same_telephone_is_told_by_text_and_by_voice(menu_service: Service) -> None:
    texts = Resident(menu_service.spine)
    await reported(menu_service, texts)
    calls = Resident(menu_service.spine, channel=Channel.IVR)
    for words in ("what happened to my report", "it is d r seven k three m nine q x", "my number is DR 5K3M9QX"):
        assert said(await calls.says(words, person=texts.person)) == ["system.request_open"], words
    withheld = Resident(menu_service.spine, channel=Channel.IVR)
    assert said(await withheld.says(f"it is {NUMBER}", person=None)) == ["system.request_unknown"]


@pytest.mark.parametrize("channel", list(Channel))
async def test_nobody_else_learns_whether_there_is_one(menu_service: Service, channel: Channel) -> None:
    await reported(menu_service, Resident(menu_service.spine))
    stranger = Resident(menu_service.spine, channel=channel)
    await stranger.says("where is a shelter")
    real, invented = await stranger.says(NUMBER), await stranger.says("DR-2222222")
    assert said(real) == said(invented) == ["system.request_unknown"]
    assert real.text == invented.text
    assert not re.search(r"7K3M9QX|roof|Canal", real.text)
    asked = await stranger.says("what happened to my report")
    assert asked.topic == "report_status_check"
    assert said(asked) == ["report_status_check.general"]


async def test_an_emergency_comes_first(menu_service: Service) -> None:
    who = Resident(menu_service.spine)
    await reported(menu_service, who)
    reply = await who.says(f"{NUMBER} the house is on fire and we are inside")
    assert reply.outcome == "emergency_911"
    assert reply.parts[0].role == "card"
    after = await who.says(NUMBER)
    assert after.parts[0].role == "card", "the latch"
    assert said(after) == ["system.request_open"]


async def test_where_somebody_may_be_watching_a_person_tells_it(menu_service: Service) -> None:
    who = Resident(menu_service.spine)
    await reported(menu_service, who)
    with menu_service.sessions.begin() as session:
        conversation = session.get_one(Conversation, who.conversation().id)
        conversation.memory = {**conversation.memory, "watched": True}
    assert said(await who.says(NUMBER)) == ["system.request_unknown"]
    later = Resident(menu_service.spine, channel=Channel.IVR)
    assert said(await later.says(f"it is {NUMBER}", person=who.person)) == ["system.request_unknown"]


async def test_a_number_that_may_be_somebody_elses_by_now_is_told_nothing(menu_service: Service) -> None:
    who = Resident(menu_service.spine)
    await reported(menu_service, who)
    with menu_service.sessions.begin() as session:
        row = session.get_one(ServiceRequest, 1)
        row.made_at = clock.now() - TOLD_FOR - timedelta(days=1)
    assert said(await who.says(NUMBER)) == ["system.request_unknown"]


async def test_two_are_told_with_what_is_not_over_first(menu_service: Service) -> None:
    who = Resident(menu_service.spine)
    await reported(menu_service, who)
    for reference in ("DR-2222222", "DR-3333333"):
        await reported(menu_service, who, state=State.DONE, reference=reference)
    assert said(await who.says("what happened to my report")) == ["system.request_open", "system.request_done"]
    assert said(await who.says("DR-2222222")) == ["system.request_done"]
    assert len(said(await who.says(f"my number is {who.conversation().reference}"))) == 2


async def test_what_cannot_be_looked_up_goes_to_a_person(menu_service: Service) -> None:
    who = Resident(menu_service.spine)
    await reported(menu_service, who)
    with failing(menu_service.engine, "SELECT service_requests"):
        reply = await who.says(NUMBER)
    assert reply.outcome == "agent"
    assert who.conversation().owner == "queued"


async def test_with_a_person_nothing_is_said_over_them(menu_service: Service) -> None:
    who = Resident(menu_service.spine)
    await reported(menu_service, who)
    await who.says("agent")
    assert said(await who.says(NUMBER)) == []


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("any update on my damage report", True),
        ("¿hay noticias de mi reporte de daños?", True),
        ("what is the status of my FEMA request", False),
        ("estado de mi solicitud de ayuda", False),
        ("how do i report damage", False),
        ("any news on the storm", False),
    ],
)
def test_how_people_ask_for_it(text: str, asks: bool) -> None:
    assert asks_for_state(text) is asks


async def test_a_question_about_damage_that_asks_how_far_it_is(menu_service: Service) -> None:
    who = Resident(menu_service.spine)
    assert said(await who.says("any update on my damage report")) != ["system.request_open"]
    await reported(menu_service, who)
    assert said(await who.says("any update on my damage report")) == ["system.request_open"]
    assert said(await who.says("how do i report damage")) != ["system.request_open"]


@pytest.mark.parametrize(
    ("text", "spoken", "found"),
    [
        ("DR-7K3M9QX", False, "DR-7K3M9QX"),
        ("any news on dr 7k3m9qx?", False, "DR-7K3M9QX"),
        ("sr7k3m9qx.", False, "SR-7K3M9QX"),
        ("CB#ABCDEFG", False, "CB-ABCDEFG"),
        ("it's 7K3M9QX", False, "-7K3M9QX"),
        ("d r seven k three m nine q x", True, "DR-7K3M9QX"),
        ("es la d r siete k tres m nueve q x gracias", True, "DR-7K3M9QX"),
        ("d r seven k three m nine q x", False, None),
        ("Dr Beckham is my doctor", True, None),
        ("dragsters on my street", False, None),
        ("call me at 555-5234", False, None),
        ("my number is 5552368", False, None),
        ("the car is a CB 500", True, None),
        ("DR-7K3M9QXX", False, None),
        ("", True, None),
    ],
)
def test_numbers_as_people_write_and_say_them(text: str, spoken: bool, found: str | None) -> None:
    tracking = tracking_in(text, spoken=spoken)
    assert (f"{tracking.prefix}-{tracking.rest}" if tracking else None) == found


@given(prefix=st.sampled_from(["DR", "SR", "CB", "HC"]), before=st.sampled_from(["", "number ", "¿"]), lower=st.booleans())
def test_every_number_we_give_is_found_again(prefix: str, before: str, lower: bool) -> None:
    reference = new_reference(prefix)
    tracking = tracking_in(before + (reference.lower() if lower else reference))
    assert tracking is not None
    assert tracking.names(reference)


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    tracking_in(text, spoken=True)
