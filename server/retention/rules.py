"""How long each class of what residents left with us is kept, and what each class holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from server.settings import FEWEST_DAYS_KEPT, Settings


class Kind(StrEnum):
    """`recordings`: the sound of recorded messages. `numbers`: whatever tells who wrote or called, and the copies that providers'
    messages are taken in with. `words`: what was written and said, the places, and the packets, notes and forms made of it."""

    RECORDINGS = "recordings"
    NUMBERS = "numbers"
    WORDS = "words"


@dataclass(frozen=True)
class Rules:
    """The times in force; a kind without one is kept for ever. `hold` keeps everything, as long as a court or a law asks for it."""

    days: dict[Kind, int]
    hold: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """The rules that the settings name; 0 days means for ever."""
        named = {
            Kind.RECORDINGS: settings.keep_recordings_days,
            Kind.NUMBERS: settings.keep_numbers_days,
            Kind.WORDS: settings.keep_words_days,
        }
        return cls({kind: days for kind, days in named.items() if days}, settings.keep_hold)

    def before(self, kind: Kind, now: datetime) -> datetime | None:
        """What is older than this is past its time; nothing when it is kept."""
        if self.hold or kind not in self.days:
            return None
        return now - timedelta(days=max(self.days[kind], FEWEST_DAYS_KEPT))
