"""The parts of a message, and whether it leans on what was asked before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

MOST_CLAUSES: Final = 8
FEWEST_WORDS: Final = 3
SHORT: Final = 5
LONGEST_FOLLOW_UP: Final = 9
"""A message of more words than this says what it is about."""

_SENTENCE: Final = re.compile(r"[.?!;\n\u2026]+(?=\s|$)|[\u00bf\u00a1]")
_JOINT: Final = re.compile(
    r",\s*(?:and|y|but|pero)\b|,|&|\+|(?<!\w)(?:and also|and|n|also|plus|but|then|"
    r"y tambien|y también|tambien|también|ademas|además|y|e|pero)(?!\w)",
    re.IGNORECASE,
)
_OPENS: Final = (
    "and|n|but|or|so|then|also|plus|even|what about|how about|what if|ok and|okay and|and what|same|do they|are they|is it|does it|"
    "will it|will they|can they|did they|how many|how much|how long|how strong|how far|how big|which one|which|till|until|by when|"
    "what time|whats the|any that|is that|does that|can i still|do i|"
    "y|e|o|pero|entonces|tambien|y si|y que|que tal|aunque|hasta|a que hora|cuantos|cuantas|cuanto|cuanta|cual|cuales|es|"
    "y para|y con|y en|y a|abren|cierran|sin|hay que|que tengo"
)
_OPENING: Final = re.compile(rf"(?:ok|okay|oh|um|uh|well|bueno|oiga)?\s*(?:{_OPENS})\b")
_JOINED: Final = re.compile(
    r"(?:ok|okay|oh|um|bueno|oiga)?\s*(?:and|n|but|or|so|then|even|what about|how about|what if|y|e|pero|entonces|aunque|que tal)\b"
)
_ASKING: Final = frozenset(
    (
        "where wheres when whens how hows what whats who whos which why is are can could do does did will would should "
        "shall may any need want report tell know donde adonde onde cuando como que cual cuales quien quienes cuanto "
        "cuanta cuantos cuantas hay puedo puede pueden podemos debo tengo necesito ocupo quiero reportar saber dan abre "
        "abren sigue va van"
    ).split(" ")
)
# Words that any question may hold; they say nothing about its topic.
_GENERAL: Final = _ASKING | frozenset(
    (
        "a an the and or so but then ok okay um uh oh well to for of in on at by from with till until it its that this "
        "those these they them there theyre i im me my we us our you your he she be been was were have has had get got "
        "go come take bring use still yet now today tonight tomorrow monday tuesday wednesday thursday friday saturday "
        "sunday morning night time times day days hour hours week weekend long much many far big soon late early often "
        "open opens close closes closed free cost costs price limit max maximum min deadline last next first again too "
        "also else even if not no all both each per day think there here ready el la los las lo un una y e o pero "
        "entonces si de del al a en por para con sin hasta desde es esta estan eso esa ese esos ahi alli me mi nos se "
        "te le les yo ellos usted ustedes son fue era hoy manana noche dia dias hora horas semana domingo domingos "
        "lunes martes miercoles jueves viernes sabado sabados tiempo tarde temprano mucho mas menos gratis cuesta "
        "cobran precio limite plazo ultimo ultima proximo abierto cierra cierran cerrado tambien todavia aun todos dar "
        "hacer ir tarda dura falta creen cree"
    ).split(" ")
)
_ASKS_SOMETHING: Final = _ASKING | {"open", "opens", "free", "gratis", "hasta", "till", "until", "abierto", "cierra", "cierran"}
_POINTING: Final = re.compile(
    r"\b(?:it|its|they|them|that|those|there|one|too|theyre|hes|shes|tho|instead|eso|esa|ese|esos|esas|ahi|alli|tambien|otra|otro)\b"
)


def clauses(text: str) -> list[str]:
    """The parts that might be questions of their own; none when the text is one piece."""
    parts: list[str] = []
    for sentence in _SENTENCE.split(text):
        pieces = [piece.strip() for piece in _JOINT.split(sentence or "") if piece and piece.strip()]
        parts.extend(_joined(pieces))
    return parts[:MOST_CLAUSES] if len(parts) > 1 else []


def _joined(pieces: Sequence[str]) -> list[str]:
    """Pieces too short to ask anything stay with their neighbour: "food and water" is one thing."""
    parts: list[str] = []
    carried = ""
    for piece in pieces:
        carried = f"{carried} {piece}".strip()
        if len(carried.split()) >= FEWEST_WORDS:
            parts.append(carried)
            carried = ""
    if carried:
        if parts:
            parts[-1] = f"{parts[-1]} {carried}"
        else:
            parts.append(carried)
    return parts


def asks(tokens: Sequence[str]) -> bool:
    """Whether the plain words of a part ask or request something, and do not only tell what happened."""
    return not _ASKING.isdisjoint(tokens)


def leans(tokens: Sequence[str]) -> bool:
    """Whether a message of these plain words could be the continuation of another."""
    if len(tokens) > LONGEST_FOLLOW_UP or not any(token.isalpha() for token in tokens):
        return False
    text = " ".join(tokens)
    return len(tokens) <= SHORT or _OPENING.match(text) is not None or _POINTING.search(text) is not None


def joined_on(tokens: Sequence[str]) -> bool:
    """Whether a message says by its first word that it goes on from the one before: "and pets?"."""
    return 0 < len(tokens) <= LONGEST_FOLLOW_UP and _JOINED.match(" ".join(tokens)) is not None


def names_nothing(tokens: Sequence[str]) -> bool:
    """Whether a question holds only words that fit any topic: "what time does it close"."""
    return len(tokens) > 1 and _GENERAL.issuperset(tokens) and not _ASKS_SOMETHING.isdisjoint(tokens)
