"""The words that belong to the phone carriers: whole messages only, before any dialogue.

English words: Twilio's default keywords for opt-out, opt-in and help, with the FCC's list of revocations (47 CFR 64.1200(a)(10)).
Spanish words are ours. What a reasonable person would read as a wish to stop counts too."""

from __future__ import annotations

import re
import unicodedata
from typing import Final, cast

from server.conversations.plan import CarrierWord

_STOP: Final = frozenset(
    [
        "stop",
        "unsubscribe",
        "end",
        "quit",
        "stopall",
        "stop all",
        "revoke",
        "optout",
        "opt out",
        "cancel",
        "alto",
        "parar",
        "pare",
        "cancelar",
        "baja",
        "detener",
        "no mas",
        "stop please",
        "please stop",
        "stop texting me",
        "stop texting",
        "stop messaging me",
        "please stop texting me",
        "stop sending me texts",
        "stop sending messages",
        "stop these texts",
        "take me off",
        "take me off this list",
        "remove me",
        "remove my number",
        "unsubscribe me",
        "opt me out",
        "quit texting me",
        "no more texts",
        "no more messages",
        "dont text me",
        "dont text me anymore",
        "leave me alone",
        "quita mi numero",
        "quite mi numero",
        "borre mi numero",
        "ya no me manden mensajes",
        "no me manden mensajes",
        "no me manden mas mensajes",
        "deje de escribirme",
        "dejen de mandarme mensajes",
        "ya no quiero mensajes",
        "no mas mensajes",
        "darme de baja",
        "dar de baja",
    ]
)
_START: Final = frozenset(("start", "unstop", "iniciar", "empezar", "alta", "subscribe", "opt in", "optin"))
_START_WHEN_STOPPED: Final = frozenset(("yes",))
"""To a resident who stopped nothing these are the answer to a question."""
_HELP: Final = frozenset(("help", "info", "ayuda", "informacion"))


def carrier_word(text: str, *, provider: str | None, opted_out: bool = False) -> CarrierWord | None:
    """The carrier word that a whole message is, or nothing. `provider` is Twilio's `OptOutType`, which wins when present.

    `STOP` alone stops; `stop the flooding` does not, and a cry such as `help!!` keeps its marks and is left to the triage."""
    if provider in ("STOP", "START", "HELP"):
        return cast(CarrierWord, provider)
    bare = _bare(text)
    if bare in _STOP:
        return "STOP"
    if bare in _START or (opted_out and bare in _START_WHEN_STOPPED):
        return "START"
    if bare in _HELP and not re.search(r"[!¡]", text):
        return "HELP"
    return None


def _bare(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(c for c in letters if not unicodedata.combining(c)).replace("'", "").replace("’", "")
    return " ".join(re.sub(r"[^\w\s]", " ", letters).split())
