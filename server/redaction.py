"""Takes out of a text what tells who wrote it: numbers, e-mail addresses, links, names that follow "my name is", street addresses.

It is careful in one direction: what stays may still tell somebody something, so whatever looks like a number of a person goes,
while the words that say what is wrong stay, since people judge the triage by them."""

from __future__ import annotations

import re
from typing import Final

_DIGIT: Final = "zero|oh|one|two|three|four|five|six|seven|eight|nine|cero|uno|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve"
_NUMBER: Final = (
    f"{_DIGIT}|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|"
    "seventy|eighty|ninety|hundred|thousand"
)
_SUFFIX: Final = (
    "street|st|avenue|ave|av|road|rd|drive|dr|lane|ln|court|ct|boulevard|blvd|way|place|pl|terrace|ter|circle|cir|highway|hwy|"
    "parkway|pkwy|bend|trail|trl|square|sq|loop|alley"
)
_NOT_A_NAME: Final = (
    "a|an|the|and|or|but|of|to|in|on|at|by|for|from|with|is|are|am|was|were|be|it|its|i|im|my|me|we|our|you|your|he|she|they|"
    "his|her|their|this|that|there|here|not|no|cant|can|wont|people|kids|children|men|women|cars|dogs|days|hours|hour|minutes|"
    "minute|feet|inches|miles|years|year|months|old|per|day|down|up|out|near|across|under|over|who|what|where|need|needs|help|"
    "please|now|just|got|have|has|stuck|trapped|hurt|live|lives|calling|right|so|"
    "el|la|los|las|un|y|o|pero|de|del|en|con|por|para|es|esta|estoy|estamos|mi|mis|su|sus|yo|no|que|se|vivo|"
    "necesito|ayuda|personas|niños|horas|minutos|años|atrapado|atrapada|herido|herida|aqui|aquí|ya|hay|me"
)
_WORD: Final = rf"(?!(?:{_NOT_A_NAME}|{_SUFFIX})\b)[^\W\d_][\w'’.-]*"
_UNIT: Final = (
    r"(?:[\s,]*(?:(?:apartment|apartamento|apto|apt|unit|suite|ste|departamento|depto|room|rm)\b|#)\.?\s*#?\s*[\w-]{1,6})"
)
_HOUSE: Final = rf"(?:\d{{1,6}}[a-z]?(?:-\d+)?|(?:{_NUMBER})(?:[\s-]+(?:{_NUMBER}))*)"

_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), put)
    for pattern, put in (
        (r"[\w.+'-]+\s?@\s?[\w-]+(?:\.[\w-]+)+", "[email]"),
        (r"\b(?:https?://|www\.)\S+", "[link]"),
        (
            rf"\b{_HOUSE}\s+(?:[nsew]{{1,2}}\.?\s+)?(?:(?:\d+(?:st|nd|rd|th)|{_WORD})\s+){{1,3}}(?:{_SUFFIX})\b\.?{_UNIT}?",
            "[address]",
        ),
        (
            rf"\b(?:calle|avenida|avda?|carrera|camino|callejón|callejon|bulevar|paseo)\.?\s+(?:(?:de|del|la|las|los|el)\s+)*"
            rf"(?:{_WORD}\s+){{0,3}}{_WORD}?,?\s*(?:n[uú]mero|num|n[oº°]|#)?\.?\s*\d{{1,6}}\b{_UNIT}?",
            "[address]",
        ),
        (
            r"\b(?:apt|apartment|apto|apartamento|unit|suite|depto)\.?\s*#?\s*(?:\d[\w-]{0,5}|[a-z]\d[\w-]{0,4}|[a-z])\b",
            "[address]",
        ),
        (
            rf"(\b(?:(?:my|his|her|their|the)\s+(?:\w+(?:'s|’s)?\s+)?name\s*(?:is|'s|’s|was)|(?:me|se)\s+llamo|se\s+llama|"
            rf"(?:mi|su)\s+nombre\s+es)\s+)(?:{_WORD})(?:\s+{_WORD}){{0,2}}",
            r"\1[name]",
        ),
        (r"[+(]?\d(?:[\s().\-–/]{0,3}\d){5,}", "[number]"),
        (rf"\b(?:{_DIGIT})(?:[\s,-]+(?:{_DIGIT})){{4,}}\b", "[number]"),
    )
)


def redact(text: str) -> str:
    """The text with placeholders such as `[number]` in the place of what tells who wrote it. ZIP codes, 911 and other short
    numbers stay."""
    for pattern, put in _RULES:
        text = pattern.sub(put, text)
    return text
