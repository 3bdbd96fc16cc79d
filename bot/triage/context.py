"""What the conversation before a message adds: the latch after an emergency, and short answers to our own question."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.triage.decision import Decision, Level, card_for

SHORT_WORDS = 6
"""Messages up to this many words are also read together with the message before."""

_ALL_CLEAR = frozenset({
    "2", "dos", "two", "no", "nope", "nah", "safe", "i am safe", "we are safe", "i am ok", "i am fine", "i am okay", "ok now", "no emergency",
    "not an emergency", "no danger", "not in danger", "no es emergencia", "no es una emergencia", "a salvo", "estoy a salvo",
    "estamos a salvo", "estoy bien", "estamos bien", "false alarm", "falsa alarma", "we are ok", "we are fine", "no hay peligro",
    "it is not an emergency", "this is not an emergency", "no i am safe", "no i am fine", "no i am ok", "no estoy bien gracias",
    "todo bien", "all good", "never mind", "nevermind", "no thanks", "no gracias", "no estoy bien",
})  # fmt: skip
_YES = frozenset({
    "yes", "y", "yeah", "yea", "yep", "yup", "ya", "si", "sip", "simon", "claro", "yes please", "si por favor", "yes i am", "i am", "yes we are",
    "in danger", "estoy en peligro", "si estoy", "si estamos", "yes danger", "yes help", "si ayuda", "please", "help", "ayuda", "hurry", "por favor",
    "yes hurry", "si rapido", "emergency", "emergencia", "yes emergency", "si emergencia", "afirmativo", "right now",
})  # fmt: skip
_CANNOT_TALK = frozenset({
    "1", "uno", "one", "cant talk", "i cant talk", "no puedo hablar", "cant call", "i cant call", "no puedo llamar", "cant speak", "i cant speak", "cant",
    "i cant", "no puedo",
})  # fmt: skip
_QUESTIONS = frozenset({"unclear", "silent"})


@dataclass(frozen=True)
class Context:
    """Where a message stands in its conversation.

    `latched`: an emergency was found before and nobody said it is over. `asked`: the card asked last, "unclear" for the question
    whether the resident is in danger, "emergency" for "not an emergency? reply 2". `keys`: the text is telephone keys.
    """

    latched: bool = False
    previous_text: str | None = None
    asked: str | None = None
    channel: str = "sms"
    keys: bool = False


def answer_to_card(plain: str, context: Context) -> Decision | None:
    """Read a short answer to our own question; anything longer is read like every message."""
    if context.asked in _QUESTIONS:
        if plain in _CANNOT_TALK:
            return Decision(Level.HARD, "silent_danger", card_for(Level.HARD, "silent_danger"), ("answer: cannot talk",))
        if plain in _YES:
            return Decision(Level.HARD, "unclear", card_for(Level.HARD, "unclear"), ("answer: in danger",))
    if (context.latched or context.asked is not None) and plain in _ALL_CLEAR:
        return Decision(Level.NONE, evidence=("answer: no emergency",))
    return None


def latch(decision: Decision, *, is_reassuring: bool) -> Decision:
    """After an emergency nothing counts as harmless: an ordinary message gets the safety line, a doubtful one the 911 line."""
    if decision.level is Level.NONE:
        return replace(decision, level=Level.SOFT, card=card_for(Level.SOFT, None), evidence=(*decision.evidence, "latch"))
    if decision.level is Level.SOFT and not is_reassuring:
        category = decision.category
        return replace(decision, level=Level.HARD, card=card_for(Level.HARD, category), evidence=(*decision.evidence, "latch"))
    return decision
