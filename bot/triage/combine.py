"""Puts patterns and classifier together into one level and one category."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.triage.decision import Decision, Level, card_for
from bot.triage.reading import Hit, Reading

_FIRST: tuple[str, ...] = (
    "silent_danger", "suicide", "self_harm", "carbon_monoxide", "gas", "wire", "breathing", "cardiac", "drowning", "vehicle_water",
    "shooting", "weapon", "stroke", "bleeding", "poisoning", "childbirth", "seizure", "explosion", "fire", "smoke", "hazmat",
    "collapse", "trapped", "intruder", "kidnapping", "domestic_violence", "assault", "missing_person", "medical_power", "unclear",
    "asks_911",
)  # fmt: skip
_RANK = {name: rank for rank, name in enumerate(_FIRST)}
_SOFTEN_911 = frozenset({"over_now", "past", "news"})
_REASSURING = frozenset({"over_now", "past", "negated"})
_ABOUT_911 = "seeks_information"
_DOUBTED = frozenset({"news", "practice", "over_now", "about_someone_in_general"})


PART_HARD = 0.9
PART_SOFT = 0.7
"""Chances of an emergency in the worst part of a long message that make the whole HARD, and SOFT. They were chosen on long training
messages (docs/triage.md)."""


@dataclass(frozen=True)
class Thresholds:
    """Probabilities of an emergency above which each kind of evidence makes a message HARD, and those of SOFT and CRISIS.

    `sure` is lower than `alone`: a firm pattern needs less of the classifier's agreement. `doubted` holds for the
    classifier alone where the message reads as news, practice or a matter that is over.
    """

    sure: float = 0.02
    cue: float = 0.25
    vetoed: float = 0.9
    alone: float = 0.6
    doubted: float = 0.9
    soft: float = 0.45
    crisis: float = 0.5


@dataclass(frozen=True)
class Scores:
    """What the classifier says: probabilities of the levels, and of the categories among emergencies.

    `looked_twice` says that the first look was in doubt and a second one decided; `cut_short` that it was in doubt and no second
    one came in time. `worst_part` are the words of a long message that look most like an emergency.
    """

    hard: float
    crisis: float
    soft: float
    categories: Mapping[str, float]
    looked_twice: bool = False
    cut_short: bool = False
    worst_part: str = ""

    @property
    def danger(self) -> float:
        """The probability that the message is anything but ordinary."""
        return self.hard + self.crisis + self.soft


def combine(reading: Reading, scores: Scores | None, thresholds: Thresholds) -> Decision:
    """Decide on one message; without scores the patterns decide alone, and then a cue counts as an emergency."""
    hard = [hit for hit in reading.of("sure") if _counts_as_hard(hit, reading, scores, thresholds)]
    hard += [hit for hit in reading.of("cue") if hit.firm and (scores is None or scores.hard >= thresholds.cue)]
    vetoes = tuple(dict.fromkeys(name for hit in reading.hits for name in hit.vetoes))
    score = math.nan if scores is None else scores.hard
    if hard:
        return _decision(Level.HARD, _category(hard, scores), hard, vetoes, score)

    lone_plea = [hit for hit in reading.of("soft") if hit.firm and _says_no_more(hit, reading)]
    if lone_plea:
        return _decision(Level.SOFT, "unclear", lone_plea, vetoes, score)
    if scores is not None and scores.hard >= (thresholds.doubted if _doubtful(reading) else thresholds.alone):
        return _decision(Level.HARD, _category([], scores), [], vetoes, score)

    crisis = [hit for hit in reading.of("crisis") if hit.firm]
    if crisis or (scores is not None and scores.crisis >= thresholds.crisis):
        return _decision(Level.CRISIS, crisis[0].rule.category if crisis else "suicide", crisis, vetoes, score)

    softened = [hit for hit in reading.of("sure", "soft", "crisis") if not hit.masked]
    if scores is None:
        softened += [hit for hit in reading.of("cue") if not hit.masked]
    if softened:
        return _decision(Level.SOFT, _category(softened, scores), softened, vetoes, score)
    if scores is not None and scores.danger >= thresholds.soft:
        cues = [hit for hit in reading.of("cue") if not hit.masked]
        return _decision(Level.SOFT, _category(cues, scores) if cues else None, cues, vetoes, score)
    return Decision(Level.NONE, vetoes=vetoes, score=score)


def with_part(whole: Decision, part: Decision) -> Decision:
    """What a long message comes to when its worst part, read as a message of its own, is an emergency: ordinary talk around a
    clause hides it. It takes more to be HARD than for a whole message, and less to be said the safety line."""
    if part.level is not Level.HARD or not part.score >= PART_SOFT:
        return whole
    if part.score >= PART_HARD:
        return replace(part, evidence=(*part.evidence, "one part"), vetoes=whole.vetoes)
    if whole.level is not Level.NONE:
        return whole
    return replace(whole, level=Level.SOFT, card=card_for(Level.SOFT, None), evidence=("one part",))


def towards_danger(decision: Decision) -> Decision:
    """What a doubt that nobody could settle comes to: no less than the safety line."""
    evidence = (*decision.evidence, "no second look in time")
    if decision.level is not Level.NONE:
        return replace(decision, evidence=evidence)
    return replace(decision, level=Level.SOFT, card=card_for(Level.SOFT, None), evidence=evidence)


def reassures(decision: Decision) -> bool:
    """Whether a softened message itself says that the danger is over or being looked after."""
    return bool(_REASSURING & set(decision.vetoes))


def _says_no_more(hit: Hit, reading: Reading) -> bool:
    """Whether a bare call for help, or an address, is nearly all there is."""
    return hit.rule.source.startswith("^") and hit.end - hit.begin >= 0.6 * len(reading.normal.words)


def _doubtful(reading: Reading) -> bool:
    return not reading.urgent and bool(_DOUBTED & set(reading.vetoes))


def _counts_as_hard(hit: Hit, reading: Reading, scores: Scores | None, thresholds: Thresholds) -> bool:
    if hit.masked:
        return scores is not None and scores.hard >= thresholds.alone
    if hit.vetoes and not (hit.rule.category == "asks_911" and not _SOFTEN_911 & set(hit.vetoes)):
        return scores is not None and scores.hard >= thresholds.vetoed
    if hit.rule.category == "silent_danger" or scores is None:
        return True
    # "What is the difference between 911 and 311?" gets its answer and the safety line; all else that names 911 gets 911 first.
    if hit.rule.category == "asks_911":
        return _ABOUT_911 not in reading.vetoes or scores.hard + scores.crisis >= thresholds.vetoed
    return scores.hard + scores.crisis >= thresholds.sure


def _category(hits: list[Hit], scores: Scores | None) -> str:
    names = {hit.rule.category for hit in hits}
    if "silent_danger" in names:
        return "silent_danger"
    if not names:
        return max(scores.categories, key=scores.categories.__getitem__) if scores else "unclear"
    sure = {hit.rule.category for hit in hits if hit.rule.strength == "sure"} or names
    specific = sure - {"asks_911", "unclear"} or sure
    if scores is not None:
        return max(sorted(specific, key=_RANK.__getitem__), key=lambda name: scores.categories.get(name, 0.0))
    return min(specific, key=_RANK.__getitem__)


def _decision(level: Level, category: str | None, hits: list[Hit], vetoes: tuple[str, ...], score: float) -> Decision:
    evidence = tuple(dict.fromkeys(f"{hit.rule.category}: {hit.words}" for hit in hits))[:8]
    return Decision(
        level=level,
        category=category,
        card=card_for(level, category),
        evidence=evidence or ("classifier",),
        vetoes=vetoes,
        score=score,
    )
