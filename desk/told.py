"""What an approved message is called on the desk's pages: its topic, or its own name, with the version."""

from __future__ import annotations

from console.catalogue import has, text
from knowledge.library import Library


def told_words(library: Library, reference: str, language: str) -> str:
    """The name of `message@version` in the language of the page. One without a name is shown as it is written."""
    message_id, _, version = reference.partition("@")
    intent = message_id.partition(".")[0]
    if intent in library.topics:
        name = library.title(intent, language)
    elif has(f"desk_told.{message_id}"):
        name = text(f"desk_told.{message_id}", language)
    else:
        name = message_id
    return f"{name}, v{version}" if version and version != "0" else name
