"""What the stand-in keeps of texts, in Twilio's terms."""

from __future__ import annotations

import io
import secrets
import wave
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any


def new_sid(prefix: str) -> str:
    """An id as Twilio makes them: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


def recorded_sound(seconds: int) -> bytes:
    """What a recording of some seconds sounds like here: silence, as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\x80" * 8000 * seconds)
    return file.getvalue()


@dataclass
class Message:
    """One text in either direction."""

    sid: str
    sender: str
    to: str
    body: str
    direction: str
    status: str
    status_callback: str | None = None
    error_code: str | None = None
    validity_period: int | None = None
    service: str | None = None
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def to_json(self, account_sid: str) -> dict[str, Any]:
        """The message resource of the REST API."""
        moment = format_datetime(self.created)
        return {
            "account_sid": account_sid,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": moment,
            "date_sent": moment,
            "date_updated": moment,
            "direction": self.direction,
            "error_code": int(self.error_code) if self.error_code else None,
            "error_message": None,
            "from": self.sender or None,
            "messaging_service_sid": self.service,
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"/2010-04-01/Accounts/{account_sid}/Messages/{self.sid}/Media.json"},
            "to": self.to,
            "uri": f"/2010-04-01/Accounts/{account_sid}/Messages/{self.sid}.json",
        }


class Refusal(Exception):
    """An error of the REST API."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def to_json(self) -> dict[str, Any]:
        """The error as Twilio writes it."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
