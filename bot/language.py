"""Which language to answer in: the one a resident writes, switched by request or by a confident sentence, never by one word."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

from knowledge.topics import read_topic

PACKS: Final = Path(__file__).resolve().parent.parent / "knowledge" / "packs"

ANSWERED: Final = ("en", "es")
"""Languages in which every approved message exists; the others get the language line and a person."""

_WORD: Final = re.compile(r"[^\W\d_]+")
_SCRIPTS: Final = {
    "CJK": "zh",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "ARABIC": "ar",
    "CYRILLIC": "ru",
    "HEBREW": "he",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "THAI": "th",
}
_WORDS: Final[dict[str, frozenset[str]]] = {
    "ht": frozenset(
        [
            "mwen",
            "nou",
            "kote",
            "tanpri",
            "dlo",
            "kouran",
            "lapli",
            "manje",
            "ede",
            "kay",
            "genyen",
            "gen",
            "pa",
            "nan",
            "kisa",
            "kouman",
            "kijan",
            "fanmi",
            "timoun",
        ]
    ),
    "vi": frozenset(("toi khong nuoc dien nha o dau lam giup can tam tru con cua duoc phai xin").split()),
    "tl": frozenset(
        [
            "nasaan",
            "saan",
            "po",
            "ang",
            "ng",
            "kuryente",
            "tubig",
            "bahay",
            "kailangan",
            "tulong",
            "kami",
            "ako",
            "paano",
            "wala",
            "mga",
            "ba",
        ]
    ),
    "fr": frozenset(("ou est je nous avons besoin eau abri aide mon ma pas maison electricite quand").split()),
    "pt": frozenset(("onde fica preciso abrigo agua casa minha nao tem luz ajuda quando voces estou").split()),
}
_VIETNAMESE: Final = frozenset("ơưđạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ")
"""Letters that no other language that is written to a city here has."""

_ENGLISH: Final = frozenset(
    [
        "the",
        "is",
        "are",
        "to",
        "my",
        "i",
        "we",
        "you",
        "and",
        "of",
        "in",
        "for",
        "what",
        "where",
        "when",
        "how",
        "do",
        "can",
        "need",
        "have",
        "not",
        "no",
    ]
)
_SPANISH: Final = frozenset(
    [
        "el",
        "la",
        "los",
        "las",
        "un",
        "una",
        "de",
        "que",
        "en",
        "mi",
        "no",
        "si",
        "es",
        "hay",
        "con",
        "por",
        "para",
        "donde",
        "cuando",
        "como",
        "se",
        "me",
        "su",
        "y",
        "estoy",
        "esta",
        "necesito",
        "puedo",
        "tengo",
    ]
)
_NAMES: Final = {"english": "en", "ingles": "en", "spanish": "es", "espanol": "es", "castellano": "es"}
_COURTESY: Final = frozenset(
    ("please por favor in en speak write answer only solo hable habla escriba to me do you usted can puede").split()
)
_SURE: Final = 0.9
_GUESS: Final = 0.8
_TELLING: Final = 1.0
"""So much must the words of residents' questions speak for a language to tell it from one or two words. Statistics of letters
cannot: to them `generator` and `hello` are Spanish and `basura` is English."""


@lru_cache(maxsize=1)
def _detector() -> LanguageDetector:
    languages = (Language.ENGLISH, Language.SPANISH)
    return LanguageDetectorBuilder.from_languages(*languages).with_low_accuracy_mode().with_preloaded_language_models().build()


@lru_cache(maxsize=1)
def _asked_in() -> tuple[Counter[str], Counter[str]]:
    """How often each word stands in the English and in the Spanish questions that the packs ship."""
    counts: dict[str, Counter[str]] = {code: Counter() for code in ANSWERED}
    for path in sorted(PACKS.glob("*/topics/*.yml")):
        topic = read_topic(path)
        for code, seen in counts.items():
            for phrase in (*topic.examples.get(code, ()), *topic.keywords.get(code, ()), topic.title.get(code, "")):
                seen.update({_fold(word) for word in _WORD.findall(phrase)})
    return counts["en"], counts["es"]


def _leaning(words: Iterable[str]) -> tuple[float, bool]:
    """How much the words speak for Spanish (above zero) or English (below), and whether any of them is known at all."""
    english, spanish = _asked_in()
    plain = {_fold(word) for word in words}
    leaning = sum(max(-3.0, min(3.0, math.log((spanish[word] + 0.5) / (english[word] + 0.5)))) for word in plain)
    return leaning, any(word in english or word in spanish for word in plain)


def warm_up() -> None:
    """Loads what `detect` otherwise loads at the first message."""
    _detector()
    _asked_in()


def detect(text: str, *, current: str, fixed: bool) -> tuple[str, bool]:
    """The language to answer in, and whether it is settled.

    While nothing is settled a guess is followed, so that `refugio` alone is answered in Spanish; once settled, only a sentence
    of three words or more that is clearly in another language changes it."""
    text = unicodedata.normalize("NFC", text)
    words = _WORD.findall(text)
    wished = _wished(words)
    if wished is not None:
        return wished, True
    other = _other_script(text) or _other_words(words)
    if other is not None:
        return other, True
    if not words:
        return current, fixed
    scores = {
        value.language.iso_code_639_1.name.lower(): value.value for value in _detector().compute_language_confidence_values(text)
    }
    best = max(scores, key=lambda code: scores[code])
    leaning, known = _leaning(words)
    leans = "es" if leaning > 0 else "en"
    if scores[best] >= _SURE and len(words) >= 3 and (leans == best or abs(leaning) < _TELLING):
        return best, True
    if fixed:
        return current, True
    if abs(leaning) >= _TELLING:
        return leans, False
    # `FEMA` and `gas` are asked about in both languages and tell nothing.
    return (best if not known and scores[best] >= _GUESS else current), False


def _wished(words: list[str]) -> str | None:
    """The language that a message asks for and for nothing else, such as `en español por favor`."""
    plain = [word for word in map(_fold, words) if word not in _COURTESY]
    return _NAMES.get(plain[0]) if len(plain) == 1 else None


def _other_script(text: str) -> str | None:
    letters = [letter for letter in text[:400] if letter.isalpha()]
    foreign = [letter for letter in letters if ord(letter) > 0x24F]
    if len(foreign) * 2 <= len(letters):
        return None
    counts: dict[str, int] = {}
    for letter in foreign:
        code = _SCRIPTS.get(unicodedata.name(letter, "").partition(" ")[0])
        if code:
            counts[code] = counts.get(code, 0) + 1
    if not counts:
        return None
    return "ja" if "ja" in counts else max(counts, key=lambda code: counts[code])


def _other_words(words: list[str]) -> str | None:
    """A language of Latin letters, by letters of its own in a third of three words or more, or when half are its commonest."""
    if len(words) < 3:
        return None
    plain = [_fold(word) for word in words]
    if 3 * sum(word in _ENGLISH or word in _SPANISH for word in plain) >= len(plain):
        return None
    if 3 * sum(not _VIETNAMESE.isdisjoint(word.lower()) for word in words) >= len(words):
        return "vi"
    score, code = max((sum(word in known for word in plain), code) for code, known in _WORDS.items())
    return code if 2 * score >= len(plain) else None


@lru_cache(maxsize=4096)
def _fold(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", word.lower().replace("đ", "d")) if not unicodedata.combining(c))
