"""Recorded messages as Twilio keeps them, behind its REST API: nothing of them is public."""

from __future__ import annotations

from typing import Final

import httpx
import structlog

from server.settings import Settings

log = structlog.get_logger()

TIMEOUT: Final = 10.0
LARGEST: Final = 8 * 1024 * 1024
_HOME: Final = "https://api.twilio.com"


class TwilioRecordings:
    """Fetches and removes recordings with the account's own credentials."""

    def __init__(self, settings: Settings) -> None:
        self._root = f"{settings.twilio_api_base or _HOME}/2010-04-01/Accounts/{settings.twilio_account_sid}/Recordings"
        self._auth = (settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value())

    async def fetch(self, recording: str) -> bytes | None:
        """The sound as MP3; nothing, and a line in the log, when it is not there or too large to be a message."""
        answer = await self._ask("GET", f"{recording}.mp3")
        return answer.content if answer is not None and answer.content and len(answer.content) <= LARGEST else None

    async def remove(self, recording: str) -> bool:
        """Deletes it; one that is gone already counts as removed."""
        return await self._ask("DELETE", f"{recording}.json") is not None

    async def _ask(self, method: str, name: str) -> httpx.Response | None:
        try:
            async with httpx.AsyncClient(auth=self._auth, timeout=TIMEOUT, follow_redirects=True) as client:
                answer = await client.request(method, f"{self._root}/{name}")
        except httpx.HTTPError as error:
            log.warning("recording.unreachable", error=type(error).__name__)
            return None
        if answer.is_success or (method == "DELETE" and answer.status_code == 404):
            return answer
        log.warning("recording.refused", status=answer.status_code)
        return None
