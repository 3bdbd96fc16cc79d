"""Twilio's REST API as the outbox uses it, with the SDK in a thread."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from requests.exceptions import RequestException
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from server.identity.keys import Keys
from server.outbox.service import Outgoing
from server.outbox.worker import SendFailed
from server.settings import Settings
from server.twilio.addresses import reachable
from server.twilio.callbacks import reference_of_row, status_url

TIMEOUT: Final = 10.0
_LONGEST_VALIDITY: Final = 14_400
_CLOCKS_APART: Final = timedelta(minutes=1)


class _Elsewhere(TwilioHttpClient):  # type: ignore[misc]
    """Sends the SDK's requests to another address than https://api.twilio.com, such as a local stand-in."""

    def __init__(self, base: str, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._base = base

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        """Makes a request to the same path at the other address."""
        parts = urlsplit(url)
        rest = parts.path + (f"?{parts.query}" if parts.query else "")
        return super().request(method, self._base + rest, *args, **kwargs)


def make_client(settings: Settings, *, timeout: float = TIMEOUT) -> Client:
    """The SDK's client for this account, against the configured address."""
    base = settings.twilio_api_base
    http = _Elsewhere(base, timeout) if base else TwilioHttpClient(timeout=timeout)
    return Client(settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value(), http_client=http)


class TwilioSender:
    """Sends texts through Twilio: from the Messaging Service if there is one, else from the number the resident wrote to."""

    def __init__(self, settings: Settings, *, keys: Keys | None = None, client: Client | None = None) -> None:
        self._settings = settings
        self._keys = keys or Keys.from_secret(settings.secret_key.get_secret_value())
        self._client = client or make_client(settings)

    async def send(self, outgoing: Outgoing) -> str:
        """Sends one text and gives its SID. Twilio drops it by itself when it could not be sent while it is valid."""
        callback = status_url(self._settings, self._keys, reference_of_row(outgoing.id)) if self._settings.public_url else None
        values: dict[str, Any] = {
            "to": outgoing.to,
            "body": outgoing.text,
            "validity_period": min(outgoing.valid_seconds, _LONGEST_VALIDITY),
        }
        if callback is not None:
            values["status_callback"] = callback
        if self._settings.twilio_messaging_service_sid:
            values["messaging_service_sid"] = self._settings.twilio_messaging_service_sid
        else:
            values["from_"] = self._sender(outgoing)
        message = await self._call(self._client.messages.create, **values)
        return str(message.sid)

    async def find(self, outgoing: Outgoing) -> str | None:
        """The SID of this text when Twilio has it already, found by number, time and words."""
        since = outgoing.created_at - _CLOCKS_APART
        messages = await self._call(self._client.messages.list, to=outgoing.to, date_sent_after=since, limit=50)
        return next((str(m.sid) for m in messages if m.body == outgoing.text and str(m.direction).startswith("outbound")), None)

    def _sender(self, outgoing: Outgoing) -> str:
        ours = outgoing.sender or ""
        return ours if reachable(ours) else self._settings.twilio_number

    async def _call(self, method: Any, **values: Any) -> Any:
        try:
            return await asyncio.to_thread(method, **values)
        except TwilioException as error:
            code, status = getattr(error, "code", None), getattr(error, "status", None)
            raise SendFailed(str(code) if code else None, int(status) if status else None) from error
        except (RequestException, OSError) as error:
            raise SendFailed from error
