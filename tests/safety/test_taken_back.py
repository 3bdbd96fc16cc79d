""" "Not an emergency": whoever says so goes on where they were, and the case waits for a person's judgement."""

from __future__ import annotations

import httpx
import pytest

from desk import service as desk
from desk.models import Handoff
from server.assembly import Service
from server.conversations.models import ReleasedTurn, Turn
from server.conversations.turn import Answered, Asked, Channel, Outcome, Part
from tests.server.conversations.test_emergencies import FIRE
from tests.server.harness import Resident, Scripted, answer, rows, with_assistant
from tests.server.staffroom import signed_in
from tests.server.twilio.house import ANA, OURS, House

FALSE = {"en": "2", "es": "no es una emergencia"}
BACK = "system.latched_released"


def ids(parts: tuple[Part, ...]) -> list[str]:
    return [part.message_id for part in parts]


def taken_back(service: Service) -> list[str]:
    """The texts of the emergencies that residents took back."""
    turns = {turn.id: turn.text for turn in rows(service, Turn)}
    return [turns[row.turn_id] for row in rows(service, ReleasedTurn)]


def asks(asked: Asked) -> Answered:
    """A form that asks for the ZIP code until it has one."""
    if asked.text == "33101":
        return answer("Zone C.", tracker=b"done")
    part = Part("system.ask_place", 1, asked.language, "What is your ZIP code?", role="system")
    return Answered(Outcome.FORM, (part,), "evacuation_zone_lookup", tracker=b"open", memory={"options": []})


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("language", FIRE)
async def test_in_a_form_the_open_question_is_asked_again(either_service: Service, channel: Channel, language: str) -> None:
    form = Scripted(asks)
    writer = Resident(with_assistant(either_service.spine, form), channel=channel, language=language)
    await writer.says("my zone")
    assert (await writer.says(FIRE[language])).emergency
    released = await writer.says(FALSE[language])
    assert ids(released.parts) == [BACK, "system.ask_place"]
    assert all(part.language == language for part in released.parts)
    done = await writer.says("33101")
    assert (done.text, form.asked[-1].tracker) == ("Zone C.", b"open"), "the form goes on with what it had"
    assert taken_back(either_service) == [FIRE[language]]


async def test_choices_are_offered_again_with_their_numbers(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    menu = await writer.says("xyzzy")
    assert menu.outcome is Outcome.MENU
    await writer.says(FIRE["en"])
    released = await writer.says("not an emergency")
    assert released.parts[0].message_id == BACK
    assert released.parts[1].text == menu.parts[0].text
    assert (await writer.says("1")).topic == menu.options[0].value


async def test_after_an_answer_nothing_is_repeated(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says("where is a shelter")
    await writer.says(FIRE["en"])
    assert ids((await writer.says("2")).parts) == [BACK]


@pytest.mark.parametrize("channel", list(Channel))
async def test_in_the_queue_the_place_is_kept_and_told(either_service: Service, channel: Channel) -> None:
    first, writer = [Resident(either_service.spine, channel=channel) for _ in range(2)]
    for each in (first, writer):
        await each.says("agent")
    await writer.says(FIRE["en"])
    released = await writer.says("2")
    assert ids(released.parts) == [BACK, "system.still_waiting"]
    assert released.owner == "queued"
    assert len(rows(either_service, Handoff)) == 2
    assert taken_back(either_service) == [FIRE["en"]]


async def test_with_an_agent_the_person_answers(either_service: Service) -> None:
    writer = Resident(either_service.spine)
    await writer.says("agent")
    with either_service.sessions.begin() as session:
        handoff = desk.current_handoff(session, conversation_id=writer.conversation().id)
        assert handoff is not None
        desk.accept(session, handoff_id=handoff.id, agent="ana")
    await writer.says(FIRE["en"])
    assert (await writer.says("2")).parts == ()
    assert (await writer.says("thank you")).parts == (), "and the latch is off"
    assert taken_back(either_service) == [FIRE["en"]]


async def test_by_phone(house: House) -> None:
    call = await house.twilio.call(ANA, OURS)
    await call.press("#")
    choices = call.last_heard
    await call.say(FIRE["en"])
    await call.press("2")
    assert "not an emergency" in call.last_heard
    assert "1. " in call.last_heard
    assert choices.split("1. ")[1].split("2. ")[0] in call.last_heard, "the same choices again"
    assert not call.dialed
    await call.press("1")
    assert house.turns[-1].topic == house.deps.library.last_good.menu("en")[0]
    assert taken_back(house.service) == [FIRE["en"]]


async def test_by_phone_in_the_queue(house: House) -> None:
    call = await house.twilio.call(ANA, OURS)
    await call.press("0")
    await call.say(FIRE["en"])
    await call.press("2")
    assert not call.dialed
    assert house.conversations[0].owner == "queued"
    assert any(event.kind == "play" for event in call.events[-6:]), "waits on"


async def test_it_becomes_a_case_on_the_review_page(client: httpx.AsyncClient, menu_service: Service) -> None:
    for language, text in FIRE.items():
        writer = Resident(menu_service.spine)
        await writer.says(text)
        await writer.says(FALSE[language])
    await Resident(menu_service.spine).says("there is a fire in my kitchen")
    await signed_in(client, menu_service, "supervisor")
    page = (await client.get("/console/review/?released=1")).text
    for text in FIRE.values():
        assert text in page
    assert "fire in my kitchen" not in page
