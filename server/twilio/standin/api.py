"""The REST API of the stand-in, in Twilio's wire format: messages and calls of one account."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import parse_qs

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from server.twilio.standin.calls import Call
from server.twilio.standin.core import StandIn
from server.twilio.standin.outbound import OutboundCall
from server.twilio.standin.records import Refusal

_ROOT = "/2010-04-01/Accounts/{account}"
_T = TypeVar("_T")


def make_api(standin: StandIn) -> FastAPI:
    """An app that a Twilio SDK can be pointed at; mount it, or serve it on loopback."""
    app = FastAPI(openapi_url=None)

    @app.exception_handler(Refusal)
    async def refused(_request: Request, refusal: Refusal) -> JSONResponse:
        return JSONResponse(refusal.to_json(), refusal.status)

    async def fields(request: Request, account: str) -> dict[str, str]:
        if account != standin.account_sid or not _authorised(request, standin):
            raise Refusal(401, 20003, "Authenticate")
        form = parse_qs((await request.body()).decode(), keep_blank_values=True)
        return {name: values[-1] for name, values in form.items()}

    @app.post(f"{_ROOT}/Messages.json", status_code=201)
    async def create_message(request: Request, account: str) -> dict[str, Any]:
        form = await fields(request, account)
        message = await standin.accept(
            to=form.get("To", ""),
            sender=form.get("From", ""),
            body=form.get("Body", ""),
            status_callback=form.get("StatusCallback"),
            validity_period=int(form["ValidityPeriod"]) if "ValidityPeriod" in form else None,
            service=form.get("MessagingServiceSid"),
        )
        return {**message.to_json(account), "status": "queued"}

    @app.get(f"{_ROOT}/Messages.json")
    async def list_messages(request: Request, account: str) -> dict[str, Any]:
        await fields(request, account)
        to = request.query_params.get("To")
        found = [message for message in standin.messages.values() if to is None or message.to == to]
        return {"messages": [message.to_json(account) for message in found], "page": 0, "page_size": 50, "next_page_uri": None}

    @app.get(f"{_ROOT}/Messages/{{sid}}.json")
    async def fetch_message(request: Request, account: str, sid: str) -> dict[str, Any]:
        await fields(request, account)
        if sid not in standin.messages:
            raise Refusal(404, 20404, "The requested resource was not found")
        return standin.messages[sid].to_json(account)

    @app.post(f"{_ROOT}/Calls.json", status_code=201)
    async def create_call(request: Request, account: str) -> dict[str, Any]:
        form = parse_qs((await request.body()).decode(), keep_blank_values=True)
        one = await fields(request, account)
        call = await standin.place(
            to=one.get("To", ""),
            sender=one.get("From", ""),
            url=one.get("Url", ""),
            status_callback=one.get("StatusCallback", ""),
            events=frozenset(form.get("StatusCallbackEvent", [])),
        )
        return {**_call_json(call, account), "status": "queued"}

    @app.get(f"{_ROOT}/Calls/{{sid}}.json")
    async def fetch_call(request: Request, account: str, sid: str) -> dict[str, Any]:
        await fields(request, account)
        return _call_json(_known(standin.calls, sid), account)

    @app.post(f"{_ROOT}/Calls/{{sid}}.json")
    async def update_call(request: Request, account: str, sid: str) -> dict[str, Any]:
        form = await fields(request, account)
        call = _known(standin.calls, sid)
        if call.state == "ended" or not (form.get("Url") or form.get("Status") == "completed"):
            raise Refusal(400, 21220, "Call is not in-progress. Cannot redirect.")
        await (call.led_to(form["Url"]) if form.get("Url") else call.hang_up())
        return _call_json(call, account)

    @app.get(f"{_ROOT}/Conferences.json")
    async def list_conferences(request: Request, account: str) -> dict[str, Any]:
        await fields(request, account)
        name, status = request.query_params.get("FriendlyName"), request.query_params.get("Status")
        found = [one for one in standin.conferences.all.values() if name in (None, one.name) and status in (None, one.status)]
        listed = [{"sid": one.sid, "account_sid": account, "friendly_name": one.name, "status": one.status} for one in found]
        return {"conferences": listed, "page": 0, "page_size": 50, "next_page_uri": None}

    @app.post(f"{_ROOT}/Conferences/{{sid}}/Participants/{{call_sid}}.json")
    async def update_participant(request: Request, account: str, sid: str, call_sid: str) -> dict[str, Any]:
        form = await fields(request, account)
        held = _known(standin.conferences.all, sid).hold(call_sid, on=form.get("Hold") == "true", url=form.get("HoldUrl", ""))
        await standin.prompt()
        return {"conference_sid": sid, "account_sid": account, "call_sid": call_sid, "label": held.label, "hold": held.hold}

    @app.get(f"{_ROOT}/Recordings/{{sid}}.mp3")
    async def fetch_recording(request: Request, account: str, sid: str) -> Response:
        await fields(request, account)
        if sid not in standin.recordings:
            raise Refusal(404, 20404, "The requested resource was not found")
        return Response(standin.recordings[sid], media_type="audio/wav")

    @app.delete(f"{_ROOT}/Recordings/{{sid}}.json")
    async def delete_recording(request: Request, account: str, sid: str) -> Response:
        await fields(request, account)
        if standin.recordings.pop(sid, None) is None:
            raise Refusal(404, 20404, "The requested resource was not found")
        return Response(status_code=204)

    return app


def _known(found: Mapping[str, _T], sid: str) -> _T:
    if sid not in found:
        raise Refusal(404, 20404, "The requested resource was not found")
    return found[sid]


def _call_json(call: Call, account: str) -> dict[str, Any]:
    ours = isinstance(call, OutboundCall)
    status = {"ended": "completed", "ringing": "ringing"}.get(call.state, "in-progress")
    return {
        "sid": call.sid,
        "account_sid": account,
        "to": call.to,
        "from": call.caller,
        "status": status,
        "direction": "outbound-api" if ours else "inbound",
        "uri": f"/2010-04-01/Accounts/{account}/Calls/{call.sid}.json",
    }


def _authorised(request: Request, standin: StandIn) -> bool:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(value)
    except binascii.Error:
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(given, f"{standin.account_sid}:{standin.auth_token}".encode())


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serves an app on a free port of the loopback and gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    socket = server.config.bind_socket()
    # Who connects before the server is up waits in the socket's line instead of being refused.
    socket.listen()
    thread = Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        socket.close()
