"""The plain adapter: each parcel is one signed POST of JSON; what comes in is signed the same way (docs/external-desk.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import httpx
from pydantic import BaseModel, Field, ValidationError

from desk.external.port import Agent, Event, NotDelivered, Parcel, Receipt, Said, Trouble, trouble_of
from desk.external.signing import signature, verify
from server import clock
from server.errors import BadInput

_ID: Final = r"[A-Za-z0-9._:@/-]{1,100}"
_MOST_TEXT: Final = 10_000


class AgentIn(BaseModel):
    """One of their agents."""

    id: str = Field(min_length=1, max_length=200)
    name: str = Field(default="", max_length=200)
    languages: list[str] = Field(default_factory=list, max_length=20)


class EventIn(BaseModel):
    """A request of their desk."""

    id: str = Field(pattern=f"^{_ID}$")
    kind: Said
    conversation: str = Field(min_length=1, max_length=16)
    agent: AgentIn
    text: str = Field(default="", max_length=_MOST_TEXT)
    settled: str = Field(default="other", max_length=24)


class WebhookDesk:
    """A desk that takes signed requests at one address."""

    kind = "webhook"

    def __init__(self, *, url: str, secrets: Sequence[str], timeout: float) -> None:
        self._url, self._secrets = url, tuple(each for each in secrets if each)
        self._http = httpx.AsyncClient(timeout=timeout, follow_redirects=False)

    async def deliver(self, parcel: Parcel) -> Receipt:
        """Hands one parcel over. Their desk knows a second try by `Idempotency-Key`, and answers it like the first."""
        content = {
            "id": parcel.id,
            "kind": parcel.kind.value,
            "at": parcel.at.isoformat(),
            "conversation": {"reference": parcel.reference, "id": parcel.outside_id},
            **parcel.body,
        }
        answer = await self._post(content, key=parcel.id)
        return Receipt(outside_id=_name_in(answer))

    async def probe(self) -> str:
        """Sends a `ping`, which their desk answers like anything else."""
        answer = await self._post({"id": "ping", "kind": "ping", "at": clock.now().isoformat()}, key="ping")
        return f"The address answers {answer.status_code}."

    async def close(self) -> None:
        """Gives connections back."""
        await self._http.aclose()

    async def _post(self, content: Mapping[str, Any], *, key: str) -> httpx.Response:
        body = json.dumps(content, ensure_ascii=False).encode()
        timestamp = str(int(clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "X-Spillway-Timestamp": timestamp,
            "X-Spillway-Signature": f"sha256={signature(self._secrets[0], timestamp, body)}",
        }
        return await asked(self._http.post(self._url, content=body, headers=headers))

    def read(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Event | None:
        """One event of theirs. Raises `Forbidden` or `BadInput`."""
        given = headers.get("x-spillway-signature", "").removeprefix("sha256=")
        verify(self._secrets, timestamp=headers.get("x-spillway-timestamp", ""), body=body, given=given, now=now)
        try:
            event = EventIn.model_validate_json(body)
        except ValidationError as error:
            fields = ", ".join(".".join(str(part) for part in found["loc"]) or "body" for found in error.errors()[:5])
            raise BadInput(f"These fields are missing or wrong: {fields}.") from error
        agent = Agent(event.agent.id, event.agent.name, tuple(event.agent.languages))
        return Event(
            id=f"webhook:{event.id}",
            said=event.kind,
            agent=agent,
            reference=event.conversation,
            text=event.text,
            settled=event.settled,
        )


async def asked(request: Any) -> httpx.Response:
    """The answer to a request, when it is a success. Raises `NotDelivered` with the class of what went wrong."""
    try:
        response: httpx.Response = await request
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise NotDelivered(Trouble.PASSING, "no connection") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotDelivered(Trouble.PASSING, "no answer") from error
    if response.is_success:
        return response
    wait = response.headers.get("retry-after", "")
    seconds = int(wait) if re.fullmatch(r"[0-9]{1,6}", wait) else None
    raise NotDelivered(trouble_of(response.status_code), f"status {response.status_code}", wait=seconds)


def _name_in(answer: httpx.Response) -> str | None:
    """What their desk calls the conversation, when the answer says so."""
    try:
        content = answer.json()
    except ValueError:
        return None
    name = content.get("conversation") if isinstance(content, dict) else None
    return str(name)[:64] if isinstance(name, str | int) and str(name) else None
