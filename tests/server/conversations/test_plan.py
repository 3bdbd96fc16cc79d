from __future__ import annotations

import itertools

import pytest

from bot.triage.decision import Decision, Level
from server.conversations.ownership import Owner
from server.conversations.plan import CarrierWord, Plan, Standing, Step, plan_turn, releases_latch

HARD = Decision(Level.HARD, "fire", "emergency")
CRISIS = Decision(Level.CRISIS, "suicide", "crisis_988")
SOFT = Decision(Level.SOFT, None, "safety_line")
UNCLEAR = Decision(Level.SOFT, "unclear", "unclear")
POISON = Decision(Level.SOFT, "poisoning", "poison")
NONE = Decision(Level.NONE)
OWNERS = (Owner.BOT, Owner.QUEUED, Owner.AGENT)


def plan(
    decision: Decision,
    standing: Standing,
    text: str = "where is a shelter",
    carrier: CarrierWord | None = None,
    media: bool = False,
) -> Plan:
    return plan_turn(decision=decision, standing=standing, carrier=carrier, text=text, media_only=media)


@pytest.mark.parametrize(("owner", "latched", "opted_out", "unclear_said"), [*itertools.product(OWNERS, *[(False, True)] * 3)])
def test_an_emergency_is_an_emergency_in_every_state(owner: Owner, latched: bool, opted_out: bool, unclear_said: bool) -> None:
    standing = Standing(owner, latched, opted_out, unclear_said)
    for carrier in (None, "HELP", "START"):
        found = plan(HARD, standing, "2", carrier)
        assert (found.step, found.card) == (Step.EMERGENCY, "emergency")
        assert found.alert == ("opted_out_emergency" if opted_out else "emergency")
    assert plan(CRISIS, standing).step is Step.CRISIS
    assert plan(CRISIS, standing).card == "crisis_988"
    assert plan(Decision(Level.HARD), standing).card == "emergency"


@pytest.mark.parametrize(
    ("decision", "standing", "expected"),
    [
        (NONE, Standing(Owner.BOT, False, False), Plan(Step.ASSIST)),
        (SOFT, Standing(Owner.BOT, False, False), Plan(Step.ASSIST, safety_line=True)),
        (SOFT, Standing(Owner.BOT, True, False), Plan(Step.ASSIST, card="emergency")),
        (POISON, Standing(Owner.BOT, False, False), Plan(Step.ASSIST, card="poison")),
        (POISON, Standing(Owner.BOT, True, False), Plan(Step.ASSIST, card="emergency")),
        (UNCLEAR, Standing(Owner.BOT, False, False), Plan(Step.UNCLEAR, card="unclear", alert="unclear")),
        (UNCLEAR, Standing(Owner.BOT, False, False, True), Plan(Step.ASSIST, safety_line=True)),
        (NONE, Standing(Owner.QUEUED, False, False), Plan(Step.WAIT)),
        (SOFT, Standing(Owner.QUEUED, False, False), Plan(Step.WAIT, safety_line=True)),
        (NONE, Standing(Owner.QUEUED, True, False), Plan(Step.WAIT, card="emergency")),
        (NONE, Standing(Owner.AGENT, False, False), Plan(Step.RELAY)),
        (SOFT, Standing(Owner.AGENT, False, False), Plan(Step.RELAY)),
        (NONE, Standing(Owner.AGENT, True, False), Plan(Step.RELAY, card="emergency")),
        (NONE, Standing(Owner.BOT, False, True), Plan(Step.SILENT)),
        (SOFT, Standing(Owner.QUEUED, False, True), Plan(Step.SILENT)),
        (NONE, Standing(Owner.BOT, True, True), Plan(Step.SILENT, card="emergency", alert="opted_out_emergency")),
    ],
)
def test_what_a_turn_is_treated_as(decision: Decision, standing: Standing, expected: Plan) -> None:
    assert plan(decision, standing) == expected


@pytest.mark.parametrize("owner", OWNERS)
def test_a_release_ends_the_latch_whoever_owns_the_conversation(owner: Owner) -> None:
    assert plan(NONE, Standing(owner, True, False), "2").step is Step.RELEASE
    assert plan(NONE, Standing(owner, False, False), "2").step is not Step.RELEASE


@pytest.mark.parametrize("owner", OWNERS)
def test_stop_is_stop_everywhere(owner: Owner) -> None:
    assert plan(HARD, Standing(owner, True, False), "STOP", "STOP").step is Step.OPT_OUT


def test_a_picture_alone_is_told_that_it_cannot_be_seen() -> None:
    assert plan(UNCLEAR, Standing(Owner.BOT, False, False), "", media=True) == Plan(Step.PICTURE)
    assert plan(UNCLEAR, Standing(Owner.BOT, True, False), "", media=True) == Plan(Step.PICTURE, card="emergency")
    assert plan(UNCLEAR, Standing(Owner.AGENT, False, False), "", media=True).step is Step.RELAY


@pytest.mark.parametrize(
    "text",
    ["2", " 2. ", "not an emergency", "It's not an emergency", "this is not an emergency!", "no emergency", "I'm ok", "false alarm",
     "no es emergencia", "No es una emergencia.", "estoy bien", "falsa alarma"],
)  # fmt: skip
def test_words_that_release(text: str) -> None:
    assert releases_latch(text)


@pytest.mark.parametrize(
    "text", ["22", "no", "it is an emergency", "2 people trapped", "not an emergency yet but the water rises", ""]
)
def test_words_that_do_not_release(text: str) -> None:
    assert not releases_latch(text)
