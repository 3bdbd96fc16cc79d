"""The errors that Spillway raises on purpose. Each carries a code and a text that may be shown to a person."""

from __future__ import annotations


class SpillwayError(Exception):
    """Base of the family. `safe_text` never holds personal data or internals; `status` is the HTTP status of a surface.

    `words` is the catalogue key of the same text for staff pages, which are shown in two languages; `values` fill its braces."""

    code = "error"
    status = 500

    def __init__(self, safe_text: str, *, words: str | None = None, **values: str | int) -> None:
        super().__init__(safe_text)
        self.safe_text = safe_text
        self.words = words
        self.values = values


class BadInput(SpillwayError):
    """What was sent cannot be understood; nothing was changed."""

    code = "bad_input"
    status = 400


class Forbidden(SpillwayError):
    """The sender may not do this, or did not prove who they are."""

    code = "forbidden"
    status = 403


class NotFound(SpillwayError):
    """There is no such thing, or it is not the sender's."""

    code = "not_found"
    status = 404


class Conflict(SpillwayError):
    """Somebody else changed it first; nothing was overwritten."""

    code = "conflict"
    status = 409


class TooLarge(SpillwayError):
    """More was sent than is taken at once."""

    code = "too_large"
    status = 413


class NotReady(SpillwayError):
    """A part that is needed is not there; the text names it."""

    code = "not_ready"
    status = 503
