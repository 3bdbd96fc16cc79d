"""A text message: plain characters, three segments at most, accents folded where the city decided so."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from knowledge.rendering.segments import GSM_BASIC, GSM_EXTENSION, foreign_to_gsm, measure
from knowledge.rendering.sentences import cut

MAX_SEGMENTS: Final = 3

_PLAIN: Final = str.maketrans(
    {
        "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-", "‑": "-", "−": "-",
        "…": "...", "•": "-", "·": "-", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u200b": "", "\ufeff": "", "\t": " ",
    }
)  # fmt: skip


def plain(text: str) -> str:
    """The text with typographic marks replaced by those every phone has; letters are kept."""
    return re.sub(r" {2,}", " ", text.translate(_PLAIN)).strip()


def fold(text: str) -> str:
    """The text without the accents that the GSM alphabet lacks (á í ó ú); é, ñ, ü, ¿ and ¡ are in it and stay."""
    return "".join(c if c in GSM_BASIC or c in GSM_EXTENSION else _bare(c) for c in unicodedata.normalize("NFC", text))


def _bare(character: str) -> str:
    base = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return base if base and all(c in GSM_BASIC for c in base) else character


def fits(text: str) -> bool:
    """True when a text goes out in three segments."""
    return measure(text).segments <= MAX_SEGMENTS


@lru_cache(maxsize=4096)
def render_sms(text: str, *, fold_accents: bool) -> tuple[str, ...]:
    """The text in pieces of three segments at most: the first is sent, the rest is there for who asks for more."""
    clean = plain(text)
    folded = fold(clean) if fold_accents else clean
    # Folding pays only when nothing else forces the dear encoding.
    return cut(clean if foreign_to_gsm(folded) else folded, fits)
