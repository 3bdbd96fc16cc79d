"""A text to be heard: no links or markup, numbers and abbreviations spoken, in chunks that a listener can hold."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from knowledge.rendering.sentences import cut
from knowledge.rendering.spoken_numbers import speak_numbers

MAX_WORDS: Final = 75
WORDS_A_MINUTE: Final = 150

_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_URL: Final = re.compile(r"<?\b(?:https?://|www\.)[^\s<>)]*[^\s<>).,;:!?]>?")
_EMAIL: Final = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b")
_MARKUP: Final = re.compile(r"[*_#`<>\[\]|~^\\]+")
_BULLET: Final = re.compile(r"^\s*[-•]\s+", re.MULTILINE)
_PICTURE: Final = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d]")

_SITE: Final = {"en": "the city website", "es": "la página de la ciudad"}

_STREETS: Final = {
    "St": "Street", "Ave": "Avenue", "Blvd": "Boulevard", "Rd": "Road", "Dr": "Drive", "Ln": "Lane", "Ct": "Court",
    "Pl": "Place", "Hwy": "Highway", "Pkwy": "Parkway", "Sq": "Square", "Ter": "Terrace",
}  # fmt: skip
_STREET: Final = re.compile(rf"(?<=[\w.] )({'|'.join(_STREETS)})\b\.?(?!\s+[A-Z][a-z])")
_COMPASS: Final = {
    "N": "North",
    "S": "South",
    "E": "East",
    "W": "West",
    "NE": "Northeast",
    "NW": "Northwest",
    "SE": "Southeast",
    "SW": "Southwest",
}
_DIRECTION: Final = re.compile(r"(?<=\d )(NE|NW|SE|SW|N|S|E|W)\b\.?(?= (?:[A-Z]|\d))")

_WORDS: Final[dict[str, tuple[tuple[re.Pattern[str], str], ...]]] = {
    "en": (
        (re.compile(r"\b24/7\b"), "24 hours a day, 7 days a week"),
        (re.compile(r"\bSt\.?(?= [A-Z])"), "Saint"),
        (re.compile(r"\bApt\b\.?"), "apartment"),
        (re.compile(r"(?<=\d) ?mph\b"), " miles per hour"),
        (re.compile(r"(?<=\d) ?ft\b\.?"), " feet"),
        (re.compile(r"(?<=\d) ?lbs?\b\.?"), " pounds"),
        (re.compile(r"(?<=\d) ?°F?"), " degrees"),
        (re.compile(r"(?<=\d)%"), " percent"),
        (re.compile(r"\s&\s"), " and "),
        (re.compile(r"(?<=\w)/(?=\w)"), " or "),
    ),
    "es": (
        (re.compile(r"\b24/7\b"), "las 24 horas, los 7 días"),
        (re.compile(r"\bSt\.?(?= [A-Z])"), "Saint"),
        (re.compile(r"\bEE\. ?UU\.?"), "Estados Unidos"),
        (re.compile(r"\bApto?\b\.?"), "apartamento"),
        (re.compile(r"(?<=\d) ?mph\b"), " millas por hora"),
        (re.compile(r"(?<=\d) ?°F?"), " grados"),
        (re.compile(r"(?<=\d)%"), " por ciento"),
        (re.compile(r"\s&\s"), " y "),
        (re.compile(r"(?<=\w)/(?=\w)"), " o "),
    ),
}


@lru_cache(maxsize=4096)
def speak(text: str, language: str) -> str:
    """The text as it should be read aloud in a language."""
    tongue = "es" if language == "es" else "en"
    text = _LINK.sub(r"\1", text)
    text = _URL.sub(_SITE[tongue], text)
    text = _EMAIL.sub(_SITE[tongue], text)
    text = _BULLET.sub("", text)
    text = _PICTURE.sub("", _MARKUP.sub("", text))
    text = _lines(text)
    text = _DIRECTION.sub(lambda match: _COMPASS[match[1]], text)
    # A point after "St." stays when it also ends the sentence.
    text = _STREET.sub(
        lambda match: _STREETS[match[1]] + ("." if match[0].endswith(".") and match.end() == len(text) else ""), text
    )
    for pattern, words in _WORDS[tongue]:
        text = pattern.sub(words, text)
    return " ".join(speak_numbers(text, tongue).split())


def _lines(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (
        " ".join(line if line[-1] in ".,:;!?" else f"{line}." for line in lines[:-1])
        + (" " if len(lines) > 1 else "")
        + "".join(lines[-1:])
    )


def words(text: str) -> int:
    """How many words a spoken text has; a digit that is read alone is a word."""
    return len(text.split())


def seconds(text: str) -> float:
    """How long a spoken text takes at 150 words a minute."""
    return words(text) * 60 / WORDS_A_MINUTE


@lru_cache(maxsize=4096)
def render_voice(text: str, language: str) -> tuple[str, ...]:
    """The spoken text in chunks of at most 75 words: the first is said, the rest is there for who asks for more."""
    return cut(speak(text, language), lambda piece: words(piece) <= MAX_WORDS)
