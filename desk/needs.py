"""What a resident's own words tell of their needs, and the place in the line that follows. The words stand in `needs.yml`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import yaml

from desk.suggest import plain

FILE: Final = Path(__file__).parent / "needs.yml"
EMERGENCY: Final = 0
VULNERABLE: Final = 1
ORDINARY: Final = 2


def _pattern(words: str) -> str:
    return r"\b" + re.escape(words).replace(r"\*", r"\w*").replace(r"\?", r"\d").replace(r"\ ", r"\s+") + r"\b"


# Read when the program starts: a slip in the file stops the start, never a resident on the way to a person.
_PATTERNS: Final = tuple(
    (name, re.compile("|".join(_pattern(words) for words in some)))
    for name, some in yaml.safe_load(FILE.read_text("utf-8")).items()
)


def needs_in(texts: Iterable[str]) -> list[str]:
    """The needs that some texts tell of, in the order of the file."""
    said = " | ".join(re.sub(r"[^\w\s]", " ", plain(text)) for text in texts)
    return [name for name, pattern in _PATTERNS if pattern.search(said)]


def priority_of(reason_priority: int, *, emergency: bool, needs: Iterable[str]) -> int:
    """The place in the order of the line: an emergency first, who is vulnerable or distressed next, then by arrival."""
    found = EMERGENCY if emergency else VULNERABLE if any(needs) else ORDINARY
    return min(reason_priority, found)
