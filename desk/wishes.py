"""What a waiting resident can ask of the desk in a word: to leave the line, or to be contacted later."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final


class Wish(StrEnum):
    """`leave`: no agent is needed any more. `later`: an agent should come back to them."""

    LEAVE = "leave"
    LATER = "later"


WORDS: Final[dict[Wish, frozenset[str]]] = {
    Wish.LEAVE: frozenset(
        {
            "bot",
            "back to the bot",
            "leave the line",
            "never mind",
            "nevermind",
            "no agent",
            "no longer needed",
            "salir de la fila",
            "olvidelo",
            "olvidalo",
            "sin agente",
            "ya no hace falta",
        }
    ),
    Wish.LATER: frozenset(
        {
            "later",
            "callback",
            "call back",
            "call me back",
            "call me later",
            "text me later",
            "luego",
            "mas tarde",
            "llamenme luego",
            "llamenme mas tarde",
            "devuelvanme la llamada",
        }
    ),
}
"""Whole messages only: `later` alone is a wish, `I will need food later` is something for the agent."""


def wish_in(text: str) -> Wish | None:
    """The wish that a whole message is, if it is one."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in letters if not unicodedata.combining(c))
    bare = " ".join(re.sub(r"[^\w\s]", " ", plain).split())
    return next((wish for wish, words in WORDS.items() if bare in words), None)
