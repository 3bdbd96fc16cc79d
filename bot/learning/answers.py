"""What each of the last models made of each sentence, kept, so that the live model is not asked the same again at each training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from bot.learning.gate import Case, Understood
from bot.learning.replay import understand_all
from bot.topics.model import TopicModel

MODELS_KEPT: Final = 4
READING: Final = Path(__file__).resolve().parent.parent / "topics"
"""The code that reads a message with a model: another version of it may answer otherwise."""


class Answers:
    """The answers of one model file, in a file that several models share."""

    def __init__(self, path: Path, model: Path) -> None:
        self._path = path
        digest = hashlib.sha256(model.read_bytes())
        for source in sorted(READING.glob("*.py")):
            digest.update(source.read_bytes())
        self._name = digest.hexdigest()

    def all(self, model: TopicModel, cases: Sequence[Case], *, progress: Callable[[float], None]) -> list[Understood]:
        """The answers to all cases, asking only for those that are not known."""
        kept = self._read()
        known = kept.pop(self._name, {})
        new = [case for case in cases if _key(case) not in known]
        for case, found in zip(new, understand_all(model, new, progress=progress), strict=True):
            known[_key(case)] = [found.intent, *found.offered]
        kept[self._name] = {key: known[key] for key in map(_key, cases)}
        made = self._path.with_suffix(".new")
        made.write_text(json.dumps(dict(list(kept.items())[-MODELS_KEPT:])), "utf-8")
        made.replace(self._path)
        return [Understood(intent, tuple(offered)) for intent, *offered in (known[_key(case)] for case in cases)]

    def _read(self) -> dict[str, dict[str, Any]]:
        """What is kept; a file that is missing or broken keeps nothing, and everything is asked anew."""
        try:
            found: dict[str, dict[str, Any]] = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _key(case: Case) -> str:
    # The topic is part of it: of two questions in one message, either may be the one that is looked for.
    return hashlib.blake2b(f"{case.language} {case.intent} {case.text}".encode(), digest_size=12).hexdigest()
