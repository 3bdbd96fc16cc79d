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


@dataclass(frozen=True)
class Segments:
    """The encoding a text needs, its length in that encoding's units, and the number of messages it is sent in."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    segments: int


def measure(text: str) -> Segments:
    """Counts a text as the carriers do. One message holds 160 units (70 in UCS-2), each of several 153 (67)."""
    if foreign_to_gsm(text):
        return _count(text, "UCS-2", lambda character: 2 if ord(character) > 0xFFFF else 1, single=70, joined=67)
    return _count(text, "GSM-7", lambda character: 2 if character in GSM_EXTENSION else 1, single=160, joined=153)


def foreign_to_gsm(text: str) -> list[str]:
    """The characters that force a text into UCS-2, in the order they come."""
    return [character for character in text if character not in GSM_BASIC and character not in GSM_EXTENSION]


def _count(text: str, encoding: Literal["GSM-7", "UCS-2"], cost: Callable[[str], int], *, single: int, joined: int) -> Segments:
    units = sum(map(cost, text))
    if units <= single:
        return Segments(encoding, units, 1 if text else 0)
    return Segments(encoding, units, _pack(map(cost, text), joined))


def _pack(costs: Iterable[int], room: int) -> int:
    segments, used = 1, 0
    for cost in costs:
        # A character of two units goes whole into the next message when one unit is left.
        if used + cost > room:
            segments, used = segments + 1, 0
        used += cost
    return segments
