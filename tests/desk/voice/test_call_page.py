"""What an agent sees of a call, and what is asked of them before they can take one."""

from __future__ import annotations

import pytest

from console.catalogue import has
from desk.voice.rules import numbers
from desk.voice.service import LEADING, REFUSED
from desk.voice.states import Phase
from server.staff.models import StaffUser
from tests.server.harness import rows
from tests.server.staffroom import SAME_SITE, make_user, sign_in
from tests.server.twilio.room import Room


async def page(room: Room, lang: str = "en", piece: str = "") -> str:
    answer = await room.client.get(f"/desk/c/{room.conversation.reference}", params={"lang": lang, "piece": piece})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_every_phase_and_reason_has_its_words() -> None:
    reasons = {*REFUSED.values(), *LEADING, "no_key", "lost", "caller_gone", "not_held", "not_led"}
    assert all(has(f"voice.phase_{phase}") for phase in Phase)
    assert all(has(f"voice.reason_{reason}") for reason in reasons)


@pytest.mark.parametrize("lang", ["en", "es"])
async def test_from_ringing_to_the_end(room: Room, lang: str) -> None:
    call = await room.waits()
    assert "/hold" not in await page(room, lang)
    await room.act("take")
    ringing = await page(room, lang)
    assert {"en": "Your phone rings", "es": "Su teléfono está sonando"}[lang] in ringing
    assert "/hold" not in ringing
    assert "(555) 555-0111" in ringing, "911 is one step away from the first moment on"
    await room.phone.answer()
    await room.phone.press("1")
    talking = await page(room, lang)
    assert talking.count("/hold") == 1
    assert "/to-number" in talking
    assert {"en": "Tidewater Gas", "es": "Aguas de Harbor City"}[lang] in talking
    await room.act("hold")
    assert "/resume" in await page(room, lang, piece="call")
    await call.hang_up()
    over = await page(room, lang, piece="call")
    assert "/to-911" not in over
    assert {"en": "The caller hung up", "es": "La persona colgó"}[lang] in over


async def test_nobody_else_is_told_that_the_caller_is_with_them(room: Room) -> None:
    await room.connected()
    make_user(room.service, "sofia", "supervisor")
    await sign_in(room.client, "sofia")
    seen = await page(room)
    assert "The caller is with you" not in seen
    assert "/hold" not in seen
    assert "/over" in seen, "a supervisor can take it over"


async def test_without_a_number_of_the_911_center(room: Room) -> None:
    library = room.service.library.last_good
    library.city = {key: value for key, value in library.city.items() if key != "psap_transfer"}
    await room.connected()
    assert "Tell the caller to hang up and dial 911" in await page(room)
    await room.act("to-911", status=409)


async def test_what_only_the_one_who_has_the_call_can_do(room: Room) -> None:
    await room.waits()
    for act in ("hold", "resume", "to-911", "to-number"):
        await room.act(act, to="power", status=409)


async def test_their_own_telephone_rings_and_a_city_without_a_stand_in_needs_one(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.client.post("/account/phone", data={"phone": "202-555-0147"}, headers=SAME_SITE)
    await room.waits()
    await room.act("take")
    assert room.phone.to == "+12025550147"
    with room.service.sessions() as session:
        rosa = rows(room.service, StaffUser)[-1]
        assert room.rules(practice=False).phone_of(session, "nobody") is None
        assert room.rules(practice=False).phone_of(session, rosa.name) == rosa.phone


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        (None, []),
        ("555-555-0120", []),
        ({"power": "555-555-0120"}, []),
        ({"power": {"name": "Power", "number": "911"}, "gas": {"name": {"es": "Gas"}, "number": "555-555-0121"}}, ["gas"]),
    ],
)
def test_a_slip_in_the_list_of_numbers_takes_away_that_number_only(listed: object, found: list[str]) -> None:
    assert [number.key for number in numbers({"transfer_numbers": listed})] == found
    assert all(number.named("en") for number in numbers({"transfer_numbers": listed}))


async def test_calls_count_in_the_figures_once_somebody_was_reached(room: Room) -> None:
    async def answered() -> list[str]:
        lines = (await room.client.get("/desk/figures.csv")).text.splitlines()
        return [line.split(",")[3] for line in lines if line.startswith("channel,ivr,")]

    await room.waits()
    await room.act("take")
    await room.phone.refuse("busy")
    assert await answered() == ["0"], "a telephone that was busy answered nobody"
    await room.act("take")
    await room.phone.answer()
    await room.phone.press("1")
    await room.phone.hang_up()
    assert await answered() == ["1"]
    assert room.leg.phone == "", "the number is not kept with the call"
