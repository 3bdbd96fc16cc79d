"""Where their desk reaches us. Whatever is sent, the answer says what to do: signed or not (403), readable or not (400), theirs or
not (404, 409), or to be sent again (503)."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from desk.external import collecting, inbound
from desk.external.port import Event, Kind, OutsideDesk, Said
from server import clock
from server.database.engine import reading
from server.errors import BadInput, NotFound, NotReady, SpillwayError
from server.http.body import read_body
from server.http.deps import ChannelDeps

log = structlog.get_logger()

MAX_BODY: Final = 256 * 1024


def router(deps: ChannelDeps, desk: OutsideDesk | None) -> APIRouter:
    """The addresses of the city's own desk; without one they are not there."""
    routes = APIRouter(prefix="/outside", tags=["desk"], include_in_schema=False)

    async def hear(request: Request, kind: str) -> JSONResponse:
        try:
            if desk is None or desk.kind != kind:
                raise NotFound("There is no such address.")
            event = desk.read(request.headers, await _body(request), now=clock.now())
            return _answer(await asyncio.to_thread(_done, deps, event.storable()) if event is not None else "ignored")
        except SpillwayError as error:
            return JSONResponse({"code": error.code, "error": error.safe_text}, error.status)
        except Exception as error:
            # Nothing was stored, so nothing is lost when they send it again.
            log.error("outside_desk.unheard", error=repr(error))
            later = NotReady("This cannot be taken now; send it again.")
            return JSONResponse({"code": later.code, "error": later.safe_text}, later.status, {"Retry-After": "5"})

    @routes.post("/events")
    async def events(request: Request) -> JSONResponse:
        return await hear(request, "webhook")

    @routes.post("/chatwoot")
    async def chatwoot(request: Request) -> JSONResponse:
        return await hear(request, "chatwoot")

    return routes


def _answer(result: str) -> JSONResponse:
    return JSONResponse({"result": result})


def _done(deps: ChannelDeps, event: Event) -> str:
    if event.said is Said.TYPING:
        return _typing(deps, event)
    try:
        with deps.sessions.begin() as session:
            library = deps.library.get(session)
            heard = inbound.take(session, event=event, library=library, languages=deps.settings.desk_languages)
    except SpillwayError as error:
        if event.said is Said.MESSAGE:
            _say_why(deps, event, error)
        raise
    deps.signs.writes(heard.conversation_id, "agent", stopped=True)
    deps.wake.stored(heard.conversation_id)
    return "repeated" if heard.repeated else "done"


def _typing(deps: ChannelDeps, event: Event) -> str:
    with reading(deps.sessions) as session:
        conversation_id = inbound.holds(session, event)
    if conversation_id is None:
        return "ignored"
    deps.signs.writes(conversation_id, "agent")
    deps.wake.stored(conversation_id)
    return "done"


def _say_why(deps: ChannelDeps, event: Event, error: SpillwayError) -> None:
    """Tells their agent in the conversation that the resident did not get the message: nobody waits for an answer in vain."""
    try:
        with deps.sessions.begin() as session:
            thread = inbound.find(session, event)
            cause = f"refused:{event.id}"
            collecting.put(session, thread=thread, kind=Kind.NOTE, cause=cause, detail={"why": error.safe_text})
    except NotFound:
        return


async def _body(request: Request) -> bytes:
    try:
        return await read_body(request, most=MAX_BODY)
    except ClientDisconnect as error:
        raise BadInput("The connection broke.") from error
