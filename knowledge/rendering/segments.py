"""How many text messages a text is, by the carriers' rules: 3GPP TS 23.038 (alphabet) and TS 23.040 (joining)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

GSM_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The basic alphabet: one unit each."""
GSM_EXTENSION: Final = frozenset("\f^{}\\[~]|€")
"""Reached with an escape: two units each, never parted between two messages."""
_GSM: Final = GSM_BASIC | GSM_EXTENSION


@dataclass(frozen=True)
class Segments:
    """The encoding a text needs, its length in that encoding's units, and the number of messages it is sent in."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    segments: int


def measure(text: str) -> Segments:
    """Counts a text as the carriers do. One message holds 160 units (70 in UCS-2), each of several 153 (67)."""
    if _GSM.issuperset(text):
        long = sum(map(text.count, GSM_EXTENSION))
        return _count(text, "GSM-7", long, GSM_EXTENSION.__contains__, single=160, joined=153)
    long = sum(character > "\uffff" for character in text)
    return _count(text, "UCS-2", long, lambda character: character > "\uffff", single=70, joined=67)


def foreign_to_gsm(text: str) -> list[str]:
    """The characters that force a text into UCS-2, in the order they come."""
    return [] if _GSM.issuperset(text) else [character for character in text if character not in _GSM]


def _count(
    text: str, encoding: Literal["GSM-7", "UCS-2"], long: int, is_long: Callable[[str], bool], *, single: int, joined: int
) -> Segments:
    """The size of a text of which `long` characters take two units each."""
    units = len(text) + long
    if units <= single:
        return Segments(encoding, units, 1 if text else 0)
    # Without characters of two units no unit is left empty at the end of a message.
    packed = _pack((1 + is_long(character) for character in text), joined) if long else -(-units // joined)
    return Segments(encoding, units, packed)


def _pack(costs: Iterable[int], room: int) -> int:
    segments, used = 1, 0
    for cost in costs:
        # A character of two units goes whole into the next message when one unit is left.
        if used + cost > room:
            segments, used = segments + 1, 0
        used += cost
    return segments
