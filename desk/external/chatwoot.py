"""Chatwoot, by its application API and its webhooks.

The API and the payloads are those of https://developers.chatwoot.com (contacts, conversations, messages, and "Webhook events");
a webhook is signed with `X-Chatwoot-Signature: sha256=HMAC({X-Chatwoot-Timestamp}.{body})`. What a resident wrote is an `incoming`
message, for which Chatwoot wants an API inbox; everything else that we put there is a private note."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import httpx

from desk.external.notes import in_words, opened_words
from desk.external.port import Agent, Event, Kind, NotDelivered, Parcel, Receipt, Said, Trouble
from desk.external.signing import verify
from desk.external.webhook import asked
from server.errors import BadInput

_MARK: Final = "spillway_parcel"
_REFERENCE: Final = "spillway_reference"


class ChatwootDesk:
    """One API inbox of one Chatwoot account."""

    kind = "chatwoot"

    def __init__(
        self, *, url: str, token: str, account: int, inbox: int, secrets: Sequence[str], timeout: float, language: str
    ) -> None:
        self._inbox, self._secrets, self._language = inbox, tuple(each for each in secrets if each), language
        self._http = httpx.AsyncClient(
            base_url=f"{url}/api/v1/accounts/{account}", headers={"api_access_token": token}, timeout=timeout
        )

    async def deliver(self, parcel: Parcel) -> Receipt:
        """Hands one parcel over. Chatwoot knows no idempotency keys: after a try without an answer it is asked what it has."""
        if parcel.kind is Kind.OPENED:
            return Receipt(await self._open(parcel))
        conversation = parcel.outside_id or await self._known(parcel)
        if conversation is None:
            if parcel.kind is Kind.CLOSED:
                return Receipt()
            raise NotDelivered(Trouble.REFUSED, "no conversation")
        if parcel.kind is Kind.CLOSED:
            why = in_words(parcel, self._language)
            await self._say(conversation, f"{parcel.id}:note", why, private=True, look=parcel.uncertain)
            await self._post(f"conversations/{conversation}/toggle_status", {"status": "resolved"})
            return Receipt(conversation)
        incoming = parcel.kind is Kind.MESSAGE and parcel.body.get("who") == "resident"
        text = str(parcel.body["text"]) if incoming else in_words(parcel, self._language)
        await self._say(conversation, parcel.id, text, private=not incoming, look=parcel.uncertain)
        return Receipt(conversation)

    async def probe(self) -> str:
        """Reads the inbox."""
        found = await self._get(f"inboxes/{self._inbox}")
        if not str(found.get("channel_type", "")).endswith("Api"):
            raise NotDelivered(Trouble.ACCOUNT, "the inbox is no API inbox")
        return f"The inbox {found.get('name', self._inbox)} answers."

    async def close(self) -> None:
        """Gives connections back."""
        await self._http.aclose()

    async def _open(self, parcel: Parcel) -> str:
        contact = await self._contact(parcel)
        known = conversation = await self._conversation_of(contact, parcel)
        if conversation is None:
            made = await self._post(
                "conversations",
                {
                    "inbox_id": self._inbox,
                    "contact_id": contact,
                    "source_id": f"spillway-{parcel.reference}",
                    "status": "open",
                    "custom_attributes": {_MARK: parcel.id, _REFERENCE: parcel.reference},
                },
            )
            conversation = str(made["id"])
        for number, (private, text) in enumerate(opened_words(parcel, self._language)):
            # What an earlier try began may have some of its lines.
            await self._say(conversation, f"{parcel.id}:{number}", text, private=private, look=known is not None)
        if parcel.body.get("emergency"):
            await self._post(f"conversations/{conversation}/toggle_priority", {"priority": "urgent"})
        return conversation

    async def _contact(self, parcel: Parcel) -> int:
        """The contact that stands for a resident: our reference, and nothing else that would tell who they are."""
        found = await self._get("contacts/search", q=parcel.reference)
        for contact in found.get("payload", []):
            if contact.get("identifier") == parcel.reference:
                return int(contact["id"])
        name = {"name": parcel.reference, "identifier": parcel.reference, "inbox_id": self._inbox}
        made = await self._post("contacts", {**name, "source_id": f"spillway-{parcel.reference}"})
        return int(made["payload"]["contact"]["id"])

    async def _conversation_of(self, contact: int, parcel: Parcel) -> str | None:
        found = await self._get(f"contacts/{contact}/conversations")
        for conversation in found.get("payload", []):
            if (conversation.get("custom_attributes") or {}).get(_MARK) == parcel.id:
                return str(conversation["id"])
        return None

    async def _known(self, parcel: Parcel) -> str | None:
        """The conversation of a parcel whose opening was never answered."""
        found = await self._get("contacts/search", q=parcel.reference)
        ids = [int(one["id"]) for one in found.get("payload", []) if one.get("identifier") == parcel.reference]
        opened = Parcel(_opening(parcel.id), Kind.OPENED, parcel.reference, None, parcel.at, {})
        return await self._conversation_of(ids[0], opened) if ids else None

    async def _say(self, conversation: str, name: str, text: str, *, private: bool, look: bool) -> None:
        path = f"conversations/{conversation}/messages"
        if look and any(each.get("source_id") == name for each in (await self._get(path)).get("payload", [])):
            return
        kind = "outgoing" if private else "incoming"
        await self._post(path, {"content": text, "message_type": kind, "private": private, "source_id": name})

    async def _get(self, path: str, **query: str) -> dict[str, Any]:
        return _object(await asked(self._http.get(path, params=query)))

    async def _post(self, path: str, content: Mapping[str, Any]) -> dict[str, Any]:
        answer = await asked(self._http.post(path, json=content))
        return _object(answer) if answer.content else {}

    def read(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Event | None:
        """What a webhook tells: an agent's public message, that they write, or that the conversation was resolved. Everything
        else, such as private notes, bots and what residents wrote, is nothing to us."""
        given = headers.get("x-chatwoot-signature", "").removeprefix("sha256=")
        verify(self._secrets, timestamp=headers.get("x-chatwoot-timestamp", ""), body=body, given=given, now=now)
        try:
            content = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadInput("This is no JSON.") from error
        if not isinstance(content, dict):
            raise BadInput("This is no event.")
        match content.get("event"):
            case "message_created":
                return _message(content)
            case "conversation_typing_on" if not content.get("is_private"):
                return _event(content, Said.TYPING, "typing", _person(content.get("user")))
            case "conversation_status_changed" if content.get("status") == "resolved":
                assignee = _dict(_dict(content.get("meta")).get("assignee"))
                name = f"resolved:{content.get('id')}:{headers.get('x-chatwoot-delivery') or content.get('timestamp')}"
                return _event({"conversation": content}, Said.CLOSED, name, assignee or {"id": "chatwoot"})
        return None


def _message(content: Mapping[str, Any]) -> Event | None:
    sender = _person(content.get("sender"))
    public = content.get("message_type") in ("outgoing", 1) and not content.get("private")
    # Only what a person wrote: a bot's or a rule's words were approved by nobody here.
    by_rule = _dict(content.get("content_attributes")).get("automation_rule_id") is not None
    if not public or sender is None or by_rule or content.get("content_type", "text") != "text":
        return None
    text = content.get("content")
    return _event(content, Said.MESSAGE, f"message:{content.get('id')}", sender, text=text if isinstance(text, str) else "")


def _event(content: Mapping[str, Any], said: Said, name: str, person: Mapping[str, Any] | None, *, text: str = "") -> Event | None:
    if person is None:
        return None
    conversation = _dict(content.get("conversation"))
    number = conversation.get("id") or conversation.get("display_id")
    if not isinstance(number, int | str):
        raise BadInput("The conversation is missing.")
    reference = _dict(conversation.get("custom_attributes")).get(_REFERENCE)
    agent = Agent(str(person.get("id", "")), str(person.get("available_name") or person.get("name") or ""))
    known = reference if isinstance(reference, str) else None
    return Event(f"chatwoot:{name}"[:140], said, agent, reference=known, outside_id=str(number), text=text)


def _person(value: object) -> dict[str, Any] | None:
    person = _dict(value)
    return person if person.get("type") == "user" else None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _opening(name: str) -> str:
    return ":".join([*name.split(":")[:2], "opened"])


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError as error:
        raise NotDelivered(Trouble.PASSING, "no JSON") from error
    return _dict(content)
