"""Cutting texts at sentences, in such a way that the words about 911 stay in the first piece."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

_END: Final = re.compile(r"(?<=[.!?])[\"')]*\s+(?=[\"'(¿¡]*[A-ZÁÉÍÓÚÑ0-9])|\n+")
_ABBREVIATION: Final = re.compile(r"(?:^|\s)(?:a\. ?m|p\. ?m|[AaPp]\.?[Mm]|St|Ave|Dr|Mr|Mrs|Ms|No|Sr|Sra|Av|EE\. UU|U\.S)\.$")
_VITAL: Final = re.compile(r"\b911\b|nine one one|nueve uno uno", re.IGNORECASE)


def sentences(text: str) -> list[str]:
    """The sentences of a text, without the white space between them. An abbreviation ends none."""
    found: list[str] = []
    for piece in (part.strip() for part in _END.split(text)):
        if found and piece and _ABBREVIATION.search(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        elif piece:
            found.append(piece)
    return found


def vital(sentence: str) -> bool:
    """True for a sentence that names 911, which no cut may take from the first piece."""
    return bool(_VITAL.search(sentence))


def cut(text: str, fits: Callable[[str], bool]) -> tuple[str, ...]:
    """The text in pieces that fit, cut at sentences, else at words. What names 911 is kept in the first piece."""
    if fits(text):
        return (text,)
    whole = sentences(text)
    kept = _fill(whole, fits)
    rest = [sentence for index, sentence in enumerate(whole) if index not in kept]
    first = " ".join(whole[index] for index in sorted(kept))
    pieces = [first] if first else []
    pieces.extend(_in_order(rest, fits))
    return tuple(pieces)


def _fill(whole: list[str], fits: Callable[[str], bool]) -> set[int]:
    kept: set[int] = set()
    for index in (*(i for i, sentence in enumerate(whole) if vital(sentence)), *range(len(whole))):
        wider = sorted({*kept, index})
        if index in kept:
            continue
        if fits(" ".join(whole[i] for i in wider)):
            kept.add(index)
        elif not vital(whole[index]):
            # The rest is told in order: nothing after the first sentence that did not fit goes before it.
            break
    return kept


def _in_order(rest: Iterable[str], fits: Callable[[str], bool]) -> list[str]:
    pieces: list[str] = []
    for sentence in rest:
        for bit in _bits(sentence, fits):
            if pieces and fits(f"{pieces[-1]} {bit}"):
                pieces[-1] = f"{pieces[-1]} {bit}"
            else:
                pieces.append(bit)
    return pieces


def _bits(sentence: str, fits: Callable[[str], bool]) -> list[str]:
    if fits(sentence):
        return [sentence]
    bits: list[str] = []
    for word in sentence.split():
        if bits and fits(f"{bits[-1]} {word}"):
            bits[-1] = f"{bits[-1]} {word}"
        else:
            bits.append(word)
    return bits
