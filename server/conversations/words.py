"""The words of a reply: which approved texts, in which order, for what a turn is treated as."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot.triage.decision import Decision, Level
from knowledge.library import Library, Situation
from server.conversations.ownership import Owner
from server.conversations.plan import Plan, Step, yes_or_no
from server.conversations.ports import InLine
from server.conversations.turn import QUIET_CARDS, Answered, Channel, Engine, Inbound, Outcome, Part, Reply, Role

_OUTCOMES: Final[dict[Step, Outcome]] = {
    Step.OPT_OUT: Outcome.OPT_OUT,
    Step.OPT_IN: Outcome.OPT_IN,
    Step.HELP: Outcome.HELP,
    Step.EMERGENCY: Outcome.EMERGENCY_911,
    Step.CRISIS: Outcome.CRISIS_988,
    Step.UNCLEAR: Outcome.REPROMPT,
    Step.RELEASE: Outcome.MENU_CHOICE,
    Step.SILENT: Outcome.OPT_OUT,
    Step.RELAY: Outcome.AGENT,
    Step.WAIT: Outcome.AGENT,
    Step.ASSIST: Outcome.AGENT,
    Step.PICTURE: Outcome.REPROMPT,
    Step.ASIDE: Outcome.AGENT,
    Step.HELPED: Outcome.FORM,
    Step.NOTED: Outcome.FORM,
    Step.RECORDED: Outcome.FORM,
    Step.BLOCKED: Outcome.REPROMPT,
    Step.HURRIED: Outcome.REPROMPT,
}
_SYSTEM: Final[dict[Step, str]] = {
    Step.OPT_OUT: "system.stop",
    Step.OPT_IN: "system.start",
    Step.PICTURE: "system.media_only",
    Step.NOTED: "system.callback_noted",
}
_ENGINES: Final[dict[Step, Engine]] = {
    Step.OPT_OUT: "carrier",
    Step.OPT_IN: "carrier",
    Step.HELP: "carrier",
    Step.RELAY: "desk",
    Step.WAIT: "desk",
    Step.HELPED: "desk",
    Step.NOTED: "desk",
    Step.RECORDED: "desk",
}
_ASSISTED: Final = frozenset({Step.ASSIST, Step.ASIDE})
NOTICES: Final[dict[Step, str]] = {Step.BLOCKED: "system.blocked", Step.HURRIED: "system.hurried"}
"""What is said instead of answers, once in a while."""
LONGEST_WAIT: Final = 60
"""Minutes; above them "more than an hour" is all that is honest."""


@dataclass(frozen=True)
class Around:
    """What stands around the words: the place in line, the latch, whether it is the first reply."""

    first: bool
    line: InLine | None
    latched_card: str | None
    speak_while_waiting: bool
    language_sure: bool
    conversation: str
    owner: str
    released_card: str | None = None
    """The card that led every reply until this turn, when the turn ends that."""
    pending: str | None = None
    """The question of ours that the emergency came between, and the options that it offered."""
    options: tuple[str, ...] = ()
    notice: bool = False
    """Whether who gets no answer is told so now."""


def _released(standing: Around) -> str:
    if standing.released_card in QUIET_CARDS:
        return "system.silent_released"
    return "system.latched_released" if standing.released_card else "system.not_emergency"


def card_id(card: str | None, library: Library) -> str:
    """The message of a card. The general one has a variant for cities whose 911 center takes texts."""
    if card in (None, "emergency"):
        return "card.emergency_text911" if library.city.get("text_to_911") is True else "card.emergency"
    return f"card.{card}"


def compose(
    *,
    plan: Plan,
    answered: Answered | None,
    library: Library,
    situation: Situation,
    inbound: Inbound,
    decision: Decision,
    standing: Around,
) -> Reply:
    """The reply to one turn. A card is always first; the safety line follows an ordinary answer."""
    parts = [*_cards(plan, library, situation, standing), *_body(plan, answered, library, situation, inbound, standing)]
    if plan.safety_line and (parts or plan.step in NOTICES):
        parts.append(Part.of(library.say("safety_line", situation), "safety"))
    if standing.first and inbound.channel is Channel.SMS and plan.step is Step.ASSIST and parts:
        parts.append(Part.of(library.say("system.first_contact", situation), "system"))
    assisted = plan.step in _ASSISTED and answered is not None
    return Reply(
        outcome=answered.outcome if assisted and answered else _OUTCOMES[plan.step],
        parts=tuple(parts),
        language=situation.language,
        topic=answered.topic if answered else None,
        topics=answered.topics if answered else (),
        options=answered.options if answered else (),
        level=decision.level.value,
        category=decision.category,
        engine=answered.engine if assisted and answered else _ENGINES.get(plan.step, "triage"),
        conversation=standing.conversation,
        owner=standing.owner,
    )


def _cards(plan: Plan, library: Library, situation: Situation, standing: Around) -> list[Part]:
    if plan.card is None:
        return []
    identity = standing.latched_card if plan.card == "emergency" and standing.latched_card else card_id(plan.card, library)
    aside = plan.step is Step.ASSIST or plan.step in NOTICES
    role: Role = "safety" if aside and plan.card != "emergency" else "card"
    cards = [Part.of(library.say(identity, situation), role)]
    if plan.step is Step.EMERGENCY and situation.language != "en" and not standing.language_sure:
        cards.append(Part.of(library.say(identity, replace(situation, language="en")), role))
    return cards


def _body(
    plan: Plan, answered: Answered | None, library: Library, situation: Situation, inbound: Inbound, standing: Around
) -> list[Part]:
    if plan.step is Step.RELEASE:
        return _back_where_they_were(library, situation, standing)
    if plan.step in _SYSTEM:
        if inbound.opt_out_type is not None:
            # The carrier has said it already.
            return []
        return [Part.of(library.say(_SYSTEM[plan.step], situation), "system")]
    if plan.step is Step.HELP:
        return [] if inbound.opt_out_type is not None else [Part.of(library.say("system.help", situation), "safety")]
    if plan.step is Step.HELPED:
        helped = "system.helped_yes" if yes_or_no(inbound.text) else "system.helped_no"
        return [Part.of(library.say(helped, situation), "system")]
    if plan.step in NOTICES:
        return [Part.of(library.say(NOTICES[plan.step], situation), "system")] if standing.notice else []
    line = standing.line
    if plan.step is Step.WAIT and line is not None and (line.say or (line.place and standing.speak_while_waiting)):
        waiting = library.say(line.say or "system.still_waiting", situation, position=line.place)
        return [Part.of(waiting, "system")]
    if plan.step is Step.ASIDE:
        if answered is not None and answered.parts and not answered.handoff:
            return list(answered.parts)
        return [Part.of(library.say("system.still_waiting", situation, position=line.place if line else 1), "system")]
    if plan.step is not Step.ASSIST:
        return []
    parts = list(answered.parts) if answered else []
    if inbound.channel is not Channel.IVR and any(part.more for part in parts):
        # On the phone the call flow offers the rest itself.
        parts.append(Part.of(library.say("system.more_prompt", situation), "system"))
    if answered is None or answered.handoff:
        parts.append(_to_a_person(library, situation, line or InLine(1)))
    return parts


def _back_where_they_were(library: Library, situation: Situation, standing: Around) -> list[Part]:
    """After "not an emergency": nothing where an agent answers in person, else the place in line or the question that was open."""
    if standing.owner == Owner.AGENT:
        return []
    parts = [Part.of(library.say(_released(standing), situation), "system")]
    if standing.released_card in QUIET_CARDS:
        return parts
    if standing.line is not None and standing.line.place:
        parts.append(Part.of(library.say("system.still_waiting", situation, position=standing.line.place), "system"))
    elif standing.pending is not None:
        lines = "\n".join(f"{number}. {label}" for number, label in enumerate(standing.options, 1))
        again = library.say(standing.pending, situation, options=lines)
        if not again.missing:
            parts.append(Part.of(again, "system"))
    return parts


def _to_a_person(library: Library, situation: Situation, line: InLine) -> Part:
    """The one honest text of a handoff: nobody there, or the place with the wait as far as it was measured."""
    if line.later:
        said = library.say("system.handoff_after_hours", situation)
    elif line.minutes is None:
        said = library.say("system.handoff", situation, position=line.place or 1)
    elif line.minutes > LONGEST_WAIT:
        said = library.say("system.handoff_long", situation, position=line.place or 1)
    else:
        said = library.say("system.handoff_wait", situation, position=line.place or 1, minutes=line.minutes)
    if said.missing:
        # A city that took one of these texts back still tells who asks for a person that one is coming.
        said = library.say("system.handoff", situation, position=line.place or 1)
    return Part.of(said, "system")


def static_reply(library: Library, *, inbound: Inbound, decision: Decision, language: str, now: datetime) -> Reply:
    """The last step down: what is said when nothing can be stored. A card for an emergency, else one bilingual text with the
    911 line; the card is followed by the English one when another language was only guessed."""
    situation = Situation(language=language, channel=inbound.channel.words, now=now)
    hard = decision.level in (Level.HARD, Level.CRISIS)
    parts = [Part.of(library.say("system.static", situation), "safety")]
    if hard:
        said = [situation] if language in ("en", inbound.language) else [situation, replace(situation, language="en")]
        parts = [*(Part.of(library.say(card_id(decision.card, library), each), "card") for each in said), *parts]
    outcome = {Level.HARD: Outcome.EMERGENCY_911, Level.CRISIS: Outcome.CRISIS_988}.get(decision.level, Outcome.REPROMPT)
    return Reply(
        outcome=outcome,
        parts=tuple(parts),
        language=situation.language,
        level=decision.level.value,
        category=decision.category,
        engine="static",
    )
