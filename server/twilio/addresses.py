"""Telephone numbers as Twilio gives them, and what can be done with them."""

from __future__ import annotations

import re
from typing import Final

_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_TEN_DIGITS: Final = re.compile(r"[2-9]\d{9}")
_WITHHELD: Final = frozenset(
    "|anonymous|restricted|unavailable|unknown|private|blocked|+266696687|+7378742833|+2562533|+8656696|+86282452253|"
    "266696687|7378742833|2562533|8656696|86282452253".split("|")
)
"""What carriers put in place of a withheld number: the words, and their spelling on a keypad."""


def is_withheld(address: str) -> bool:
    """True when an address names nobody, so that two callers who show it are not the same person."""
    bare = address.strip().casefold()
    return bare in _WITHHELD or not any(character.isalnum() for character in bare)


def reachable(address: str) -> bool:
    """True when a text or a call can be sent to the address: a full number or a short code, not a name."""
    return not is_withheld(address) and bool(_E164.fullmatch(address) or re.fullmatch(r"\d{5,6}", address))


def is_number(address: str) -> bool:
    """True for a full international number that is not a stand-in for a withheld one."""
    return not is_withheld(address) and bool(_E164.fullmatch(address))


def ten_digits(value: object) -> tuple[str, ...]:
    """The telephone numbers of a list, or of a text with commas between them, in order and each once."""
    items = value if isinstance(value, list | tuple) else value.split(",") if isinstance(value, str) else ()
    return tuple(dict.fromkeys(number for item in items if (number := ten_digit(item)) is not None))


def ten_digit(value: object) -> str | None:
    """A US telephone number as +1 and ten digits, or nothing. Short numbers such as 911, 933 and 112 are never one: a program
    that dials them reaches the emergency address of the city's own line, not the caller's."""
    digits = re.sub(r"\D", "", value) if isinstance(value, str) else ""
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    return f"+1{digits}" if _TEN_DIGITS.fullmatch(digits) else None
