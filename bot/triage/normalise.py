"""Brings a message to one plain form, so that rules and classifier read what was meant, not how it was typed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from bot.triage.spelling import Spelling

LONGEST_READ = 4000
"""Characters that are read: the first three quarters and the last quarter of a longer message."""

_HEAD = LONGEST_READ * 3 // 4
_INVISIBLE = re.compile(
    r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u2064\u206a-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]"
)
_QUOTES = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bc\u00b4`\u2032", "'"))
_EMOJI = {
    "\U0001f198": " sos ",
    "\U0001f52b": " emojigun ",
    "\U0001f48a": " emojipill ",
    "\U0001fa78": " emojiblood ",
    "\U0001f525": " emojifire ",
    "\U0001f691": " ambulance ",
}
_DATE_911 = re.compile(r"\b(?:sept(?:ember)? 11\w*|9/11|9-11-?01|11-s)\b")
_DIGITS_911 = re.compile(r"(?<![\d/.-])9[\s.\-_*]{0,3}1[\s.\-_*]{0,3}1(?![\d/]|[.-]\d|\s\d{2})")
_SPACED_LETTERS = re.compile(r"(?<![\w'])(?:[a-z][ .]){2,}[a-z](?![\w'])")
_LINK = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\S+")
_SENTENCE_BREAK = re.compile(r"[.!?;\u2026]+(?=\s|$|[^\d\s])|[\n\r\u2028\u2029]+|\s-+\s|[\u2013\u2014|]")
_CLAUSE_BREAK = re.compile(r"[,:()\[\]\"]+")
_WORD = re.compile(r"[a-z0-9']+(?:[@$!](?=[a-z0-9])[a-z0-9@$!]*)?")


@dataclass(frozen=True)
class Sentence:
    """One sentence as canonical words, and where its clauses begin (word positions, the first is 0)."""

    words: tuple[str, ...]
    starts: tuple[int, ...]

    @property
    def text(self) -> str:
        """The words between single spaces, with one at either end, which is how patterns read them."""
        return f" {' '.join(self.words)} "

    def clause_of(self, position: int) -> int:
        """The number of the clause that holds the word at this position."""
        return sum(1 for start in self.starts if start <= position) - 1

    def clauses(self) -> list[tuple[str, ...]]:
        """The words of each clause."""
        ends = (*self.starts[1:], len(self.words))
        return [self.words[start:end] for start, end in zip(self.starts, ends, strict=True)]


@dataclass(frozen=True)
class Normal:
    """A message in its plain form."""

    sentences: tuple[Sentence, ...]
    shouting: bool
    question: bool
    pleading: bool

    @property
    def words(self) -> tuple[str, ...]:
        """All words of the message in order."""
        return tuple(word for sentence in self.sentences for word in sentence.words)

    @property
    def text(self) -> str:
        """The whole message in canonical words."""
        return " ".join(self.words)


def fold(text: str) -> str:
    """Lower case without accents, invisible characters and curly quotes; emoji with a meaning become words."""
    if len(text) > LONGEST_READ:
        text = f"{text[:_HEAD]}\n{text[-(LONGEST_READ - _HEAD) :]}"
    text = _INVISIBLE.sub("", text.replace("\t", " "))
    for emoji, word in _EMOJI.items():
        text = text.replace(emoji, word)
    text = unicodedata.normalize("NFKD", text.translate(_QUOTES)).casefold()
    return "".join(char for char in text if not unicodedata.combining(char)).translate(_QUOTES)


def normalise(text: str, spelling: Spelling) -> Normal:
    """Read a message as sentences of canonical words."""
    letters = [char for char in text if char.isalpha()]
    shouting = len(letters) >= 8 and sum(char.isupper() for char in letters) > 0.8 * len(letters)
    folded = _LINK.sub(" ", fold(text))
    folded = spelling.phrases(folded)
    folded = _DATE_911.sub(" septembereleven ", folded)
    folded = _DIGITS_911.sub(" 911 ", folded)
    folded = _SPACED_LETTERS.sub(lambda match: re.sub("[ .]", "", match.group()), folded)
    sentences = tuple(sentence for part in _SENTENCE_BREAK.split(folded) for sentence in _sentences(part or "", spelling))
    return Normal(
        sentences=sentences,
        shouting=shouting,
        question="?" in text or "\u00bf" in text,
        pleading="!!" in text or "??" in text,
    )


def _sentences(part: str, spelling: Spelling) -> list[Sentence]:
    words: list[str] = []
    starts: list[int] = []
    for piece in _CLAUSE_BREAK.split(part):
        fresh = spelling.words(_WORD.findall(piece))
        if fresh:
            starts.append(len(words))
            words.extend(fresh)
    return _split_at_turns(words, starts, spelling)


def _split_at_turns(words: list[str], starts: list[int], spelling: Spelling) -> list[Sentence]:
    """Cut where speech turns to another matter ("but", "anyway", "pero"), since speech carries no full stops."""
    sentences: list[Sentence] = []
    begin = 0
    for position in range(1, len(words) + 1):
        if position == len(words) or words[position] in spelling.turns:
            inner = [start - begin for start in starts if begin < start < position]
            joined = [
                index - begin for index in range(begin + 1, position) if words[index] in spelling.joints and position - index > 1
            ]
            cuts = tuple(sorted({0, *inner, *joined}))
            if words[begin:position]:
                sentences.append(Sentence(words=tuple(words[begin:position]), starts=cuts))
            begin = position
    return sentences
