"""A reply such as `2` to options that were offered by number."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

_NUMBER: Final = re.compile(
    r"\W*(?:(?:press|option|number|choice|reply|oprima|opcion|opción|numero|número)\s*)?(\d{1,2}|[a-zñ]+)\W*", re.IGNORECASE
)
_WORDS: Final = {
    **{word: n for n, word in enumerate("one two three four five six seven eight nine".split(), 1)},
    **{word: n for n, word in enumerate("uno dos tres cuatro cinco seis siete ocho nueve".split(), 1)},
    **{word: n for n, word in enumerate("first second third".split(), 1)},
    **{word: n for n, word in enumerate("primero segundo tercero".split(), 1)},
    **{word: n for n, word in enumerate("primera segunda tercera".split(), 1)},
}


def chosen(text: str, options: Sequence[Mapping[str, str]]) -> str | None:
    """The value of the option that a message chooses by its number or by its whole label, or nothing."""
    if not options:
        return None
    wanted = text.strip().casefold()
    for option in options:
        if wanted == option["label"].casefold() or wanted == option["value"]:
            return option["value"]
    match = _NUMBER.fullmatch(wanted.removeprefix("the ").removeprefix("la ").removeprefix("el "))
    if match is None:
        return None
    word = match[1]
    number = int(word) if word.isdigit() else _WORDS.get(word, 0)
    return options[number - 1]["value"] if 1 <= number <= len(options) else None


_PERSON: Final = re.compile(
    r"(?:(?:please|por favor|pls|hi|hello|hola|yes|si|i want|i need|i want to|i need to|can i|let me|quiero|necesito|"
    r"quisiera|puedo|me puede|get me|give me|connect me to|connect me with|transfer me to|speak to|speak with|talk to|"
    r"talk with|hablar con|"
    r"comunicar con|comuniqueme con|pongame con|paseme con|paseme a|to|with|con|a|an|the|un|una|el|la|live|real|human|humano|"
    r"311|city|someone|alguien|press|oprimir)\s+)*"
    r"(?:agent|agente|human|humano|humana|person|persona|operator|operador|operadora|representative|representante|asesor|"
    r"asesora|people|somebody|someone|alguien|human being)(?:\s+(?:please|pls|por favor|now|ahora|ya|real|humana|viva))*"
)


_SPOKEN_TO: Final = (
    r"(?:(?:speak|talk|chat) (?:to|with)|(?:connect|transfer) me (?:to|with)|put me through to|give me|get me|"
    r"hablar con|comunicar(?:me)? con|comuniqueme con|pongame con|pasar(?:me)? con|paseme con|paseme a)"
)
_SOMEBODY: Final = (
    r"(?:agent|agente|human(?:o|a)?(?: being)?|person|persona|operator|operadora?|representative|representante|asesora?)"
)
_POLITE: Final = r"(?:please|pls|plz|por favor|porfa(?:vor)?)"
_SENTENCES: Final = re.compile(r"[.,;:!?\n\u2026]+|\s-+\s")
_NOT_ALONE: Final = frozenset(("person", "people", "somebody", "someone", "alguien"))
"""Words that ask for a person as a whole message, and say something else between two commas."""
_AND_MORE: Final = re.compile(
    # "agent please, my claim was denied"; "i need to talk to a real person about my claim"; "my claim was denied, agent please"
    rf"(?:{_POLITE} )?(?:agent|agente|operator|operadora?|representative) {_POLITE}\b.*|"
    rf"(?:\w+ ){{0,5}}?{_SPOKEN_TO} (?:an?|una?|the|el|la)? ?(?:real |live |actual )?{_SOMEBODY}"
    r"(?! (?:at|from|in|of|with|who|that|de|del|en|que)\b).*|"
    rf".* (?:agent|agente) {_POLITE}"
)


def asks_for_person(text: str) -> bool:
    """True when the message, or a sentence of it, asks for a person in so many words, or is the key 0. Other wishes are left to the
    model; this way out never depends on it."""
    bare = _bare(text)
    if bare == "0" or _AND_MORE.fullmatch(bare) is not None:
        return True
    if _PERSON.fullmatch(bare) is not None:
        return True
    sentences = (_bare(sentence) for sentence in _SENTENCES.split(text))
    return any(_PERSON.fullmatch(sentence) is not None and sentence not in _NOT_ALONE for sentence in sentences)


_ASKS_ON: Final = re.compile(
    r"(?:(?:and|ok|okay|but|so|y|pero|o sea)\s+)?(?:"
    r"(?:at )?what time(?: is (?:it|that))?|what(?: are the| are their|s the)? hours|how late|(?:un)?till? (?:when|what time)|"
    r"when (?:do|does|is|are) (?:they|it|that)(?: open| close| start| end| over)?|what time (?:do|does) (?:they|it) (?:open|close)|"
    r"wh(?:ere|at) (?:is|are) (?:that|it|they)(?: at)?|where exactly|whats the address|what is the address|which one(?:s)?|"
    r"is it free|how much is it|how far(?: is it)?|how do i get there|"
    r"(?:a|hasta|desde) que horas?(?: es| abren?| cierran?)?|(?:que|cual es el) horario|hasta cuando|"
    r"(?:a )?donde (?:es|esta|queda)(?: eso)?|donde exactamente|(?:cual|que) es la direccion|cual(?:es)?|"
    r"es gratis|cuanto cuesta|que tan lejos(?: esta)?|como llego"
    r")"
)


def asks_on(text: str) -> bool:
    """True for a question that names no subject of its own ("what time?"), so that only the topic before can be meant."""
    return _ASKS_ON.fullmatch(_bare(text)) is not None


def _bare(text: str) -> str:
    folded = "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w\s]", " ", folded.replace("'", "")).split())
