"""A message as plain words, and the concepts that its words stand for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

LONGEST_TEXT: Final = 600
"""Characters that are read of one text; the sentence encoder reads no more either."""
CONCEPTS: Final = Path(__file__).with_name("concepts.yml")

_LINK: Final = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\S+")
_MARKUP: Final = re.compile(r"<[^<>]{0,200}>|&[a-z]{2,8};|[{}\[\]<>|\\]")
_WORD: Final = re.compile(r"[^\W\d_]+|\d+")
_DRAWN: Final = re.compile(r"([a-z])\1{2,}")
_QUOTES: Final = re.compile(r"['\u2018\u2019\u02bc\u00b4`]")
_LINES: Final = frozenset({"0", "911", "311", "211", "511", "711", "811", "988", "411"})
"""Short numbers with a meaning of their own; every other number counts only by its length."""
_DIGIT: Final = "5"
_SHORT_FORMS: Final = {
    "u": "you", "ur": "your", "r": "are", "pls": "please", "plz": "please", "wats": "whats", "wat": "what", "wut": "what",
    "wen": "when", "abt": "about", "bc": "because", "cuz": "because", "tmrw": "tomorrow", "tmr": "tomorrow", "tonite": "tonight",
    "ppl": "people", "w": "with", "wo": "without", "thru": "through", "hw": "how",
    "q": "que", "k": "que", "ke": "que", "xq": "porque", "pq": "porque", "x": "por", "xfa": "porfavor", "porfa": "porfavor",
    "d": "de", "tb": "tambien", "tmb": "tambien", "bn": "bien", "dnd": "donde", "aser": "hacer", "kiero": "quiero", "lus": "luz",
}  # fmt: skip
_ONE_LETTER_KEPT: Final = frozenset({"k", "d", "x", "w"})


def fold(text: str) -> str:
    """Lower case, without accents, links, markup and apostrophes."""
    text = text[:LONGEST_TEXT]
    text = _QUOTES.sub("", _MARKUP.sub(" ", _LINK.sub(" ", text)))
    text = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in text if not unicodedata.combining(letter))


def readable(text: str) -> str:
    """The text as the sentence encoder reads it: without links and markup, and no longer than it reads."""
    return " ".join(_MARKUP.sub(" ", _LINK.sub(" ", text[:LONGEST_TEXT])).split())


def words(text: str) -> list[str]:
    """The words of a text in plain form: shorthand written out, drawn-out letters shortened, numbers by their length."""
    found = _WORD.findall(fold(text))
    alone = len(found) == 1
    return [_plain(word, alone=alone) for word in found]


def _plain(word: str, *, alone: bool) -> str:
    if word.isdecimal():
        return word if word in _LINES else _DIGIT * min(len(word), 9)
    if not (alone and word in _ONE_LETTER_KEPT):
        word = _SHORT_FORMS.get(word, word)
    return _DRAWN.sub(r"\1\1", word)


def pieces(word: str) -> tuple[str, ...]:
    """Runs of two to five letters of a word, with its edges marked: what two spellings of a word share."""
    edged = f" {word[:40]} "
    return tuple(edged[start : start + length] for length in range(2, 6) for start in range(len(edged) - length + 1)) or (edged,)


class Concepts:
    """Finds which concepts the words of a message stand for: `perro`, `puppy` and `mascota` are all `pet`."""

    def __init__(self, table: Mapping[str, Iterable[str]]) -> None:
        self.table = {name: tuple(phrases) for name, phrases in table.items()}
        self._whole: dict[str, set[str]] = {}
        self._begins: dict[str, set[str]] = {}
        self._phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for name, phrases in self.table.items():
            for phrase in phrases:
                parts = tuple(phrase.split())
                if len(parts) > 1:
                    self._phrases.setdefault(parts[0], []).append((parts, name))
                elif phrase.endswith("*"):
                    self._begins.setdefault(phrase[:-1], set()).add(name)
                else:
                    self._whole.setdefault(phrase, set()).add(name)

    @classmethod
    def shipped(cls) -> Concepts:
        """The concepts of `concepts.yml`."""
        return cls(yaml.safe_load(CONCEPTS.read_text("utf-8"))["concepts"])

    @property
    def vocabulary(self) -> frozenset[str]:
        """Every word that is part of a concept."""
        return frozenset(word.rstrip("*") for phrases in self.table.values() for phrase in phrases for word in phrase.split())

    def of(self, tokens: Sequence[str]) -> list[str]:
        """The concepts in the order in which they first appear, each once."""
        found: dict[str, None] = {}
        for position, token in enumerate(tokens):
            for name in sorted(self._of_word(token)):
                found.setdefault(name)
            for parts, name in self._phrases.get(token, ()):
                if _matches(parts, tokens[position : position + len(parts)]):
                    found.setdefault(name)
        return list(found)

    def _of_word(self, token: str) -> set[str]:
        names = set(self._whole.get(token, ()))
        for end in range(3, len(token) + 1):
            names |= self._begins.get(token[:end], set())
        return names


def _matches(parts: Sequence[str], tokens: Sequence[str]) -> bool:
    return len(parts) == len(tokens) and all(
        token.startswith(part[:-1]) if part.endswith("*") else token == part for part, token in zip(parts, tokens, strict=True)
    )
