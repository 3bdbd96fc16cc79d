"""Reads the pattern files into matchers; the files are data that reviewers can change without programming."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bot.triage.decision import CATEGORIES
from bot.triage.phrases import PhraseError, PhraseIndex, compile_phrase, vocabulary
from bot.triage.spelling import Spelling

PATTERNS = Path(__file__).parent / "patterns"
STRENGTHS = ("sure", "cue", "soft", "crisis")


@dataclass(frozen=True)
class Rule:
    """One pattern of a category; `strength` says how much it proves."""

    category: str
    strength: str
    source: str


@dataclass(frozen=True)
class Veto:
    """One way in which a message turns out not to speak of danger now.

    `scope` is how far it reaches (clause, forward, sentence, message), `stopped_by` the markers of present danger that
    take its force, `spares` the categories it never softens, `not_after` the words right before it in a clause that turn it
    around: "no estoy bien".
    """

    name: str
    scope: str
    stopped_by: frozenset[str]
    spares: frozenset[str]
    not_after: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rules:
    """All pattern files, ready for matching."""

    hits: PhraseIndex[Rule]
    masks: PhraseIndex[str]
    vetoes: PhraseIndex[Veto]
    markers: PhraseIndex[str]
    spelling: Spelling
    veto_names: tuple[str, ...]

    def warm_up(self) -> None:
        """Compiles what is otherwise compiled when a message first needs it."""
        for index in (self.hits, self.masks, self.vetoes, self.markers):
            index.warm_up()


@cache
def shipped_rules() -> Rules:
    """The rules that ship with the package, read once in a process."""
    return read_rules(PATTERNS)


def read_rules(folder: Path) -> Rules:
    """Read every pattern file of a folder."""
    groups = {name: _flat(items) for name, items in _load(folder / "groups.yml")["groups"].items()}
    spelled: set[str] = set()

    def fill(index: PhraseIndex[Any], phrases: Iterable[str], payload: Any) -> None:
        for source in phrases:
            index.add(compile_phrase(str(source), groups), payload)
            spelled.update(vocabulary(str(source), groups))

    hits: PhraseIndex[Rule] = PhraseIndex()
    for path in sorted(folder.glob("*.yml")):
        for category, strengths in _load(path).get("categories", {}).items():
            if category not in CATEGORIES:
                raise PhraseError(f"{path.name}: unknown category {category!r}")
            for strength, languages in strengths.items():
                if strength not in STRENGTHS:
                    raise PhraseError(f"{path.name}: {category} has the unknown strength {strength!r}")
                for source in _phrases(languages):
                    fill(hits, [source], Rule(category, strength, source))
    danger_words = frozenset(spelled)

    written = _load(folder / "vetoes.yml")
    masks: PhraseIndex[str] = PhraseIndex()
    for source in _phrases(written["masks"]):
        fill(masks, [source], source)
    markers: PhraseIndex[str] = PhraseIndex()
    for name, languages in written["markers"].items():
        fill(markers, _phrases(languages), name)
    vetoes: PhraseIndex[Veto] = PhraseIndex()
    for name, entry in written["vetoes"].items():
        veto = Veto(
            name,
            entry["scope"],
            frozenset(entry["stopped_by"]),
            frozenset(entry.get("spares", ())),
            frozenset(entry.get("not_after", ())),
        )
        fill(vetoes, _phrases(entry), veto)

    return Rules(
        hits=hits,
        masks=masks,
        vetoes=vetoes,
        markers=markers,
        spelling=_spelling(_load(folder / "spelling.yml"), danger_words, spelled),
        veto_names=tuple(written["vetoes"]),
    )


def _spelling(written: Mapping[str, Any], danger_words: Iterable[str], known: Iterable[str]) -> Spelling:
    return Spelling(
        phrases={str(key): str(value) for key, value in written["phrases"].items()},
        words={str(key): str(value) for key, value in written["words"].items()},
        vocabulary=danger_words,
        known=[*known, *str(written["not_slips"]).replace(",", " ").split()],
        turns=written["turns"],
        joints=written["joints"],
    )


def _load(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as file:
        content = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (safe, and fast where libyaml is there)
    if not isinstance(content, dict):
        raise PhraseError(f"{path.name} holds no mapping")
    return content


def _phrases(languages: Mapping[str, Any]) -> list[str]:
    return [str(source) for language in ("en", "es") for source in languages.get(language, ())]


def _flat(items: Iterable[str]) -> list[str]:
    words = (word.strip() for item in items for word in str(item).split(","))
    return list(dict.fromkeys(word for word in words if word))
