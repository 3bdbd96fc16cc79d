"""Tracking numbers as residents write and say them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SIGN: Final = "[2-9A-HJKMNP-TV-Z]"
_WRITTEN: Final = re.compile(
    rf"(?<![A-Za-z0-9])(?P<prefix>DR|SR|CB|HC)(?P<joint>\s*[-‐-―#:.]?\s*)(?P<rest>{_SIGN}{{7}})(?![A-Za-z0-9])", re.IGNORECASE
)
_BARE: Final = re.compile(rf"(?<![A-Za-z0-9-])(?P<rest>{_SIGN}{{7}})(?![A-Za-z0-9-])", re.IGNORECASE)
_SPELLED: Final = re.compile(rf"\b(?P<prefix>d\W*r|s\W*r|c\W*b|h\W*c)(?P<rest>(?:\W*{_SIGN}){{7}})(?![A-Za-z0-9])", re.IGNORECASE)
_DIGITS: Final = {
    **{word: str(digit) for digit, word in enumerate(("two", "three", "four", "five", "six", "seven", "eight", "nine"), 2)},
    **{word: str(digit) for digit, word in enumerate(("dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"), 2)},
}
_DIGIT_WORD: Final = re.compile(rf"\b(?:{'|'.join(_DIGITS)})\b", re.IGNORECASE)
_DIGIT: Final = re.compile(r"\d")


@dataclass(frozen=True)
class Tracking:
    """A number that a message holds. `sure` is false for seven signs without the two letters before them, which may be anything."""

    rest: str
    prefix: str = ""

    @property
    def sure(self) -> bool:
        """True when it can be nothing but a tracking number of ours."""
        return bool(self.prefix)

    def names(self, reference: str) -> bool:
        """True when it is this reference."""
        return reference == f"{self.prefix}-{self.rest}" if self.prefix else reference.endswith(f"-{self.rest}")


def tracking_in(text: str, *, spoken: bool = False) -> Tracking | None:
    """The first tracking number in a message: with its two letters, or, when it has letters and digits, without them.

    A name such as "Dr Beckham" is written like one: without a digit it takes a hyphen to be a number."""
    for found in _WRITTEN.finditer(text):
        if _DIGIT.search(found["rest"]) or found["joint"].strip() in {"-", "#"}:
            return Tracking(found["rest"].upper(), found["prefix"].upper())
    for found in _BARE.finditer(text):
        if _DIGIT.search(found["rest"]) and not found["rest"].isdigit():
            return Tracking(found["rest"].upper())
    return _spelled(text) if spoken else None


def _spelled(text: str) -> Tracking | None:
    written = _DIGIT_WORD.sub(lambda word: _DIGITS[word[0].lower()], text)
    for found in _SPELLED.finditer(written):
        prefix, rest = (re.sub(r"\W", "", found[name]).upper() for name in ("prefix", "rest"))
        if _DIGIT.search(rest):
            return Tracking(rest, prefix)
    return None
