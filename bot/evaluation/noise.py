"""Damage as a speech recogniser does it: words dropped, replaced by others of like sound, or run together."""

from __future__ import annotations

import random
from typing import Final

_SOUNDS_LIKE: Final[dict[str, str]] = {
    **dict(pair.split("/") for pair in (
        "breathe/breath breathing/breeding can't/can cant/can't won't/want he's/his she's/cheese we're/where they're/there "
        "there/their water/order fire/far gas/guess trapped/trap hurt/her my/might mom/mum roof/room is/as the/a and/in "
        "to/two her/here house/how's smoke/spoke bleeding/reading falling/calling help/held gun/gone door/four inside/in side "
        "respira/respirar agua/a gua esta/estas se/sé mi/me fuego/juego humo/uno ayuda/ayudar casa/caza hijo/hijos una/un"
    ).replace("in side", "inside").replace("a gua", "agua").split()),
}  # fmt: skip
"""Pairs that recognisers confuse on the phone."""


def damage(text: str, *, share: float, seed: int) -> str:
    """The text with about `share` of its words damaged, the same way each time for the same seed."""
    chance = random.Random(f"{seed}:{text}")
    words = text.lower().split()
    result: list[str] = []
    for word in words:
        if chance.random() >= share:
            result.append(word)
            continue
        kind = chance.random()
        if kind < 0.4 and len(words) > 3:
            continue
        if kind < 0.8:
            result.append(_SOUNDS_LIKE.get(word, word[:-1] if len(word) > 3 else word))
        elif result:
            result[-1] += word
        else:
            result.append(word)
    return " ".join(result) or text
