"""Changing a call that is going on, from outside its own requests."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from requests.exceptions import RequestException
from twilio.base.exceptions import TwilioException

from server.settings import Settings
from server.twilio.client import make_client

log = structlog.get_logger()

TIMEOUT: Final = 4.0
"""Seconds; after that the caller has finished the sentence, which is answered anyway."""


class TwilioCallControl:
    """Changes calls by Twilio's REST API (`POST Calls/{sid}` with a new `Url`)."""

    def __init__(self, settings: Settings) -> None:
        self._client = make_client(settings, timeout=TIMEOUT)

    async def lead(self, sid: str, url: str) -> bool:
        """Breaks off and goes on elsewhere; a call that has ended, or a service that does not answer, is only told in the log."""
        try:
            await asyncio.to_thread(self._client.calls(sid).update, url=url, method="POST")
        except (TwilioException, RequestException, OSError) as error:
            log.warning("voice.not_led", error=type(error).__name__, code=getattr(error, "code", None))
            return False
        return True
