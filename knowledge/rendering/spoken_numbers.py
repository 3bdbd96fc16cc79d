"""Numbers as they are heard: telephone numbers and ZIP codes digit by digit, times in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

PHONE: Final = re.compile(r"(?<![\w-])(?:\+?1[-. ])?(?:\(\d{3}\) ?|\d{3}[-. ])?\d{3}[-.]\d{4}(?![\w-])")
"""A telephone number as it is written in the United States, with or without the leading 1 and the area code."""

_STREET: Final = r"St|Ave|Blvd|Rd|Dr|Ln|Ct|Pl|Hwy|Pkwy|Way|Street|Avenue|Boulevard|Road|Drive|Lane|Court|Place|Highway"
SHORT_NUMBER: Final = re.compile(
    rf"(?<![\w$.,-])[2-8]11(?![\w%]|[,.-]\d|(?: [NSEW])?(?: \w+){{1,3}} (?:{_STREET})\b)|(?<![\w$])(?:911|988)(?![\w-])"
)
"""911, 988 and the other three-digit services; a house number such as 311 in `311 Oak St` is not one."""

_CODE: Final = re.compile(r"(?<![\w$.,:-])\d{5,6}(?:-\d{4})?(?![\w%]|[,.]\d)")
_TIME: Final = re.compile(r"(?<![\d:.])(1[0-2]|0?[1-9])(?::([0-5]\d))?\s?([ap])(\.?)\s?m\b(\.?)", re.IGNORECASE)
_NEXT_SENTENCE: Final = re.compile(r"\s*$|\s+[\"'(¿¡]*[A-ZÁÉÍÓÚ]")

_ENGLISH: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve "
    "thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_SPANISH: Final = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho "
    "diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve"
)
_ONES: Final = {"en": _ENGLISH.split(), "es": _SPANISH.split()}
_TENS: Final = {
    "en": {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty"},
    "es": {30: "treinta", 40: "cuarenta", 50: "cincuenta"},
}


def speak_numbers(text: str, language: str) -> str:
    """The text with the numbers written so that a synthetic voice reads them the way a person would."""
    tongue = "es" if language == "es" else "en"
    for pattern, spoken in _steps(tongue):
        text = pattern.sub(spoken, text)
    return text


def _steps(tongue: str) -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]]:
    return [
        (PHONE, lambda match: _phone(match[0])),
        (SHORT_NUMBER, lambda match: " ".join(_ONES[tongue][int(digit)] for digit in match[0])),
        (_CODE, lambda match: ", ".join(" ".join(group) for group in match[0].split("-"))),
        (_TIME, lambda match: _time(match, tongue)),
    ]


def _phone(written: str) -> str:
    return ", ".join(" ".join(group) for group in re.findall(r"\d+", written))


def number_words(number: int, tongue: str) -> str:
    """A number from 0 to 59 in words."""
    ones = _ONES[tongue]
    if number < len(ones):
        return ones[number]
    ten, rest = number // 10 * 10, number % 10
    if not rest:
        return _TENS[tongue][ten]
    return f"{_TENS[tongue][ten]}{' y ' if tongue == 'es' else '-'}{ones[rest]}"


def _time(match: re.Match[str], tongue: str) -> str:
    hour, minute, afternoon = int(match[1]), int(match[2] or 0), match[3].casefold() == "p"
    # The last point of "p.m." may be the point of the sentence too; that of "pm." always is.
    stop = match[5] if not match[4] or _NEXT_SENTENCE.match(match.string, match.end()) else ""
    if tongue == "en":
        return _english_time(hour, minute, afternoon) + stop
    return _spanish_time(hour, minute, afternoon) + stop


def _english_time(hour: int, minute: int, afternoon: bool) -> str:
    if not minute and hour == 12:
        return "noon" if afternoon else "midnight"
    minutes = "" if not minute else f" oh {number_words(minute, 'en')}" if minute < 10 else f" {number_words(minute, 'en')}"
    return f"{number_words(hour, 'en')}{minutes} {'PM' if afternoon else 'AM'}"


def _spanish_time(hour: int, minute: int, afternoon: bool) -> str:
    if not minute and hour == 12:
        return "doce del mediodía" if afternoon else "doce de la noche"
    spoken = "una" if hour == 1 else number_words(hour, "es")
    minutes = f" y {number_words(minute, 'es')}" if minute else ""
    late = 8 <= hour < 12 if afternoon else hour == 12
    part = "noche" if late else "tarde" if afternoon else "mañana"
    return f"{spoken}{minutes} de la {part}"
