"""Changing a call that is going on, from outside its own requests, and placing one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog
from requests.exceptions import RequestException
from twilio.base.exceptions import TwilioException

from server.settings import Settings
from server.twilio.client import make_client
from server.twilio.ports import Ring

log = structlog.get_logger()

TIMEOUT: Final = 4.0
"""Seconds; after that the caller has finished the sentence, which is answered anyway."""
PROGRESS: Final = ["initiated", "ringing", "answered", "completed"]
"""What is to be told of a call that we place (`StatusCallbackEvent`)."""


class TwilioCallControl:
    """Changes calls by Twilio's REST API: `POST Calls/{sid}`, `POST Calls`, `POST Conferences/{sid}/Participants/{sid}`."""

    def __init__(self, settings: Settings) -> None:
        self._client = make_client(settings, timeout=TIMEOUT)

    async def lead(self, sid: str, url: str) -> bool:
        """Breaks off and goes on elsewhere; a call that has ended, or a service that does not answer, is only told in the log."""
        return await self._done("voice.not_led", lambda: self._client.calls(sid).update(url=url, method="POST")) is not None

    async def ring(self, ring: Ring) -> str | None:
        """Places a call; without recording and without machine detection, because a key has to be pressed."""
        call = await self._done(
            "voice.not_placed",
            lambda: self._client.calls.create(
                to=ring.to,
                from_=ring.sender,
                url=ring.url,
                method="POST",
                status_callback=ring.status_url,
                status_callback_method="POST",
                status_callback_event=PROGRESS,
                timeout=ring.seconds,
            ),
        )
        return str(call.sid) if call is not None else None

    async def end(self, sid: str) -> bool:
        """Hangs up; `completed` also ends a call that still rings."""
        return await self._done("voice.not_ended", lambda: self._client.calls(sid).update(status="completed")) is not None

    async def hold(self, conference: str, sid: str, *, on: bool, url: str) -> bool:
        """Holds a participant of the running conference of that name."""

        def act() -> Any:
            running = self._client.conferences.list(friendly_name=conference, status="in-progress", limit=1)
            if not running:
                return None
            participant = self._client.conferences(running[0].sid).participants(sid)
            return participant.update(hold=True, hold_url=url, hold_method="GET") if on else participant.update(hold=False)

        return await self._done("voice.not_held", act) is not None

    async def _done(self, event: str, act: Callable[[], Any]) -> Any:
        try:
            return await asyncio.to_thread(act)
        except (TwilioException, RequestException, OSError) as error:
            log.warning(event, error=type(error).__name__, code=getattr(error, "code", None))
            return None
