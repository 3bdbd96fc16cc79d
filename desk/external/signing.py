"""Proof that a request is fresh and comes from who shares the secret: an HMAC-SHA256 over the time and the body.

The scheme is the one that Chatwoot uses for its webhooks, too: the hex digest of `{timestamp}.{body}`."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from server.errors import Forbidden
from server.metrics import REFUSED

FRESH_SECONDS: Final = 300
"""So far may the clock of the sender be from ours; what is older is taken for a replay."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The hex digest of one request."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def verify(secrets: Sequence[str], *, timestamp: str, body: bytes, given: str, now: datetime) -> None:
    """Raises `Forbidden`, always with the same words, unless one of the secrets signed this body within the last minutes."""
    fresh = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
    fresh = fresh and abs(now.timestamp() - int(timestamp)) <= FRESH_SECONDS
    genuine = any(hmac.compare_digest(signature(each, timestamp, body), given) for each in secrets if each and given.isascii())
    if not (fresh and genuine):
        REFUSED.labels(reason="outside_desk_stale" if genuine else "outside_desk_signature").inc()
        raise Forbidden("Forbidden.")
