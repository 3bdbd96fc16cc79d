"""The live board in pieces: what changed since a page last heard, each piece made once for all pages that show the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final

from desk.boards import Board, Item, Snapshot, board_of
from server import clock

Make = Callable[..., str]
"""Makes a piece from a template's name, the language of the page and its values."""
MOST_KEPT: Final = 4000


@dataclass
class Viewer:
    """One open board, and what it shows already."""

    name: str
    language: str
    takes: bool
    sent: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)


class Pieces:
    """Makes the news of each open board. A line that looks the same for many is made once."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._made: dict[Hashable, str] = {}

    def news(self, snapshot: Snapshot, viewer: Viewer) -> str:
        """What changed on one board since the last news, as JSON; the page puts it in its places (`desk.js`)."""
        board = board_of(snapshot, name=viewer.name)
        some = {
            "b-presence": self._kept("_b_presence.html", viewer, (board.state,), board=board),
            "b-outside": self._kept("_b_outside.html", viewer, board.outside_down, board=board),
            "b-offered": self._kept("_b_offered.html", viewer, tuple(map(_looks, board.offered)), board=board),
            "b-alerts": self._kept("_b_alerts.html", viewer, tuple(alert.id for alert, _ in board.alerts), board=board),
            "b-mine": self._kept("_b_mine.html", viewer, tuple(map(_mine, board.mine)), board=board),
            "waiting": self._kept("_b_waiting.html", viewer, (board.total,), board=board),
            "b-behind": self._kept("_b_behind.html", viewer, (board.total, len(board.waiting)), board=board),
            "b-callbacks": self._kept("_b_callbacks.html", viewer, tuple(map(_looks, board.callbacks)), board=board),
            "taken": self._kept("_b_taken.html", viewer, (len(board.others),), board=board),
            "b-none": self._kept("_b_none.html", viewer, (bool(board.others),), board=board),
        }
        lines = {f"w{item.handoff.id}": self._kept("_b_line.html", viewer, _looks(item), item=item) for item in board.waiting}
        others = {f"x{item.handoff.id}": self._kept("_b_other.html", viewer, _who(item), item=item) for item in board.others}
        return self._said(viewer, board, some, {"b-line": lines, "b-others": others})

    def _said(self, viewer: Viewer, board: Board, some: dict[str, str], lists: dict[str, dict[str, str]]) -> str:
        items = {key: html for pieces in lists.values() for key, html in pieces.items()}
        order = {name: list(pieces) for name, pieces in lists.items()}
        news = {
            "pieces": {key: html for key, html in some.items() if viewer.sent.get(key) != html},
            "items": {key: html for key, html in items.items() if viewer.sent.get(key) != html},
            "lists": {name: keys for name, keys in order.items() if viewer.lists.get(name) != keys},
            "rings": board.rings,
            "alarms": board.alarms,
            "unread": board.unread,
            "total": board.total,
            "now": clock.now().isoformat(),
        }
        viewer.sent, viewer.lists = some | items, order
        return json.dumps(news, ensure_ascii=False, separators=(",", ":"))

    def _kept(self, name: str, viewer: Viewer, looks: Hashable, **values: Any) -> str:
        key = (name, viewer.language, viewer.takes, looks)
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= MOST_KEPT:
                self._made.clear()
            made = self._made[key] = self._make(name, language=viewer.language, takes=viewer.takes, **values)
        return made


def _looks(item: Item) -> Hashable:
    """All that a line shows: two that are alike here look alike."""
    handoff, conversation = item.handoff, item.conversation
    return (
        handoff.id,
        handoff.state,
        handoff.reason,
        handoff.priority,
        handoff.front,
        handoff.accepted_by,
        handoff.group,
        tuple(handoff.packet.get("needs", [])),
        item.short,
        conversation.language,
        conversation.place,
        item.fit,
        item.outside,
    )


def _mine(item: Item) -> Hashable:
    return (_looks(item), item.unread, item.handoff.packet["last_message"])


def _who(item: Item) -> Hashable:
    return (item.handoff.id, item.handoff.accepted_by, item.conversation.reference)
