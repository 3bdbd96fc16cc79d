"""Which cases go to a person by themselves, besides the answer that they get. The patterns stand in `complex.yml`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import yaml

from desk.suggest import plain

FILE: Final = Path(__file__).parent / "complex.yml"
LONG: Final = 60
"""A message of more words with several questions in it is more than the assistant should take apart."""
_QUESTIONS: Final = 3
# Read when the program starts: a slip in the file stops the start, never a resident on the way to a person.
_PATTERNS: Final = tuple(
    (reason, re.compile("|".join(patterns))) for reason, patterns in yaml.safe_load(FILE.read_text("utf-8")).items()
)


def goes_by_itself(text: str) -> str | None:
    """The reason for which a message goes to a person; nothing for the most."""
    if len(text.split()) > LONG and text.count("?") >= _QUESTIONS:
        return "complex_case"
    bare = " ".join(re.sub(r"[^\w\s]", " ", plain(text)).split())
    return next((reason for reason, pattern in _PATTERNS if pattern.search(bare)), None)
