"""Reads the words of pages from the YAML files beside this module, one file an area, each key in every language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from server.errors import NotReady

LANGUAGES: Final = ("en", "es")
"""The languages that pages are shown in; the first one is the default."""
FOLDER: Final = Path(__file__).parent
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_area(path: Path) -> dict[str, Mapping[str, str]]:
    """The words of one file, by their full keys. Raises `NotReady`, naming the key, when a language is missing."""
    data: Any = yaml.load(path.read_text("utf-8"), Loader=_LOADER)  # noqa: S506  (safe, and fast where libyaml is there)
    if not isinstance(data, dict):
        raise NotReady(f"{path.name}: each line must be a key with its words in {' and '.join(LANGUAGES)}.")
    found: dict[str, Mapping[str, str]] = {}
    for key, texts in data.items():
        if not isinstance(texts, dict) or set(texts) != set(LANGUAGES) or not all(isinstance(t, str) and t for t in texts.values()):
            raise NotReady(f"{path.name}: {key} must have words in {' and '.join(LANGUAGES)}.")
        found[f"{path.stem}.{key}"] = MappingProxyType({language: str(texts[language]).strip() for language in LANGUAGES})
    return found


@lru_cache(maxsize=1)
def _all() -> Mapping[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {}
    for path in sorted(FOLDER.glob("*.yml")):
        found |= read_area(path)
    return MappingProxyType(found)


def text(key: str, language: str, **values: str | int) -> str:
    """The words of a key such as `chat.title`, in English when the language is none of ours; `values` fill its braces.

    Raises `NotReady` for an unknown key or a value that is not given."""
    texts = _all().get(key)
    if texts is None:
        raise NotReady(f"The page words {key} are missing.")
    try:
        return texts.get(language, texts[LANGUAGES[0]]).format_map(values)
    except KeyError as error:
        raise NotReady(f"The page words {key} need a value for {error}.") from error


def has(key: str) -> bool:
    """True when the catalogue has words for a key."""
    return key in _all()


def words(area: str, language: str) -> dict[str, str]:
    """All words of one area with their braces unfilled, for a page that fills them itself; keys are without the area."""
    start = f"{area}."
    return {
        key.removeprefix(start): texts.get(language, texts[LANGUAGES[0]]) for key, texts in _all().items() if key.startswith(start)
    }
