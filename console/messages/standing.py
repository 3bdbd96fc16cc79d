"""How the versions of one message stand at a moment: which is said, which waits, which comes later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from knowledge.approval import Rule, rule_for
from knowledge.editing import OPEN
from knowledge.lifecycle import State
from knowledge.models import MessageVersion

SOON: Final = timedelta(hours=12)
"""What ends within this time is shown as ending."""


@dataclass(frozen=True)
class Standing:
    """The versions of one message, told apart. `live` is said now, `coming` begins later, `waiting` is not published yet."""

    newest: MessageVersion
    live: MessageVersion | None
    coming: tuple[MessageVersion, ...]
    waiting: tuple[MessageVersion, ...]

    @property
    def draft(self) -> MessageVersion | None:
        """The newest draft that is still written."""
        return next((one for one in self.waiting if one.state == State.DRAFT.value), None)


def standing(versions: Iterable[MessageVersion], now: datetime) -> Standing:
    """How versions of one message stand. As the assistant does it: the newest one that has begun is the only one, and an older one
    does not come back when it ends."""
    newest_first = sorted(versions, key=lambda one: one.version, reverse=True)
    published = [one for one in newest_first if one.state == State.PUBLISHED.value]
    begun = next((one for one in published if one.valid_from is None or one.valid_from <= now), None)
    live = begun if begun is not None and (begun.expires_at is None or now < begun.expires_at) else None
    coming = tuple(one for one in published if one.valid_from is not None and one.valid_from > now)
    waiting = tuple(one for one in newest_first if one.state in OPEN)
    return Standing(newest_first[0], live, coming, waiting)


def people_needed(message_id: str, intent: str | None, *, training: bool) -> tuple[Rule, bool]:
    """The rule for a message, and whether a single person may publish it here: by the rule, or because this is training."""
    rule = rule_for(message_id, intent)
    return rule, training or rule.people == 1
