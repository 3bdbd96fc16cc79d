"""Checks of one wording: what a writer can see and mend without knowing the rest of the pack."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from knowledge.city import PLACEHOLDERS
from knowledge.facts import LISTS
from knowledge.lint_words import Remark
from knowledge.readability import grade
from knowledge.rendering.placeholders import ASOF, PLACEHOLDER
from knowledge.rendering.segments import foreign_to_gsm, measure
from knowledge.rendering.sentences import sentences
from knowledge.rendering.sms import fold, plain
from knowledge.rendering.spoken_numbers import PHONE
from knowledge.rendering.web import allowed

Level = Literal["error", "warning"]

MAX_SMS: Final = 300
MAX_WEB_WORDS: Final = 130
MAX_VOICE_WORDS: Final = 80
MAX_GRADE: Final = 8.9
_CARRIER: Final = re.compile(
    r"\b(?i:reply|text|send|answer|responda|conteste|mande|envíe)\s+(?:with\s+|con\s+)?[\"']?"
    r"(STOP|END|QUIT|CANCEL|UNSUBSCRIBE|YES|START|HELP|INFO|ALTO|PARAR|CANCELAR|BAJA|ALTA|AYUDA|INICIAR)\b(?![^.]{0,24}\b\d{3,6}\b)"
)
_ADDRESS: Final = re.compile(r"https?://[^\s)>\"]+|(?<=\]\()[^){]+(?=\))")
_EMOJI: Final = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf]")
_REFERRAL: Final = re.compile(
    r"\b(?:call|contact|phone|llame|comuníquese|contacte)\s+(?:al?\s+|con\s+|to\s+)?(?:the|your|su|la|el|los|las)?\s*"
    r"(?:office|department|county|agency|health department|oficina|departamento|condado|agencia)\b",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\{\w+_phone\}|\{nurse_line\}|\{agent_hours\}|\d{3}|\bAGENT(?:E)?\b|\bagente?\b", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """One thing to mend: an error stops a publication, a warning asks for a second look."""

    level: Level
    file: str
    field: str
    text: str


@dataclass(frozen=True)
class Rules:
    """What a wording may quote and link to."""

    placeholders: frozenset[str]
    hosts: tuple[str, ...]
    numbers: frozenset[str]
    carrier_words: bool = False
    """True for the texts about STOP, START and HELP themselves."""
    one_segment: bool = False
    system: bool = False


def check_wording(text: str, *, channel: str, language: str, rules: Rules) -> Iterator[tuple[Level, str]]:
    """What is wrong with one text on one channel in one language."""
    names = PLACEHOLDER.findall(text)
    for name in sorted(set(names) - rules.placeholders):
        yield "error", Remark("unknown_placeholder", name=name)
    if re.search(r"[{}]", PLACEHOLDER.sub("", text)):
        yield "error", Remark("lone_brace")
    yield from _numbers(text, rules)
    yield from _links(text, channel, rules)
    if not rules.carrier_words:
        for match in _CARRIER.finditer(text):
            yield "error", Remark("carrier_word", word=match[1])
    if _EMOJI.search(text):
        yield "error", Remark("picture")
    dynamic = [name for name in names if name in LISTS or name.startswith("status_")]
    if dynamic and ASOF not in names:
        yield "warning", Remark("no_asof", name=dynamic[0])
    yield from _channel(text, channel, language, rules)
    yield from _referrals(text)


def _numbers(text: str, rules: Rules) -> Iterator[tuple[Level, str]]:
    for match in PHONE.finditer(text):
        digits = re.sub(r"\D", "", match[0])[-10:]
        if digits not in rules.numbers:
            yield "error", Remark("unknown_number", number=match[0])


def _links(text: str, channel: str, rules: Rules) -> Iterator[tuple[Level, str]]:
    for address in _ADDRESS.findall(text):
        if channel == "voice":
            yield "error", Remark("spoken_address", address=address)
        elif not allowed(address, rules.hosts):
            yield "error", Remark("unlisted_link", address=address)


def _channel(text: str, channel: str, language: str, rules: Rules) -> Iterator[tuple[Level, str]]:
    if channel == "sms":
        yield from _sms(text, language, rules)
    words = len(text.split())
    if channel == "web" and words > MAX_WEB_WORDS:
        yield "warning", Remark("web_words", words=words)
    if channel == "voice":
        if words > MAX_VOICE_WORDS:
            yield "warning", Remark("voice_words", words=words, seconds=words * 60 // 150)
        if re.search(r"[*#\[\]]|^\s*- ", text, re.MULTILINE):
            yield "error", Remark("voice_markup")
    level = grade(text, language)
    if channel != "sms" and not rules.system and level > MAX_GRADE:
        yield "warning", Remark("grade", grade=f"{level:.0f}")


def _sms(text: str, language: str, rules: Rules) -> Iterator[tuple[Level, str]]:
    if rules.one_segment:
        size = measure(text)
        if size.encoding != "GSM-7" or size.segments > 1:
            yield "error", Remark("one_segment", units=size.units, encoding=size.encoding, foreign="".join(foreign_to_gsm(text)))
        return
    if len(text) > MAX_SMS:
        yield "error", Remark("sms_long", length=len(text), limit=MAX_SMS)
    foreign = foreign_to_gsm(fold(plain(PLACEHOLDER.sub("", text))))
    if foreign and not rules.system:
        yield "error", Remark("sms_foreign", foreign="".join(dict.fromkeys(foreign)))
    if plain(text) != text.strip() and "\n" not in text:
        yield "warning", Remark("sms_marks")
    del language


def _referrals(text: str) -> Iterator[tuple[Level, str]]:
    for name in PLACEHOLDER.findall(text):
        phone = name.replace("_utility", "_phone")
        if name.endswith("_utility") and phone in PLACEHOLDERS and f"{{{phone}}}" not in text:
            yield "warning", Remark("utility_phone", name=name, phone=phone)
    for sentence in sentences(text):
        if _REFERRAL.search(sentence) and not _NUMBER.search(sentence):
            yield "warning", Remark("referral", sentence=sentence[:80])


def known_numbers(entries: Iterable[object]) -> frozenset[str]:
    """The ten digits of each listed national number."""
    return frozenset(re.sub(r"\D", "", str(entry["number"]))[-10:] for entry in entries if isinstance(entry, dict))
