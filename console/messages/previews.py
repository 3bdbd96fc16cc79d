"""A wording as a resident would get it on each channel and in each language, with its size and what is to mend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from knowledge.library import PACKS, Library
from knowledge.lint import check_texts
from knowledge.lint_text import Finding
from knowledge.lint_words import in_language
from knowledge.lint_zones import Meant, check_meant
from knowledge.records import Situation
from knowledge.rendering.segments import measure
from knowledge.rendering.voice import seconds
from knowledge.topics import CHANNELS, LANGUAGES, ChannelName, Texts

SAMPLES: Final[Mapping[str, str | int]] = {
    "options": "1. ... 2. ...",
    "position": 3,
    "minutes": 20,
    "place": "Zone A",
    "reference": "HC-7K3M9Q",
    "number": 1,
}
"""What stands in a preview for the values that the assistant fills in itself."""
PRICE: Final = "sms_segment_price"
"""The city value with the price of one segment, in dollars."""


@dataclass(frozen=True)
class Note:
    """One thing to mend, in the reader's words."""

    error: bool
    text: str


@dataclass(frozen=True)
class Preview:
    """One channel in one language. `text` is empty when it cannot be said; `unfilled` then tells what it waits for."""

    language: str
    channel: ChannelName
    raw: str
    text: str = ""
    html: str | None = None
    more: tuple[str, ...] = ()
    unfilled: tuple[str, ...] = ()
    encoding: str = ""
    units: int = 0
    segments: int = 0
    cost: str = ""
    seconds: int = 0
    notes: tuple[Note, ...] = ()

    @property
    def key(self) -> str:
        """Names its place on the page."""
        return f"{self.language}-{self.channel}"


@dataclass(frozen=True)
class Checked:
    """All previews of a wording, and what is to mend in it as a whole."""

    previews: tuple[Preview, ...]
    notes: tuple[Note, ...]

    @property
    def errors(self) -> int:
        """How many errors there are; a wording with one is not submitted."""
        return sum(note.error for note in (*self.notes, *(note for one in self.previews for note in one.notes)))

    def of(self, language: str) -> tuple[Preview, ...]:
        """The previews of one language."""
        return tuple(one for one in self.previews if one.language == language)


def languages_of(texts: Texts) -> tuple[str, ...]:
    """The languages that a wording is shown in: ours, and those that it has besides."""
    return tuple(dict.fromkeys((*LANGUAGES, *texts)))


def checked(
    library: Library,
    *,
    texts: Texts,
    message_id: str,
    language: str,
    now: datetime,
    meant: Meant,
    place: str | None = None,
) -> Checked:
    """Previews and findings of a wording. `language` is the reader's."""
    by_field: dict[str, list[Note]] = defaultdict(list)
    whole: list[Note] = []
    for finding in check_texts(texts, message_id=message_id, hosts=library.hosts, packs_dir=PACKS):
        _file(finding, by_field, whole, language)
    for finding in check_meant(library, texts=texts, message_id=message_id, meant=meant, now=now):
        whole.append(Note(finding.level == "error", in_language(finding.text, language)))
    previews = tuple(
        _preview(library, texts, Situation(tongue, channel, now, place), tuple(by_field[f"{tongue}.{channel}"]))
        for tongue in languages_of(texts)
        for channel in CHANNELS
    )
    return Checked(previews, tuple(whole))


def _file(finding: Finding, by_field: dict[str, list[Note]], whole: list[Note], language: str) -> None:
    note = Note(finding.level == "error", in_language(finding.text, language))
    if "." in finding.field:
        by_field[finding.field].append(note)
    else:
        whole.append(Note(note.error, f"{finding.field.upper()}: {note.text}"))


def _preview(library: Library, texts: Texts, situation: Situation, notes: tuple[Note, ...]) -> Preview:
    language, channel = situation.language, situation.channel
    raw = texts.get(language, {}).get(channel, "")
    if not raw.strip():
        return Preview(language, channel, raw, notes=notes)
    said = library.preview(texts, situation, **SAMPLES)
    if said is None:
        return Preview(language, channel, raw, unfilled=library.unfilled(texts, situation, **SAMPLES), notes=notes)
    if channel == "sms":
        size = measure(said.text)
        price = library.city.get(PRICE)
        cost = f"${size.segments * price:.4f}".rstrip("0") if isinstance(price, int | float) and price > 0 else ""
        return Preview(
            language, channel, raw, said.text, None, said.more, (), size.encoding, size.units, size.segments, cost, notes=notes
        )
    spoken = round(seconds(said.text)) if channel == "voice" else 0
    return Preview(language, channel, raw, said.text, said.html, said.more, seconds=spoken, notes=notes)
