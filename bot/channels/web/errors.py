"""The errors of the web chat, beside those of every surface."""

from __future__ import annotations

from server.errors import BadInput, SpillwayError


class NoSession(SpillwayError):
    """The browser named no session of ours; it asks for one and sends again."""

    code = "no_session"
    status = 401


class Empty(BadInput):
    """There was nothing to answer."""

    code = "empty"


class WrongType(BadInput):
    """The body was neither JSON nor a form."""

    code = "wrong_type"
    status = 415


class TooMany(SpillwayError):
    """More was sent in a minute than one person writes; `wait` is in seconds."""

    code = "too_many"
    status = 429

    def __init__(self, safe_text: str, *, wait: int) -> None:
        super().__init__(safe_text)
        self.wait = wait
