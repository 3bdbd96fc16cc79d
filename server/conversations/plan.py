"""What a turn is treated as, decided from values alone, so that the order of the promises can be read and tested in one place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from bot.triage.decision import Decision, Level
from server.conversations.ownership import Owner

CarrierWord = Literal["STOP", "START", "HELP"]


class Step(StrEnum):
    """The one thing that a turn is treated as."""

    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    EMERGENCY = "emergency"
    CRISIS = "crisis"
    UNCLEAR = "unclear"
    RELEASE = "release"
    SILENT = "silent"
    RELAY = "relay"
    WAIT = "wait"
    PICTURE = "picture"
    ASSIST = "assist"
    ASIDE = "aside"
    """A question to the assistant by somebody who waits for a person, asked in so many words."""
    HELPED = "helped"
    """The answer to "did this help?"."""
    NOTED = "noted"
    """Something left for the agent who comes back to the resident."""
    RECORDED = "recorded"
    """What a caller recorded, written down: for the agents, nobody hears an answer."""
    BLOCKED = "blocked"
    """A resident whom a supervisor blocked."""
    HURRIED = "hurried"
    """More texts in a minute than a person writes."""


@dataclass(frozen=True)
class Standing:
    """Where a conversation stands when a turn comes in."""

    owner: Owner
    latched: bool
    opted_out: bool
    unclear_said: bool = False
    asked_helped: bool = False
    asked: str | None = None
    """The card asked last when it was a question: `unclear` or `silent`."""
    watched: bool = False
    """Whether somebody else may read this phone or hear this call."""
    recorded: bool = False
    blocked: bool = False
    hurried: bool = False


@dataclass(frozen=True)
class Plan:
    """The step, and what is said around it: `card` before everything, `safety_line` after an ordinary answer."""

    step: Step
    card: str | None = None
    safety_line: bool = False
    alert: str | None = None


FROM_A_PERSON: Final = frozenset(
    {"assault", "weapon", "shooting", "intruder", "domestic_violence", "kidnapping", "asks_911", "unclear"}
)
"""Dangers that come from somebody who may be reading along. In the others loud and protective words matter more."""
_NOT_AN_EMERGENCY: Final = re.compile(
    r"\W*(?:2|two|dos|(?:this |it ?)?(?:is |s )?not an? emergency|no emergency|im (?:ok|okay|safe|fine)|false alarm|"
    r"no es (?:una )?emergencia|estoy (?:bien|a salvo)|falsa alarma)\W*",
    re.IGNORECASE,
)


def releases_latch(text: str) -> bool:
    """True when the whole message says that there is no emergency, such as the `2` that the card offers."""
    return bool(_NOT_AN_EMERGENCY.fullmatch(text.replace("'", "").replace("’", "")))


def _answer(decision: Decision) -> bool:
    """True when the triage read the message as a short answer to our own question."""
    return any(evidence.startswith("answer:") for evidence in decision.evidence)


_MEANWHILE: Final = re.compile(r"\s*(?:ask|pregunta|preguntar)\b[\s:,.-]*(?P<question>\S.*)", re.IGNORECASE | re.DOTALL)
_YES: Final = re.compile(r"\W*(?:1|y|yes|yeah|yep|si|sí|claro)\W*", re.IGNORECASE)
_NO: Final = re.compile(r"\W*(?:2|n|no|nope|not really)\W*", re.IGNORECASE)


def asked_meanwhile(text: str) -> str | None:
    """The question that somebody who waits asks of the assistant, after the word that the waiting text names; else nothing."""
    found = _MEANWHILE.fullmatch(text)
    return found["question"].strip() if found else None


def yes_or_no(text: str) -> bool | None:
    """What a whole message says to a question of yes or no; nothing when it says something else."""
    return True if _YES.fullmatch(text) else False if _NO.fullmatch(text) else None


def plan_turn(*, decision: Decision, standing: Standing, carrier: CarrierWord | None, text: str, media_only: bool = False) -> Plan:
    """What to do with one turn. Emergencies come before ownership, opt-outs and everything else. Only STOP, which is the whole
    message, comes before them: it cannot be one. HELP can, as the answer to "are you in danger?" or after an emergency.

    An opted-out resident gets no reply but the 911 line, and staff are told, since the carrier may not deliver even that."""
    if carrier == "STOP" or (carrier is not None and decision.level is not Level.HARD):
        return Plan({"STOP": Step.OPT_OUT, "START": Step.OPT_IN, "HELP": Step.HELP}[carrier])
    unreachable = "opted_out_emergency" if standing.opted_out else None
    if decision.level is Level.HARD:
        # Whoever may be watching the screen learned nothing from the question, and learns nothing from what follows it.
        answered = standing.asked == "silent" and _answer(decision)
        card = "silent_noted" if answered or (standing.watched and decision.category in FROM_A_PERSON) else decision.card
        return Plan(Step.EMERGENCY, card=card or "emergency", alert=unreachable or "emergency")
    if decision.level is Level.CRISIS:
        return Plan(Step.CRISIS, card=decision.card or "crisis_988", alert=unreachable or "crisis")
    latch = "emergency" if standing.latched else None
    if standing.recorded:
        return Plan(Step.RECORDED, alert="unclear" if decision.level is Level.SOFT else None)
    if standing.latched and releases_latch(text):
        return Plan(Step.RELEASE)
    if standing.asked is not None and _answer(decision) and not standing.opted_out:
        return Plan(Step.RELEASE)
    if standing.opted_out:
        return Plan(Step.SILENT, card=latch, alert="opted_out_emergency" if latch else None)
    soft = decision.level is Level.SOFT
    if standing.blocked:
        return _only_what_the_triage_says(Step.BLOCKED, decision, standing, latch)
    if standing.owner is Owner.AGENT:
        return Plan(Step.RELAY, card=latch)
    if standing.owner is Owner.QUEUED and asked_meanwhile(text) is not None:
        return Plan(Step.ASIDE, card=latch, safety_line=soft and latch is None)
    if standing.owner is Owner.QUEUED:
        return Plan(Step.WAIT, card=latch, safety_line=soft and latch is None)
    if standing.hurried:
        return _only_what_the_triage_says(Step.HURRIED, decision, standing, latch)
    if standing.asked_helped and not soft and yes_or_no(text) is not None:
        return Plan(Step.HELPED, card=latch)
    if media_only:
        return Plan(Step.PICTURE, card=latch)
    if soft and decision.card == "unclear" and not standing.unclear_said:
        return Plan(Step.UNCLEAR, card=latch or "unclear", alert="unclear")
    if soft and decision.card not in (None, "safety_line", "unclear"):
        return Plan(Step.ASSIST, card=latch or decision.card)
    return Plan(Step.ASSIST, card=latch, safety_line=soft and latch is None)


def _only_what_the_triage_says(step: Step, decision: Decision, standing: Standing, latch: str | None) -> Plan:
    """For those who get no answer: the question whether they are in danger, a card, or the safety line, as anybody would."""
    soft = decision.level is Level.SOFT
    if soft and decision.card == "unclear" and not standing.unclear_said:
        return Plan(Step.UNCLEAR, card=latch or "unclear", alert="unclear")
    own = decision.card if soft and decision.card not in (None, "safety_line", "unclear") else None
    card = latch or own
    return Plan(step, card=card, safety_line=soft and card is None)
