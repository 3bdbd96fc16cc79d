"""Words that the recogniser is told to expect: how emergencies are spoken of, and the names of places in the city."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from knowledge.library import Library

MOST: Final = 500
LONGEST: Final = 100
_ROOM: Final = 12_000
"""Characters in all; a TwiML document may hold 64 kB."""

WORDS: Final[dict[str, tuple[str, ...]]] = {
    "en": tuple(
        "nine one one|emergency|fire|smoke|gas leak|smell gas|ambulance|not breathing|can't breathe|unconscious|chest pain|"
        "heart attack|stroke|seizure|bleeding|choking|overdose|drowning|trapped|water is rising|flooding|carbon monoxide|wire down|"
        "power line|explosion|collapse|gun|shooting|shot|stabbed|knife|break in|kidnapped|missing child|suicide|"
        "kill myself|oxygen|ventilator|"
        "help me|agent|representative|person|operator|repeat|more|shelter|evacuation|evacuation zone|sandbags|boil water|"
        "power outage|hurricane|flood|tornado|wildfire|curfew|road closure|debris|generator|FEMA|pets|ZIP code".split("|")
    ),
    "es": tuple(
        "nueve once|nueve uno uno|emergencia|incendio|fuego|humo|fuga de gas|huele a gas|ambulancia|no respira|no puedo respirar|"
        "inconsciente|dolor de pecho|infarto|derrame|convulsión|sangrando|se está ahogando|sobredosis|atrapado|atrapada|"
        "el agua está subiendo|inundación|monóxido de carbono|cable caído|explosión|derrumbe|pistola|disparos|balazo|apuñalado|"
        "cuchillo|se metieron|secuestro|niño perdido|suicidio|matarme|oxígeno|auxilio|ayuda|socorro|agente|persona|operador|"
        "repetir|más|refugio|evacuación|zona de evacuación|sacos de arena|hervir el agua|sin luz|apagón|huracán|tornado|"
        "toque de queda|calle cerrada|escombros|generador|mascotas|código postal".split("|")
    ),
}


def hints(library: Library, language: str) -> str:
    """The hints for one language, comma separated: at most 500, each at most 100 characters, emergency words first."""
    return _joined(language, library.gazetteer.names)


@lru_cache(maxsize=16)
def _joined(language: str, names: tuple[str, ...]) -> str:
    return join_hints((*WORDS.get(language, WORDS["en"]), *names))


def join_hints(candidates: Iterable[str]) -> str:
    """Candidates as one attribute value; what has no letter or does not fit is left out."""
    kept: dict[str, None] = {}
    room = _ROOM
    for candidate in candidates:
        hint = " ".join(re.sub(r"[,<>&\"\x00-\x1f]", " ", candidate).split())
        if not any(letter.isalpha() for letter in hint) or len(hint) > LONGEST or len(hint) + 2 > room or len(kept) == MOST:
            continue
        if hint not in kept:
            kept[hint] = None
            room -= len(hint) + 2
    return ", ".join(kept)
