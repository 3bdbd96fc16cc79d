"""The address at which Twilio reports how far a text got, with a signed word for which text it was."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

from server.identity.keys import Keys
from server.settings import Settings


def reference_of_claim(claim: str) -> str:
    """The reference of the text that answers an inbound message in the webhook's own response."""
    return f"t{claim}"


def reference_of_row(row_id: int) -> str:
    """The reference of a text that the outbox sends."""
    return f"o{row_id}"


def status_url(settings: Settings, keys: Keys, reference: str) -> str:
    """The callback address of one text; relative when no public address is configured, which TwiML allows."""
    query = urlencode({"m": reference, "k": keys.sign(f"sms-status:{reference}")})
    return f"{settings.public_url}/twilio/sms/status?{query}"


def read_reference(keys: Keys, query: Mapping[str, str]) -> str | None:
    """The reference in a callback's address, or nothing when there is none of ours."""
    reference = query.get("m", "")
    genuine = hmac.compare_digest(keys.sign(f"sms-status:{reference}").encode(), query.get("k", "").encode())
    return reference if reference and genuine else None
