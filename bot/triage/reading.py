"""What the patterns find in a message: hits, each with the vetoes that soften it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.triage.normalise import Normal, Sentence
from bot.triage.phrases import Match
from bot.triage.rules import Rule, Rules, Veto

MASKED_SHARE = 0.5
"""A hit of which a figure of speech covers this share of the words is masked."""

UNMASKED = frozenset({"medical_power"})
"""Categories that no figure of speech hides: a dying battery is another matter on a ventilator."""


@dataclass(frozen=True)
class Hit:
    """One pattern that matched, where, and what speaks against it."""

    rule: Rule
    sentence: int
    begin: int
    end: int
    words: str
    vetoes: tuple[str, ...]
    masked: bool

    @property
    def firm(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.vetoes and not self.masked


@dataclass(frozen=True)
class Reading:
    """Everything the patterns say about a message."""

    normal: Normal
    hits: tuple[Hit, ...]
    vetoes: tuple[str, ...]
    urgent: bool
    ongoing: bool

    def of(self, *strengths: str) -> list[Hit]:
        """The hits of these strengths, in order."""
        return [hit for hit in self.hits if hit.rule.strength in strengths]


def read(normal: Normal, rules: Rules) -> Reading:
    """Match all patterns sentence by sentence, then see which vetoes reach which hits."""
    found: list[tuple[int, list[Match[Rule]], list[Match[Veto]], list[Match[str]], list[Match[str]]]] = []
    for number, sentence in enumerate(normal.sentences):
        words = sentence.words
        vetoes = [match for match in rules.vetoes.find(words) if not _turned_around(match, sentence)]
        found.append((number, rules.hits.find(words), vetoes, rules.masks.find(words), rules.markers.find(words)))
    everywhere = [match.payload for _, _, vetoes, _, _ in found for match in vetoes if match.payload.scope == "message"]
    hits: list[Hit] = []
    for number, matches, vetoes, masks, markers in found:
        sentence = normal.sentences[number]
        for match in matches:
            masked = match.payload.category not in UNMASKED and _covered(match, masks) >= MASKED_SHARE
            names = () if masked else _softened_by(match, sentence, vetoes, everywhere, markers)
            hits.append(
                Hit(
                    rule=match.payload,
                    sentence=number,
                    begin=match.begin,
                    end=match.end,
                    words=" ".join(sentence.words[match.begin : match.end]),
                    vetoes=names,
                    masked=masked,
                )
            )
    return Reading(
        normal=normal,
        hits=tuple(hits),
        vetoes=tuple(dict.fromkeys(match.payload.name for _, _, vetoes, _, _ in found for match in vetoes)),
        urgent=any(match.payload == "urgent" for *_, markers in found for match in markers),
        ongoing=any(match.payload == "ongoing" for *_, markers in found for match in markers),
    )


def _turned_around(veto: Match[Veto], sentence: Sentence) -> bool:
    before = veto.begin - 1
    return (
        before >= 0
        and sentence.words[before] in veto.payload.not_after
        and sentence.clause_of(before) == sentence.clause_of(veto.begin)
    )


def _covered(match: Match[Rule], masks: list[Match[str]]) -> float:
    words = {word for mask in masks for word in range(max(mask.begin, match.begin), min(mask.end, match.end))}
    return len(words) / max(1, match.end - match.begin)


def _softened_by(
    hit: Match[Rule],
    sentence: Sentence,
    vetoes: list[Match[Veto]],
    everywhere: list[Veto],
    markers: list[Match[str]],
) -> tuple[str, ...]:
    clauses = _clauses(hit, sentence)
    present = {marker.payload for marker in markers if clauses & _clauses(marker, sentence)}
    reaching = [match.payload for match in vetoes if _reaches(match, clauses, sentence)]
    return tuple(
        dict.fromkeys(
            veto.name
            for veto in (*reaching, *everywhere)
            if not veto.stopped_by & present and hit.payload.category not in veto.spares
        )
    )


def _reaches(veto: Match[Veto], clauses: set[int], sentence: Sentence) -> bool:
    own = _clauses(veto, sentence)
    if veto.payload.scope == "clause":
        return bool(own & clauses)
    if veto.payload.scope == "forward":
        return min(own) <= max(clauses)
    return True


def _clauses(match: Match[Rule] | Match[Veto] | Match[str], sentence: Sentence) -> set[int]:
    return {sentence.clause_of(position) for position in range(match.begin, match.end)}
