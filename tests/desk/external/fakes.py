"""Two desks of other makers on loopback, which speak what the real ones speak: a plain webhook receiver, and Chatwoot's JSON."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from server.clock import now

SECRET = "a-secret-of-two-desks"
TOKEN = "chatwoot-token"
Request = tuple[str, dict[str, str], bytes]


def signed(prefix: str, body: bytes, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    """The headers that prove a body."""
    stamp = str(int(now().timestamp()) if at is None else at)
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {f"X-{prefix}-Timestamp": stamp, f"X-{prefix}-Signature": f"sha256={digest}", "Content-Type": "application/json"}


@dataclass
class FakeDesk:
    """What both have in common: they remember what arrived, and can be told to fail."""

    kind = ""
    prefix = ""
    path = ""
    fails: list[int | None] = field(default_factory=list)
    """The status of the next answers; `None` takes the request and breaks the connection."""
    down: bool = False
    numbers: Any = field(default_factory=lambda: itertools.count(101))

    def __post_init__(self) -> None:
        desk = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                if desk.down:
                    self.close_connection = True
                    return
                fault = desk.fails.pop(0) if desk.fails else 200
                if fault not in (200, None):
                    self._answer(fault, {"error": "on purpose"})
                    return
                status, content = desk.take(self.command, self.path, dict(self.headers), body)
                if fault is None:
                    self.close_connection = True
                    return
                self._answer(status, content)

            def do_GET(self) -> None:
                self._any()

            def do_POST(self) -> None:
                self._any()

            def _answer(self, status: int | None, content: Any) -> None:
                data = json.dumps(content).encode()
                self.send_response(status or 500)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Answers one request."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """The settings that point to it."""
        return {"desk_kind": self.kind, "desk_url": self.url, "desk_secret": SECRET, "desk_timeout": 2.0}

    def request(self, content: dict[str, Any]) -> Request:
        """A signed request of this desk's to ours."""
        body = json.dumps(content).encode()
        return self.path, signed(self.prefix, body), body


class FakeWebhookDesk(FakeDesk):
    """Keeps each parcel by its idempotency key, as docs/external-desk.md asks for."""

    kind, prefix, path = "webhook", "Spillway", "/outside/events"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.parcels: dict[str, dict[str, Any]] = {}

    def take(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Checks the signature and keeps the parcel once."""
        given = {name.lower(): value for name, value in headers.items()}
        wanted = signed(self.prefix, body, at=int(given["x-spillway-timestamp"]))["X-Spillway-Signature"]
        if given["x-spillway-signature"] != wanted:
            return 403, {}
        content = json.loads(body)
        if content["kind"] != "ping":
            self.parcels.setdefault(given["idempotency-key"], content)
        return 200, {"conversation": f"W-{content['conversation']['reference']}"} if "conversation" in content else {}

    def _of(self, reference: str, kind: str) -> list[dict[str, Any]]:
        return [p for p in self.parcels.values() if p["kind"] == kind and p["conversation"]["reference"] == reference]

    def opened(self, reference: str) -> list[str]:
        """The packets of a conversation, as text."""
        return [json.dumps(each, ensure_ascii=False) for each in self._of(reference, "conversation.opened")]

    def heard(self, reference: str) -> list[str]:
        """What the resident wrote since."""
        return [each["text"] for each in self._of(reference, "message") if each["who"] == "resident"]

    def notes(self, reference: str) -> list[str]:
        """What only their agents read."""
        ours = [each["text"] for each in self._of(reference, "message") if each["who"] != "resident"]
        return [*ours, *(each["why"] for each in self._of(reference, "note"))]

    def over(self, reference: str) -> bool:
        """True when it was told that the conversation is over."""
        return bool(self._of(reference, "conversation.closed"))

    def says(self, reference: str, text: str, *, agent: str = "maria", event: str | None = None) -> Request:
        """One of their agents writes."""
        return self.event(reference, "message", agent=agent, name=event, text=text)

    def types(self, reference: str) -> Request:
        """One of their agents is writing."""
        return self.event(reference, "typing")

    def ends(self, reference: str) -> Request:
        """One of their agents ends the conversation."""
        return self.event(reference, "closed")

    def event(self, reference: str, kind: str, *, agent: str = "maria", name: str | None = None, **more: str) -> Request:
        """Anything that one of their agents does."""
        who = {"id": agent, "name": f"{agent.capitalize()} Diaz", "languages": ["en", "es"]}
        return self.request({"id": name or f"e{next(self.numbers)}", "kind": kind, "conversation": reference, "agent": who, **more})


class FakeChatwoot(FakeDesk):
    """The part of Chatwoot's application API that we use, with its shapes and its rules."""

    kind, prefix, path = "chatwoot", "Chatwoot", "/outside/chatwoot"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.contacts: dict[int, dict[str, Any]] = {}
        self.conversations: dict[int, dict[str, Any]] = {}
        self.messages: dict[int, list[dict[str, Any]]] = {}

    def settings(self) -> dict[str, Any]:
        """The settings that point to it."""
        return {**super().settings(), "desk_token": TOKEN, "desk_account": 3, "desk_inbox": 7}

    def take(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Answers as Chatwoot does."""
        if {name.lower(): value for name, value in headers.items()}.get("api_access_token") != TOKEN:
            return 401, {"errors": ["Invalid Access Token"]}
        parts = urlsplit(path)
        content = json.loads(body) if body else {}
        found = re.fullmatch(r"/api/v1/accounts/3/(contacts|conversations|inboxes)(?:/(\d+|search))?(?:/(\w+))?", parts.path)
        if found is None:
            return 404, {"error": "Resource could not be found"}
        match (method, *found.groups()):
            case ("GET", "inboxes", "7", None):
                return 200, {"id": 7, "name": "Spillway", "channel_type": "Channel::Api"}
            case ("GET", "contacts", "search", None):
                wanted = parse_qs(parts.query)["q"][0]
                return 200, {"meta": {}, "payload": [one for one in self.contacts.values() if wanted in one["identifier"]]}
            case ("POST", "contacts", None, None):
                if any(one["identifier"] == content["identifier"] for one in self.contacts.values()):
                    return 422, {"message": "Identifier has already been taken"}
                number = next(self.numbers)
                self.contacts[number] = {"id": number, "name": content["name"], "identifier": content["identifier"]}
                inbox = {"inbox": {"id": content["inbox_id"]}, "source_id": content["source_id"]}
                return 200, {"payload": {"contact": self.contacts[number], "contact_inbox": inbox}}
            case ("GET", "contacts", number, "conversations"):
                return 200, {"payload": [one for one in self.conversations.values() if one["contact_id"] == int(str(number))]}
            case ("POST", "conversations", None, None):
                number = next(self.numbers)
                self.conversations[number] = {"id": number, "priority": None, **content}
                self.messages[number] = []
                return 200, {"id": number, "inbox_id": 7, "status": content["status"]}
            case ("GET", "conversations", number, "messages"):
                return 200, {"meta": {}, "payload": self.messages[int(str(number))][-20:]}
            case ("POST", "conversations", number, "messages"):
                message = {"id": next(self.numbers), **content}
                self.messages[int(str(number))].append(message)
                return 200, message
            case ("POST", "conversations", number, "toggle_status"):
                self.conversations[int(str(number))]["status"] = content["status"]
                return 200, {"payload": {"success": True}}
            case ("POST", "conversations", number, "toggle_priority"):
                self.conversations[int(str(number))]["priority"] = content["priority"]
                return 200, None
        return 404, {}

    def _mine(self, reference: str) -> list[dict[str, Any]]:
        ours = [one["id"] for one in self.contacts.values() if one["identifier"] == reference]
        return [one for one in self.conversations.values() if one["contact_id"] in ours]

    def _said(self, reference: str, *, private: bool) -> list[str]:
        return [m["content"] for one in self._mine(reference) for m in self.messages[one["id"]] if m["private"] is private]

    def opened(self, reference: str) -> list[str]:
        """The packets of a conversation, as text."""
        return ["\n".join(m["content"] for m in self.messages[one["id"]][:3]) for one in self._mine(reference)]

    def heard(self, reference: str) -> list[str]:
        """What the resident wrote since; the first public message is what they had written before."""
        return self._said(reference, private=False)[1:]

    def notes(self, reference: str) -> list[str]:
        """What only their agents read."""
        return self._said(reference, private=True)[2:]

    def over(self, reference: str) -> bool:
        """True when the conversation is resolved."""
        return all(one["status"] == "resolved" for one in self._mine(reference)) and bool(self._mine(reference))

    def says(self, reference: str, text: str, *, agent: str = "maria", event: str | None = None) -> Request:
        """One of their agents writes."""
        number = int(hashlib.sha256(event.encode()).hexdigest()[:6], 16) if event else next(self.numbers)
        sender = {"id": sum(agent.encode()), "name": f"{agent.capitalize()} Diaz", "email": "m@example.gov", "type": "user"}
        message = {"event": "message_created", "id": number, "content": text, "message_type": "outgoing", "private": False}
        more = {"content_type": "text", "content_attributes": {}, "sender": sender, "account": {"id": 3, "name": "City"}}
        return self.request({**message, **more, "conversation": self._hook(reference)})

    def types(self, reference: str) -> Request:
        """One of their agents is writing."""
        user = {"id": 1, "name": "Maria Diaz", "type": "user"}
        event = {"event": "conversation_typing_on", "user": user, "is_private": False}
        return self.request({**event, "conversation": self._hook(reference)})

    def ends(self, reference: str) -> Request:
        """One of their agents resolves the conversation."""
        assignee = {"id": 1, "name": "Maria Diaz", "type": "user"}
        hook = {**self._hook(reference), "status": "resolved", "meta": {"assignee": assignee}, "timestamp": next(self.numbers)}
        return self.request({"event": "conversation_status_changed", **hook})

    def _hook(self, reference: str) -> dict[str, Any]:
        one = self._mine(reference)[-1]
        return {"id": one["id"], "inbox_id": 7, "status": one["status"], "custom_attributes": one["custom_attributes"]}
