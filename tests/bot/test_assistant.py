"""Rasa behind its time limit: slow, stuck, silent or broken, the caller learns it in time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from bot import assistant as module
from bot.assistant import RasaAssistant, neutral, understood_reply
from bot.runtime.rasa_core import RasaAgent, Spoken
from knowledge.library import Library
from server.conversations.turn import Asked, Channel, Outcome
from server.errors import NotReady

LIBRARY = Library.from_packs(names=("core", "harbor_city"))
ASKED = Asked(1, "HC-2222222", Channel.SMS, "text", "where is a shelter", "en", None, None, {}, None)
SAID = {
    "message_id": "system.thanks",
    "version": 1,
    "language": "en",
    "text": "You're welcome.",
    "html": None,
    "more": [],
    "missing": False,
}
TURN = {"custom": {"turn": {"outcome": "goodbye", "memory": {"misses": 0}}}}
SPOKEN = Spoken(({"custom": {"said": [SAID]}}, TURN), b"state", {}, {})


class Model:
    """A model that does what a test says, where Rasa's would run."""

    def __init__(self, do: Callable[[], Awaitable[Spoken]]) -> None:
        self.do = do

    async def turn(self, **_: Any) -> Spoken:
        return await self.do()


def assistant(do: Callable[[], Awaitable[Spoken]], timeout: float = 0.05) -> RasaAssistant:
    return RasaAssistant(cast(RasaAgent, Model(do)), library=lambda: LIBRARY, timeout=timeout)


async def prompt() -> Spoken:
    return SPOKEN


async def test_what_was_said_is_given_with_its_versions() -> None:
    answered = await assistant(prompt, timeout=20).respond(ASKED)
    assert (answered.outcome, [part.reference for part in answered.parts], answered.tracker) == (
        Outcome.GOODBYE, ["system.thanks@1"], b"state",
    )  # fmt: skip


async def test_a_turn_that_never_ends_fails_in_time_and_the_next_one_is_answered() -> None:
    model = assistant(lambda: asyncio.Event().wait())  # type: ignore[arg-type,return-value]
    with pytest.raises(NotReady, match="too long"):
        await model.respond(ASKED)
    model._agent = cast(RasaAgent, Model(prompt))
    model._timeout = 20
    for _ in range(10_000):
        try:
            assert (await model.respond(ASKED)).outcome is Outcome.GOODBYE
            return
        except NotReady:
            await asyncio.sleep(0)
    pytest.fail("the thread is free and not used again")


async def test_a_blocked_thread_fails_every_turn_at_once_until_another_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    async def blocks() -> Spoken:
        go_on.wait(60)
        return SPOKEN

    model = assistant(blocks)
    try:
        with pytest.raises(NotReady, match="too long"):
            await model.respond(ASKED)
        model._timeout = 20
        with pytest.raises(NotReady, match="stuck"):
            await model.respond(ASKED)
        monkeypatch.setattr(module, "REPLACE_AFTER", -1.0)
        model._agent = cast(RasaAgent, Model(prompt))
        assert (await model.respond(ASKED)).outcome is Outcome.GOODBYE
    finally:
        go_on.set()


@pytest.mark.parametrize(
    "utterances",
    [(), ({"text": "free words"},), ({"custom": {"said": [SAID]}},), ({"custom": None},)],
    ids=["nothing", "words of nobody", "no outcome", "empty"],
)
def test_a_turn_without_an_outcome_counts_as_failed(utterances: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(NotReady, match="said nothing"):
        understood_reply(ASKED, Spoken(utterances, b"", {}, {}))


def test_words_that_are_not_an_approved_message_are_never_passed_on() -> None:
    spoken = Spoken(({"text": "I made this up"}, *SPOKEN.utterances), b"", {}, {})
    assert [part.text for part in understood_reply(ASKED, spoken).parts] == ["You're welcome."]


async def test_a_language_without_messages_gets_its_line_and_a_person_without_rasa() -> None:
    async def never() -> Spoken:
        raise AssertionError

    answered = await assistant(never).respond(replace(ASKED, language="ht"))
    assert (answered.handoff, answered.parts[0].message_id) == ("language_unsupported", "system.language_other")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("/restart", "restart"), ('/intent{"x":"y"}', 'intent{"x":"y"}'), ("  //\n/back", "back"), ("", "…"), ("/", "…"),
        ("a\x00b", "ab"), ("where / when", "where / when"), ("x" * 5000, "x" * 2000),
    ],
)  # fmt: skip
def test_nothing_a_resident_writes_is_a_command(text: str, seen: str) -> None:
    assert neutral(text) == seen


def test_a_new_model_takes_the_place_of_the_old_one() -> None:
    old, new = cast(RasaAgent, Model(prompt)), cast(RasaAgent, Model(prompt))
    model = RasaAssistant(old, library=lambda: LIBRARY, timeout=1)
    assert model.replace_agent(new) is old
    assert model.agent is new
