"""The small language in which the pattern files are written, and a fast matcher for many phrases at once.

A phrase is a row of words between spaces. `word*` matches a beginning, `(a|b c)` one of several, `{group}` a named
list of words, `?` behind a word, bracket or group makes it optional, `#` is a number in digits or words, `..` allows up
to three words between, `...` up to seven, `^` and `$` are the beginning and end of the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|"
    "eighty|ninety|hundred|uno|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|quince|veinte|treinta|cuarenta|"
    "cincuenta|cien"
)
_GAPS = {"..": r"(?:\S+ ){0,3}", "...": r"(?:\S+ ){0,7}"}
_ELEMENT = re.compile(r"\([^)]*\)\??|\{[^}]*\}\??|\S+")
_PREFIX = 3

Payload = TypeVar("Payload")


class PhraseError(ValueError):
    """A phrase in a pattern file cannot be read."""


@dataclass(frozen=True)
class Phrase:
    """One phrase and the words of which one must be there for it to match."""

    source: str
    expression: str
    keys: frozenset[str]

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The expression, compiled when a message first has one of the words: most phrases wait long for theirs."""
        return re.compile(self.expression)


def compile_phrase(source: str, groups: Mapping[str, Iterable[str]]) -> Phrase:
    """Compile one phrase; a phrase that names no word at all is refused."""
    parts: list[str] = []
    anchors: list[frozenset[str]] = []
    for element in _ELEMENT.findall(source):
        if element in _GAPS:
            parts.append(_GAPS[element])
        elif element in ("^", "$"):
            parts.append(r"(?<=^ )" if element == "^" else r"$")
        else:
            optional = element.endswith("?")
            alternatives = _alternatives(element.removesuffix("?"), groups, source)
            body = "|".join(_word_pattern(alternative) for alternative in alternatives)
            parts.append(f"(?:{body}){'?' if optional else ''}")
            if not optional and "#" not in alternatives:
                anchors.append(frozenset(_key(alternative) for alternative in alternatives))
    if not anchors:
        raise PhraseError(f"no word to find the phrase by: {source!r}")
    return Phrase(source, "(?<= )" + "".join(parts), min(anchors, key=len))


def vocabulary(source: str, groups: Mapping[str, Iterable[str]]) -> set[str]:
    """The whole words that a phrase mentions, for the correction of typing errors."""
    words: set[str] = set()
    for element in _ELEMENT.findall(source):
        if element not in _GAPS and element not in ("^", "$"):
            for alternative in _alternatives(element.removesuffix("?"), groups, source):
                words.update(word for word in alternative.split() if word.isalpha())
    return words


def _alternatives(element: str, groups: Mapping[str, Iterable[str]], source: str) -> list[str]:
    if "" in element[1:-1].replace("(", "|(|").split("|") and element[0] == "(":
        raise PhraseError(f"an empty or nested alternative in {source!r}")
    if element.startswith("{"):
        name = element[1:-1]
        if name not in groups:
            raise PhraseError(f"unknown group {name!r} in {source!r}")
        return list(groups[name])
    if element.startswith("("):
        found: list[str] = []
        for choice in element[1:-1].split("|"):
            found.extend(groups[choice[1:-1]] if choice.startswith("{") else [choice.strip()])
        return found
    return [element]


def _word_pattern(words: str) -> str:
    return "".join(_one_word(word) for word in words.split())


def _one_word(word: str) -> str:
    if word == "#":
        return rf"(?:\d+\w*|{NUMBER_WORDS}) "
    if word.endswith("*"):
        return re.escape(word[:-1]) + r"\S* "
    return re.escape(word) + " "


def _key(alternative: str) -> str:
    word = max(alternative.split(), key=len)
    if word.endswith("*"):
        if len(word) <= _PREFIX:
            raise PhraseError(f"a beginning needs {_PREFIX} letters: {word!r}")
        return word[:_PREFIX] + "*"
    return word


@dataclass(frozen=True)
class Match(Generic[Payload]):
    """Where a phrase was found, in word positions of the sentence; the end is exclusive."""

    payload: Payload
    source: str
    begin: int
    end: int


class PhraseIndex(Generic[Payload]):
    """Finds all phrases in a sentence, looking only at those of which a word is there."""

    def __init__(self) -> None:
        self._by_key: dict[str, list[tuple[Phrase, Payload]]] = {}

    def add(self, phrase: Phrase, payload: Payload) -> None:
        """Add one phrase with what it stands for."""
        for key in phrase.keys:
            self._by_key.setdefault(key, []).append((phrase, payload))

    def __iter__(self) -> Iterator[Phrase]:
        return (phrase for phrases in self._by_key.values() for phrase, _payload in phrases)

    def warm_up(self) -> None:
        """Compiles every phrase, so that no message waits for it."""
        for phrase in self:
            _ = phrase.regex

    def find(self, words: tuple[str, ...], wanted: Callable[[Payload], bool] | None = None) -> list[Match[Payload]]:
        """Every phrase that matches, each at every place where it does."""
        keys = {*words, *(word[:_PREFIX] + "*" for word in words)}
        text = f" {' '.join(words)} "
        seen: set[int] = set()
        found: list[Match[Payload]] = []
        for key in sorted(keys & self._by_key.keys()):
            for phrase, payload in self._by_key[key]:
                if id(phrase) in seen or (wanted is not None and not wanted(payload)):
                    continue
                seen.add(id(phrase))
                for match in phrase.regex.finditer(text):
                    if match.end() == match.start():
                        continue
                    begin = text.count(" ", 0, match.start()) - 1
                    end = begin + text.count(" ", match.start(), match.end())
                    found.append(Match(payload, phrase.source, begin, end))
        return found
