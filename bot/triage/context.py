"""What the conversation before a message adds: the latch after an emergency, and short answers to our own question."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.triage.decision import Decision, Level, card_for
from bot.triage.normalise import Normal

SHORT_WORDS = 6
"""Messages up to this many words are also read together with the message before."""


def _phrases(listed: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in listed.split(";"))


_ALL_CLEAR = _phrases("""
    2; a salvo; all good; dos; estamos a salvo; estamos bien; estoy a salvo; estoy bien; falsa alarma; false alarm; i am
    fine; i am ok; i am okay; i am safe; it is not an emergency; nah; never mind; nevermind; no; no danger; no
    emergency; no es emergencia; no es una emergencia; no gracias; no hay peligro;
    no i am fine; no i am ok; no i am safe; no thanks; nope; not an emergency; not in danger; ok now; safe; this is not
    an emergency; todo bien; two; we are fine; we are ok; we are safe
""")
_YES = _phrases("""
    afirmativo; ayuda; claro; emergencia; emergency; estoy en peligro; help; hurry; i am; i am not ok; i am not okay;
    i am not safe; in danger; no estamos bien; no estoy a salvo; no estoy bien; not ok; not okay; not safe; please; por favor;
    right now; si; si ayuda; si emergencia; si estamos; si estoy; si por favor; si rapido; simon; sip; y; ya; yea; yeah;
    yep; yes; yes danger; yes emergency; yes help; yes hurry; yes i am; yes please; yes we are; yup
""")
_CANNOT_TALK = _phrases("""
    1; cant; cant call; cant speak; cant talk; i cant; i cant call; i cant speak; i cant talk; no puedo; no puedo
    hablar; no puedo llamar; one; uno
""")
_ONLY_AS_ANSWER = _phrases("no; nah; nope; no thanks; no gracias")
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


def plain_answer(normal: Normal) -> str:
    """The words of a short answer. "No, estoy bien" is "estoy bien"; "no estoy bien" is the danger itself, and what was spoken,
    which has no comma, counts as that."""
    clauses = [" ".join(clause) for sentence in normal.sentences for clause in sentence.clauses()]
    return " ".join(clauses[1:]) if len(clauses) > 1 and clauses[0] == "no" else normal.text


def answer_to_card(plain: str, context: Context) -> Decision | None:
    """Read a short answer to our own question; anything longer is read like every message."""
    if context.asked in _QUESTIONS:
        if plain in _CANNOT_TALK:
            return Decision(Level.HARD, "silent_danger", card_for(Level.HARD, "silent_danger"), ("answer: cannot talk",))
        if plain in _YES:
            return Decision(Level.HARD, "unclear", card_for(Level.HARD, "unclear"), ("answer: in danger",))
    if (context.latched or context.asked is not None) and plain in _ALL_CLEAR:
        if context.asked is None and plain in _ONLY_AS_ANSWER:
            return None
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
