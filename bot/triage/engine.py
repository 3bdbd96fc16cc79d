"""The triage engine: text in, decision out, in milliseconds, without Rasa, database or network."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from bot.triage.classifier import Classifier, ModelError
from bot.triage.combine import Thresholds, combine, reassures, towards_danger, with_part
from bot.triage.context import SHORT_WORDS, Context, answer_to_card, latch, plain_answer
from bot.triage.decision import SAFETY_LINE, Decision, Level, card_for
from bot.triage.normalise import Normal, fold, normalise
from bot.triage.reading import read
from bot.triage.rules import Rules, shipped_rules

__all__ = ["Context", "TriageEngine"]

_log = logging.getLogger(__name__)
_KEYS_911 = re.compile(r"911")
_AGAIN_911 = re.compile(r"(?:911)+")
_ONLY_DIGITS = re.compile(r"[\d\s#*.,-]+")
_ONE_LETTER = re.compile(r"\W*([^\W\d_])(?:\W*\1){5,}\W*")
"""A key that was held down: no words to tell what it is, like silence."""
_REMEMBERED = 128
"""Texts whose reading is kept: a turn asks once before and once after its conversation is known."""
_SYMBOL = re.compile(r"[^\w\s.,!?;:'\"()\[\]{}<>/\\|@#$%^&*+=~`-]")


class TriageEngine:
    """Assesses messages with the shipped patterns and, when there is one, the trained classifier."""

    def __init__(self, rules: Rules, classifier: Classifier | None) -> None:
        self._rules = rules
        self._classifier = classifier
        self._normal = lru_cache(_REMEMBERED)(lambda text: normalise(text, rules.spelling))
        self._alone = lru_cache(_REMEMBERED)(self._judge)

    @classmethod
    def load(cls, model_path: Path | None, *, patience: float | None = None) -> TriageEngine:
        """Load the patterns and the model; a missing or broken model leaves the patterns, which then decide more widely.

        `patience` is how many seconds a second look may take where somebody waits; without it every look is finished, so that
        a test or a training always gives the same."""
        classifier = None
        if model_path is not None:
            try:
                classifier = Classifier.load(model_path, patience=patience)
            except ModelError:
                classifier = None
        return cls(shipped_rules(), classifier)

    def warm_up(self) -> None:
        """Gets ready what is otherwise made when a message first needs it."""
        self._rules.warm_up()

    @property
    def degraded(self) -> bool:
        """Whether the classifier is missing, so that patterns decide alone."""
        return self._classifier is None

    def assess(self, text: str, *, context: Context = Context()) -> Decision:  # noqa: B008  (frozen)
        """Decide on one message; never raises, and falls back towards caution."""
        try:
            return self._assess(text, context, self._classifier)
        except Exception:
            _log.exception("triage: the classifier failed, patterns decide")
        return self.by_patterns(text, context=context)

    def hears_what_was_before(self, text: str, context: Context) -> bool:
        """Whether the context may change the decision on a message; else the one that was made without it stands."""
        if context.latched or context.asked or context.keys:
            return True
        try:
            return bool(context.previous_text) and len(self._normal(text).words) <= SHORT_WORDS
        except Exception:
            _log.exception("triage: the message could not be read, the whole context is looked at")
            return True

    def by_patterns(self, text: str, *, context: Context = Context()) -> Decision:  # noqa: B008  (frozen)
        """Decide on one message without the classifier, where it failed or was too slow; never raises."""
        try:
            return self._assess(text, context, None)
        except Exception:
            _log.exception("triage: the patterns failed, the safety line is said")
            return Decision(Level.SOFT, None, SAFETY_LINE, ("triage failed",))

    def _assess(self, text: str, context: Context, classifier: Classifier | None) -> Decision:
        if context.keys:
            return _keys(text, context)
        normal = self._normal(text)
        answered = answer_to_card(plain_answer(normal), context)
        if answered is not None:
            return answered
        if not normal.words:
            decision = _no_words(text)
        elif _ONLY_DIGITS.fullmatch(normal.text):
            decision = _digits(normal)
        elif _ONE_LETTER.fullmatch(fold(text)):
            decision = _unclear("one letter")
        else:
            decision = self._of_words(text, normal, context, classifier)
        return latch(decision, is_reassuring=reassures(decision)) if context.latched else decision

    def _of_words(self, text: str, normal: Normal, context: Context, classifier: Classifier | None) -> Decision:
        decision = self._alone(text, classifier)
        before = context.previous_text
        if (
            decision.level is not Level.HARD
            and before
            and len(normal.words) <= SHORT_WORDS
            and not self._settled(context, classifier)
        ):
            decision = self._with_previous(normal, before, decision)
        if decision.level is Level.NONE and normal.shouting and normal.pleading and len(normal.words) <= SHORT_WORDS:
            return _unclear("shouting")
        return decision

    def _settled(self, context: Context, classifier: Classifier | None) -> bool:
        """True when the message before was an emergency by itself: the latch says the 911 line to what follows, and "agent" after
        "we cannot get out" is a wish for a person."""
        return context.latched and self._alone(context.previous_text or "", classifier).level is Level.HARD

    def _judge(self, text: str, classifier: Classifier | None) -> Decision:
        reading = read(self._normal(text), self._rules)
        if classifier is None:
            return combine(reading, None, Thresholds())
        scores = classifier.score(reading, text)
        decision = combine(reading, scores, classifier.thresholds_for(scores))
        cut_short = scores.cut_short
        if scores.worst_part and decision.level in (Level.NONE, Level.SOFT):
            part = read(self._normal(scores.worst_part), self._rules)
            alone = classifier.score(part, scores.worst_part)
            decision = with_part(decision, combine(part, alone, classifier.thresholds_for(alone)))
            cut_short = cut_short or alone.cut_short
        if cut_short:
            return towards_danger(decision)
        return replace(decision, evidence=(*decision.evidence, "second look")) if scores.looked_twice else decision

    def _with_previous(self, normal: Normal, previous_text: str, alone: Decision) -> Decision:
        """Read a fragment together with the message before: "my dad" and then "wont wake up"."""
        before = normalise(previous_text, self._rules.spelling).words[-12:]
        joined = normalise(" ".join((*before, *normal.words)), self._rules.spelling)
        spanning = [
            hit
            for hit in read(joined, self._rules).of("sure")
            if hit.firm and len(joined.sentences) == 1 and hit.begin < len(before) < hit.end
        ]
        if not spanning:
            return alone
        category = spanning[0].rule.category
        evidence = tuple(f"{hit.rule.category}: {hit.words}" for hit in spanning[:4])
        return replace(
            alone, level=Level.HARD, category=category, card=card_for(Level.HARD, category), evidence=(*evidence, "two messages")
        )


def _no_words(text: str) -> Decision:
    """Nothing in Latin letters: another script cannot be read here, a picture sign is harmless, silence may be distress."""
    if any(letter.isalpha() for letter in text):
        return Decision(Level.SOFT, None, SAFETY_LINE, ("another script",))
    return Decision(Level.NONE) if _SYMBOL.search(fold(text)) else _unclear("no words")


def _digits(normal: Normal) -> Decision:
    """Digits alone are a choice, a ZIP code or a telephone number, unless they are 911, once or again and again."""
    if "911" in normal.words or _AGAIN_911.fullmatch("".join(normal.words)):
        return Decision(Level.HARD, "asks_911", card_for(Level.HARD, "asks_911"), ("asks_911: 911",))
    return Decision(Level.NONE)


def _unclear(why: str) -> Decision:
    return Decision(Level.SOFT, "unclear", card_for(Level.SOFT, "unclear"), (why,))


def _keys(text: str, context: Context) -> Decision:
    """Telephone keys: 911 anywhere is a call for 911; many keys without sense are a sign of distress."""
    digits = re.sub(r"\D", "", text)
    if _KEYS_911.search(digits):
        return Decision(Level.HARD, "asks_911", card_for(Level.HARD, "asks_911"), ("keys: 911",))
    answered = answer_to_card(digits, context)
    if answered is not None:
        return answered
    if len(digits) > 12:
        return _unclear("keys: many")
    decision = Decision(Level.NONE)
    return latch(decision, is_reassuring=False) if context.latched else decision
