"""Checks of one wording: what a writer can see and mend without knowing the rest of the pack."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from knowledge.city import PLACEHOLDERS
from knowledge.facts import LISTS
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
        yield "error", f"{{{name}}} is no placeholder; docs/topics.md lists them"
    if re.search(r"[{}]", PLACEHOLDER.sub("", text)):
        yield "error", "a brace stands alone; write a placeholder as {name}"
    yield from _numbers(text, rules)
    yield from _links(text, channel, rules)
    if not rules.carrier_words:
        for match in _CARRIER.finditer(text):
            yield "error", f"asks for the reply {match[1]}, which belongs to the phone carriers"
    if _EMOJI.search(text):
        yield "error", "holds a picture; they are not read aloud and cost segments"
    dynamic = [name for name in names if name in LISTS or name.startswith("status_")]
    if dynamic and ASOF not in names:
        yield "warning", f"quotes {{{dynamic[0]}}} without {{asof}}"
    yield from _channel(text, channel, language, rules)
    yield from _referrals(text)


def _numbers(text: str, rules: Rules) -> Iterator[tuple[Level, str]]:
    for match in PHONE.finditer(text):
        digits = re.sub(r"\D", "", match[0])[-10:]
        if digits not in rules.numbers:
            yield "error", f"{match[0]} is neither a placeholder nor a known national number (core/national_numbers.yml)"


def _links(text: str, channel: str, rules: Rules) -> Iterator[tuple[Level, str]]:
    for address in _ADDRESS.findall(text):
        if channel == "voice":
            yield "error", f'reads the address {address} aloud; say "the city website"'
        elif not allowed(address, rules.hosts):
            yield "error", f"links to {address}, which is not on the list (core/link_hosts.yml)"


def _channel(text: str, channel: str, language: str, rules: Rules) -> Iterator[tuple[Level, str]]:
    if channel == "sms":
        yield from _sms(text, language, rules)
    words = len(text.split())
    if channel == "web" and words > MAX_WEB_WORDS:
        yield "warning", f"{words} words on the web; 120 are enough"
    if channel == "voice":
        if words > MAX_VOICE_WORDS:
            yield "warning", f"{words} words spoken, {words * 60 // 150} seconds; 75 words are 30 seconds"
        if re.search(r"[*#\[\]]|^\s*- ", text, re.MULTILINE):
            yield "error", "holds markup, which is not read aloud"
    level = grade(text, language)
    if channel != "sms" and not rules.system and level > MAX_GRADE:
        yield "warning", f"reads at grade {level:.0f}; 6 to 8 is the aim (shorter sentences, shorter words)"


def _sms(text: str, language: str, rules: Rules) -> Iterator[tuple[Level, str]]:
    if rules.one_segment:
        size = measure(text)
        if size.encoding != "GSM-7" or size.segments > 1:
            yield "error", f"must be one GSM-7 text; it is {size.units} units of {size.encoding} ({''.join(foreign_to_gsm(text))})"
        return
    if len(text) > MAX_SMS:
        yield "error", f"{len(text)} characters before facts are filled in; at most {MAX_SMS}"
    foreign = foreign_to_gsm(fold(plain(PLACEHOLDER.sub("", text))))
    if foreign and not rules.system:
        yield "error", f"holds {''.join(dict.fromkeys(foreign))}, which makes the text cost double"
    if plain(text) != text.strip() and "\n" not in text:
        yield "warning", "holds curly quotes, long dashes or wide spaces; plain ones are sent"
    del language


def _referrals(text: str) -> Iterator[tuple[Level, str]]:
    for name in PLACEHOLDER.findall(text):
        phone = name.replace("_utility", "_phone")
        if name.endswith("_utility") and phone in PLACEHOLDERS and f"{{{phone}}}" not in text:
            yield "warning", f"names {{{name}}} without {{{phone}}}"
    for sentence in sentences(text):
        if _REFERRAL.search(sentence) and not _NUMBER.search(sentence):
            yield "warning", f"sends people to an office without its number: {sentence[:80]}"


def known_numbers(entries: Iterable[object]) -> frozenset[str]:
    """The ten digits of each listed national number."""
    return frozenset(re.sub(r"\D", "", str(entry["number"]))[-10:] for entry in entries if isinstance(entry, dict))
