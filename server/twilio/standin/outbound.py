"""A call that our side places: it rings until somebody picks up or does not, and tells how it goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal

from server.twilio.standin.calls import Call, CallError

Refused = Literal["busy", "no-answer", "failed", "canceled"]
_EVENT_OF: Final = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}
"""The event that has to be asked for, by status; the end is told when `completed` was asked for."""


class OutboundCall(Call):
    """A call made over the REST API. Who picks up hears the document at `url`; nobody here ever hangs up on a resident, so that
    these documents alone may come to an end."""

    may_end = True

    def __init__(
        self,
        *args: Any,
        url: str,
        status_callback: str,
        events: frozenset[str],
        report: Callable[[str, Mapping[str, str]], None],
        release: Callable[[], Awaitable[object]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._answer_url = url
        self._status_callback = status_callback
        self._events = events
        self._report = report
        self._release = release

    def placed(self) -> None:
        """The telephone begins to ring."""
        self._tell("initiated")
        self._tell("ringing")

    async def answer(self) -> None:
        """Somebody, or something, picks up."""
        self._ringing()
        self.state = "in-progress"
        self._tell("in-progress")
        await self._release()
        await self._fetch(self._answer_url, {})
        await self._run()

    async def refuse(self, status: Refused) -> None:
        """Nobody picks up."""
        self._ringing()
        self._end(status)
        self._tell(status)
        await self._release()

    async def hang_up(self, status_path: str = "") -> None:
        """The one who was called hangs up, or the call is ended over the REST API."""
        del status_path
        if self.state == "ringing":
            await self.refuse("canceled")
        elif self.state != "ended":
            await self._leave()
            self._end("callee")
            await self._over()

    def _direction(self) -> str:
        return "outbound-api"

    def _ringing(self) -> None:
        if self.state != "ringing":
            raise CallError(f"it does not ring: {self.state}")

    async def _over(self) -> None:
        self._tell("completed")
        await self._release()

    def _tell(self, status: str) -> None:
        if _EVENT_OF.get(status, "completed") in self._events:
            self._report(self._status_callback, self._fields({"CallStatus": status}))
