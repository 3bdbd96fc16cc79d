"""Taking out of a resident's words what could tell who they are, before staff see many of them together."""

from __future__ import annotations

import re
from typing import Final

_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LINK: Final = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_NAME: Final = re.compile(
    r"(?i:\b(?:my name is|this is|i am|i'm|me llamo|mi nombre es|soy)\s+)([A-ZÁÉÍÓÚÑ]\w+(?:\s+[A-ZÁÉÍÓÚÑ]\w+)*)"
)
_STREET: Final = re.compile(
    r"\b\d{1,6}\s+(?:[NSEW]\.?\s+)?[\w.'-]+(?:\s+[\w.'-]+){0,3}?\s+"
    r"(?:st|street|ave|avenue|rd|road|dr|drive|blvd|ln|lane|ct|court|pl|place|way|ter|terrace|pkwy|hwy)\b\.?",
    re.IGNORECASE,
)
_CALLE: Final = re.compile(r"\b(?:calle|avenida|av\.?)\s+[\w.'-]+(?:\s+[\w.'-]+){0,2}?\s+(?:#\s*)?\d{1,6}\b", re.IGNORECASE)
_DIGITS: Final = re.compile(r"(?<![\w])\+?\d(?:[\d\s().-]{1,18})\d(?!\w)|\d{4,}")
_KEEP: Final = re.compile(r"\b(?:911|988|311|211|711|24/7)\b")
HIDDEN: Final = "…"


def redacted(text: str, *, most: int = 140) -> str:
    """A text with numbers, addresses, links and names that people give of themselves left out, cut to a length."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\x00{len(kept) - 1:c}\x01"

    hidden = _KEEP.sub(keep, " ".join(text.replace("\x00", "").replace("\x01", "").split()))
    for pattern in (_MAIL, _LINK, _STREET, _CALLE, _DIGITS):
        hidden = pattern.sub(HIDDEN, hidden)
    hidden = _NAME.sub(lambda match: match[0].replace(match[1], HIDDEN), hidden)
    shown = re.sub("\x00(.)\x01", lambda match: kept[ord(match[1])], hidden, flags=re.DOTALL)
    return shown if len(shown) <= most else shown[: most - 1].rstrip() + HIDDEN
