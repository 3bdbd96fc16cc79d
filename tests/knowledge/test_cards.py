"""The approved cards against what the field asks of them (sourcebook 1.2 and 1.3)."""

from __future__ import annotations

import re

import pytest

from bot.triage.engine import Context, TriageEngine
from knowledge.library import PACKS, Library, Situation
from knowledge.rendering.segments import measure
from server import clock
from server.assembly import Service
from server.conversations.models import ReleasedTurn
from server.conversations.turn import Channel, Outcome, shown_role
from server.conversations.words import card_id
from tests.server.harness import Resident, rows

LANGUAGES = ("en", "es")
CARDS = (
    "emergency", "emergency_text911", "gas", "carbon_monoxide", "wire", "suicide_now", "crisis_988", "poison", "unclear", "silent",
    "silent_noted",
)  # fmt: skip
WATCHED = ("silent", "silent_noted")


@pytest.fixture(scope="module")
def library() -> Library:
    return Library.from_packs(PACKS, ("core", "harbor_city"))


def said(library: Library, message: str, language: str, channel: str = "sms") -> str:
    return library.say(message, Situation(language=language, channel=channel, now=clock.now())).text  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("card", CARDS)
def test_a_card_is_one_segment_and_says_911(library: Library, card: str, language: str) -> None:
    text = said(library, f"card.{card}", language)
    assert measure(text).segments == 1, text
    for channel in ("sms", "web", "voice"):
        assert re.search(r"911|9 1 1|nine one one|nueve uno uno", said(library, f"card.{card}", language, channel))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("card", "first"),
    [("gas", r"leave now|salga ya"), ("carbon_monoxide", r"go outside|salgan todos"), ("wire", r"stay 35|al[eé]jese a 35")],
)
def test_protective_words_come_first(library: Library, card: str, first: str, language: str) -> None:
    for channel in ("sms", "web", "voice"):
        text = said(library, f"card.{card}", language, channel).replace("*", "").casefold()
        assert re.match(first, text), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_911_only_where_it_works_and_never_first(library: Library, language: str) -> None:
    speaks = re.compile(r"text 911|texto al 911", re.IGNORECASE)
    assert {
        card
        for card in CARDS
        for channel in ("sms", "web", "voice")
        if speaks.search(said(library, f"card.{card}", language, channel))
    } == {"emergency_text911"}
    text = said(library, "card.emergency_text911", language)
    assert text.index("911") < speaks.search(text).start()  # type: ignore[union-attr]
    for flag, card in (
        (True, "card.emergency_text911"),
        (False, "card.emergency"),
        (None, "card.emergency"),
        ("yes", "card.emergency"),
    ):
        library.city = {**library.city, "text_to_911": flag}
        assert card_id("emergency", library) == card


@pytest.mark.parametrize("language", LANGUAGES)
def test_911_before_988_where_there_are_means_and_after_it_where_there_are_none(library: Library, language: str) -> None:
    now, thoughts = (said(library, f"card.{card}", language) for card in ("suicide_now", "crisis_988"))
    assert now.index("911") < now.index("988")
    assert thoughts.index("988") < thoughts.index("911")


@pytest.mark.parametrize("language", LANGUAGES)
def test_poison_help_for_who_is_awake_and_911_for_who_is_not(library: Library, language: str) -> None:
    text = said(library, "card.poison", language)
    assert text.index("911") < text.index("1-800-222-1222")
    assert re.search(r"breathing|respira", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("message", ["card.silent", "card.silent_noted", "system.silent_released"])
def test_who_looks_over_a_shoulder_learns_nothing(library: Library, message: str, language: str) -> None:
    telling = re.compile(
        r"danger|safe|hurt|harm|abus|violen|police|weapon|partner|husband|threat|alert|silent|"
        r"peligro|salvo|daño|golpe|policía|arma|pareja|esposo|amenaz|alerta|silencio",
        re.IGNORECASE,
    )
    for channel in ("sms", "web", "voice"):
        assert telling.search(said(library, message, language, channel)) is None
    if message == "system.silent_released":
        assert re.search("911|emerg", said(library, message, language)) is None


@pytest.mark.parametrize("role", ["card", "safety"])
def test_a_quiet_card_does_not_look_like_an_alarm(role: str) -> None:
    assert {shown_role(f"card.{card}", role) for card in WATCHED} == {"safety"}
    assert shown_role("card.emergency", role) == role


# --- What follows a card -----------------------------------------------------------------------------------------------------

CANNOT_TALK = {"en": "can't talk he is here", "es": "no puedo hablar el está aquí"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("no", ["2", "no"])
async def test_no_after_the_quiet_card_says_nothing_of_before(menu_service: Service, language: str, no: str) -> None:
    writer = Resident(menu_service.spine, language=language)
    asked = await writer.says(CANNOT_TALK[language])
    assert [part.message_id for part in asked.parts] == ["card.silent"]
    answer = await writer.says(no)
    assert [part.message_id for part in answer.parts] == ["system.silent_released"]
    assert answer.outcome is Outcome.MENU_CHOICE
    assert len(rows(menu_service, ReleasedTurn)) == 1
    assert not (await writer.says("where is a shelter")).emergency


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("yes", ["1", "yes", "si", "help"])
async def test_yes_after_the_quiet_card_is_as_quiet_and_rings(menu_service: Service, language: str, yes: str) -> None:
    writer = Resident(menu_service.spine, language=language)
    await writer.says(CANNOT_TALK[language])
    answer = await writer.says(yes)
    assert (answer.outcome, [part.message_id for part in answer.parts]) == (Outcome.EMERGENCY_911, ["card.silent_noted"])
    assert [part.message_id for part in (await writer.says("2")).parts] == ["system.silent_released"]


@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("fine", ["2", "no", "I'm fine"])
async def test_safe_after_the_unclear_card(menu_service: Service, fine: str, channel: Channel) -> None:
    writer = Resident(menu_service.spine, channel=channel)
    asked = await writer.says("...", kind="text")
    assert asked.parts[0].message_id == "card.unclear", "the setting of this test"
    answer = await writer.says(fine, kind="keys" if channel is Channel.IVR and fine == "2" else "text")
    assert [part.message_id for part in answer.parts] == ["system.not_emergency"]


@pytest.mark.parametrize("latched", [True, False])
@pytest.mark.parametrize("asked", ["unclear", "silent", None])
@pytest.mark.parametrize("words", ["no estoy bien", "no estamos bien", "not ok", "I'm not fine", "no estoy a salvo", "not safe"])
def test_no_i_am_not_fine_is_no_all_clear(words: str, asked: str | None, latched: bool) -> None:
    decision = TriageEngine.load(None).assess(words, context=Context(latched=latched, asked=asked))
    assert "answer: no emergency" not in decision.evidence
