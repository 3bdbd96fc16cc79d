"""How hard a text is to read, so that staff see it while they write.

English: Flesch-Kincaid grade (Kincaid and others, 1975). Spanish: the reading ease of Fernández Huerta (1959), placed on the grades
of the same scale of ease."""

from __future__ import annotations

import re
from typing import Final

from knowledge.rendering.placeholders import PLACEHOLDER
from knowledge.rendering.sentences import sentences

_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_VOWELS_EN: Final = re.compile(r"[aeiouy]+")
_SILENT: Final = re.compile(r"(?:[^laeiouy]e|[^dt]ed|es)$")
_EASE_TO_GRADE: Final = ((90, 5.0), (80, 6.0), (70, 7.0), (60, 9.0), (50, 11.0), (30, 13.0))


def grade(text: str, language: str) -> float:
    """The school grade in which a text is read with ease. Short words for placeholders stand in for their values."""
    plain = re.sub(r"https?://\S+|\]\([^)]*\)|[*#\[\]]", " ", PLACEHOLDER.sub("Bay", text))
    words = _WORD.findall(plain.casefold())
    if not words:
        return 0.0
    # A line of a list and a clause after a colon are read as sentences of their own.
    count = sum(len(sentences(part)) for line in plain.splitlines() for part in re.split(r"[:;]", line) if _WORD.search(part))
    a_sentence = len(words) / max(count, 1)
    if language == "es":
        ease = 206.84 - 60 * sum(map(_spanish, words)) / len(words) - 1.02 * a_sentence
        return next((level for least, level in _EASE_TO_GRADE if ease >= least), 16.0)
    return round(0.39 * a_sentence + 11.8 * sum(map(_english, words)) / len(words) - 15.59, 1)


def _english(word: str) -> int:
    groups = len(_VOWELS_EN.findall(word))
    return max(1, groups - bool(_SILENT.search(word) and groups > 1))


def _spanish(word: str) -> int:
    # A weak vowel glides into a strong neighbour, unless an accent parts them.
    return max(1, len(re.findall(r"[iuü]?[aeoáéó][iuy]?(?![íú])|[íú]|[iuü]+", word)))
