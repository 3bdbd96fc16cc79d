from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.assembly import Service
from server.conversations.carrier import carrier_word
from server.conversations.turn import Channel, Outcome
from server.outbox.models import OptOut
from tests.server.harness import Resident, rows

STOP = ["STOP", "stop", " Stop. ", "STOPALL", "stop all", "Unsubscribe", "END", "quit", "CANCEL", "REVOKE", "opt out", "OptOut",
        "Stop please", "please stop texting me", "Don't text me", "take me off this list", "ALTO", "alto!", "PARAR", "Cancelar",
        "BAJA", "no más mensajes", "Dejen de mandarme mensajes", "quita mi número"]  # fmt: skip
START = ["START", "start", "UNSTOP", "Iniciar", "EMPEZAR", "alta"]
HELP = ["HELP", "help", "Info", "AYUDA", "ayuda", "Información", "help."]
ORDINARY = ["stop the flooding", "how do I stop the water", "please stop the leak in my street", "help me find a shelter",
            "helpful", "HELP!!", "¡ayuda!", "where is the start of the route", "the end of the curfew", "alto al fuego en mi calle",
            "cancel my pickup", "baja la luz en mi casa", "info about shelters", "yes", "si", "", "2", "stop?stopping", "STOPP"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "word"),
    [*((t, "STOP") for t in STOP), *((t, "START") for t in START), *((t, "HELP") for t in HELP), *((t, None) for t in ORDINARY)],
)
def test_only_a_whole_message_is_a_carrier_word(text: str, word: str | None) -> None:
    assert carrier_word(text, provider=None) == word


def test_yes_starts_again_only_who_has_stopped() -> None:
    assert carrier_word("YES", provider=None, opted_out=True) == "START"
    assert carrier_word("YES", provider=None) is None


@pytest.mark.parametrize("provider", ["STOP", "START", "HELP"])
def test_the_providers_word_wins(provider: str) -> None:
    assert carrier_word("whatever it was", provider=provider) == provider


@pytest.mark.parametrize("provider", ["", "stop", "OTHER", None])
def test_an_unknown_provider_word_is_no_word(provider: str | None) -> None:
    assert carrier_word("where is a shelter", provider=provider) is None


@given(st.text(max_size=40))
def test_any_text_gets_a_verdict(text: str) -> None:
    assert carrier_word(text, provider=None) in ("STOP", "START", "HELP", None)


async def test_stop_start_and_help_change_who_is_reached(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    stopped = await writer.says("STOP")
    assert (stopped.outcome, [part.message_id for part in stopped.parts]) == (Outcome.OPT_OUT, ["system.stop"])
    assert rows(menu_service, OptOut, OptOut.person == writer.person)
    assert (await writer.says("where is a shelter")).parts == ()
    again = await writer.says("START")
    assert (again.outcome, [part.message_id for part in again.parts]) == (Outcome.OPT_IN, ["system.start"])
    assert not rows(menu_service, OptOut, OptOut.person == writer.person)
    assert (await writer.says("where is a shelter")).topic == "shelter_locations"


@pytest.mark.parametrize(("text", "language"), [("HELP", "en"), ("AYUDA", "es")])
async def test_help_carries_the_911_line(menu_service: Service, text: str, language: str) -> None:
    reply = await Resident(menu_service.spine).says(text)
    assert reply.outcome is Outcome.HELP
    assert reply.language == language
    assert reply.safety_line
    assert "911" in reply.text


async def test_a_word_that_twilio_has_answered_gets_no_second_answer(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    for word, outcome in (("STOP", Outcome.OPT_OUT), ("HELP", Outcome.HELP), ("START", Outcome.OPT_IN)):
        reply = await writer.says(word, opt_out_type=word)
        assert (reply.outcome, reply.parts) == (outcome, ())


async def test_the_opt_out_is_for_the_number_that_was_told(menu_service: Service) -> None:
    writer = Resident(menu_service.spine)
    await writer.says("STOP", our_address="+15555550100")
    other = Resident(menu_service.spine, key=writer.key)
    assert (await other.says("where is a shelter", our_address="+15555550199")).parts


@pytest.mark.parametrize("channel", [Channel.WEB, Channel.IVR])
async def test_carrier_words_are_words_of_the_phone_network_only(menu_service: Service, channel: Channel) -> None:
    writer = Resident(menu_service.spine, channel=channel)
    assert (await writer.says("stop")).outcome not in (Outcome.OPT_OUT, Outcome.OPT_IN)
    assert not rows(menu_service, OptOut)
