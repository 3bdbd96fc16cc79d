"""The addresses of the web chat. Whatever is sent, a resident gets an answer, or a plain word with the 911 line."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Query
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from bot.channels.web import delivery
from bot.channels.web.answering import Answering, Taken
from bot.channels.web.assets import Asset, Assets
from bot.channels.web.errors import NoSession, TooMany
from bot.channels.web.events import HEARTBEAT_SECONDS, Follower, OpenStreams, held, stream
from bot.channels.web.history import Said, Talk, choices_of, conversations_of, read_talk, resident_said
from bot.channels.web.intake import Sent, is_form, page_language, read_sent
from bot.channels.web.limits import Limiter
from bot.channels.web.page import HERE, Page, merged
from bot.channels.web.sessions import ChatSession, forget, keep, new_session, session_of
from bot.channels.web.signs import give, hold_to_limit, read_sign, sign_limiter
from bot.channels.web.wire import ErrorOut, MessageIn, ReplyOut, SessionOut, TalkOut, reply_out, shown_parts, talk_out
from console.catalogue import LANGUAGES, text, words
from server import clock
from server.database.engine import reading
from server.errors import BadInput, NotReady, SpillwayError
from server.http.deps import ChannelDeps

log = structlog.get_logger()

_KEEP_ASSETS: Final = 31_536_000
_KEEP_WIDGET: Final = 300
_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    code: {"model": ErrorOut, "description": "What went wrong, with the 911 line."} for code in (400, 401, 413, 415, 429, 503)
}


def router(deps: ChannelDeps, *, limiter: Limiter | None = None) -> APIRouter:
    """The routes of the web chat, for the app to include."""
    assets = Assets(HERE / "static", base="/chat/assets")
    page = Page(deps.settings, assets)
    answering = Answering(deps, limiter or Limiter())
    follower, streams, sign_limit = Follower(deps.sessions, deps.wake), OpenStreams(), sign_limiter()
    widget = _widget(assets)
    api = APIRouter(prefix="/chat", route_class=_route_class(deps, page), tags=["chat"])

    @api.get("/", include_in_schema=False)
    async def show(request: Request) -> Response:
        session = session_of(request, deps.keys)
        talk, unread = await asyncio.to_thread(_try_talk, deps, session)
        response = page.chat(request, library=deps.library.last_good, talk=talk, session=session, unread=unread)
        # With the cookie there before the first word, every form leads to a GET: no way Back sends a message again.
        keep(response, session or new_session(deps.keys), request, deps.settings)
        return response

    @api.get("/widget.js", include_in_schema=False)
    async def widget_script(request: Request) -> Response:
        return widget.response(request, max_age=_KEEP_WIDGET, headers={"Cross-Origin-Resource-Policy": "cross-origin"})

    @api.get("/assets/{name}", include_in_schema=False)
    async def asset(request: Request, name: str) -> Response:
        return assets.get(name).response(request, max_age=_KEEP_ASSETS)

    @api.post("/sessions", response_model=SessionOut)
    async def begin(request: Request) -> Response:
        """Gives a browser its session; one that it has already is given back."""
        session = session_of(request, deps.keys) or new_session(deps.keys)
        privacy = text("chat.privacy", page_language(request))
        response = _json(SessionOut(session=session.token, privacy=privacy).model_dump())
        keep(response, session, request, deps.settings)
        return response

    @api.post("/end", include_in_schema=False)
    async def end(request: Request) -> Response:
        """Takes the chat off this browser; what was said stays a record of the city."""
        embed = {"embed": "1"} if request.query_params.get("embed") == "1" else {}
        address = urlencode({"lang": page_language(request), "ended": "1"} | embed)
        response = RedirectResponse(f"/chat/?{address}", status_code=303)
        forget(response, request, deps.settings)
        return response

    @api.get("/leave", include_in_schema=False)
    async def leave(request: Request) -> Response:
        """The way out for somebody whose screen is watched: the chat off this browser, and on to a page that tells nothing.

        A link, so that it works without a script; all it changes is what this browser keeps."""
        response = RedirectResponse(deps.settings.chat_leave_url, status_code=303)
        response.headers.update({"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
        forget(response, request, deps.settings)
        return response

    @api.post("/leave", include_in_schema=False)
    async def left(request: Request) -> Response:
        """The same for the page's script, which has already left."""
        response = Response(status_code=204, headers={"Cache-Control": "no-store"})
        forget(response, request, deps.settings)
        return response

    @api.post("/messages", response_model=ReplyOut, responses=_ERRORS, openapi_extra=_message_body())
    async def send(request: Request) -> Response:
        """Answers one message. A message sent again under the same `client_id` gets the same reply and changes nothing."""
        sent = await read_sent(request)
        session, taken = await answering.answer(request, sent)
        if sent.is_form:
            response: Response = await _page_after(request, sent, session, taken)
        else:
            one = taken[0]
            token = session.token if session.fresh else None
            out = reply_out(one.reply, number=one.number, client_id=one.message.client_id, session=token)
            response = _json(out.model_dump())
        keep(response, session, request, deps.settings)
        return response

    async def _page_after(request: Request, sent: Sent, session: ChatSession, taken: list[Taken]) -> Response:
        stored = all(each.number is not None or not each.reply.parts for each in taken)
        if session.from_cookie and stored:
            kept = {"lang": page_language(request)} | ({"embed": "1"} if sent.embedded else {})
            return RedirectResponse(f"/chat/?{urlencode(kept)}#latest", status_code=303)
        talk, unread = await asyncio.to_thread(_try_talk, deps, session)
        if not stored:
            talk = merged(talk, _unstored(taken))
        library = deps.library.last_good
        return page.chat(request, library=library, talk=talk, session=session, unread=unread, embedded=sent.embedded)

    @api.get("/messages", response_model=TalkOut, responses=_ERRORS)
    async def history(request: Request, after: Annotated[int, Query(ge=0, le=2**62)] = 0) -> Response:
        """What was said, or at least what was said after a number."""
        session = _required(request)
        talk = await asyncio.to_thread(_talk, deps, session.key, after)
        return _json(talk_out(talk).model_dump(mode="json"))

    @api.get("/events", responses=_ERRORS | {200: {"content": {"text/event-stream": {}}}}, response_class=EventSourceResponse)
    async def events(request: Request) -> Response:
        """Our texts as they come, numbered, and a word when a person takes the chat. `Last-Event-ID` goes on where it broke."""
        session = _required(request)
        if streams.full(session.key):
            raise TooMany(text("chat.error_many", page_language(request), seconds=5), wait=5)
        last = request.headers.get("last-event-id", "")
        after = int(last) if re.fullmatch(r"[0-9]{1,18}", last) else 0
        flow = stream(sessions=deps.sessions, wake=deps.wake, follower=follower, signs=deps.signs, key=session.key, after=after)
        return EventSourceResponse(held(flow, streams, session.key), ping=HEARTBEAT_SECONDS)

    @api.post("/signs", include_in_schema=False)
    async def signs(request: Request) -> Response:
        """That the resident writes, or has read; only an agent who has the chat sees it."""
        session, language = _required(request), page_language(request)
        hold_to_limit(request, deps=deps, limiter=sign_limit, session=session, language=language)
        await asyncio.to_thread(give, deps, session=session, sign=await read_sign(request, language=language))
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    def _required(request: Request) -> ChatSession:
        session = session_of(request, deps.keys)
        if session is None:
            raise NoSession(text("chat.error_session", page_language(request)))
        return session

    return api


def _talk(deps: ChannelDeps, key: str, after: int = 0) -> Talk:
    with reading(deps.sessions) as session:
        ids = [conversation.id for conversation in conversations_of(session, key=key)]
        waiting = bool(ids) and delivery.anything_waits(session, conversation_ids=ids)
    if waiting:
        with deps.sessions.begin() as session:
            delivery.let_out(session, conversation_ids=ids)
    with reading(deps.sessions) as session:
        return read_talk(session, key=key, after=after)


def _try_talk(deps: ChannelDeps, session: ChatSession | None) -> tuple[Talk, bool]:
    """The talk, or an empty one and a word that it could not be read: the page itself must always come."""
    if session is None:
        return Talk(), False
    try:
        return _talk(deps, session.key), False
    except SQLAlchemyError as error:
        log.error("web.history_failed", error=repr(error))
        return Talk(), True


def _unstored(taken: list[Taken]) -> tuple[Said, ...]:
    now = clock.now()
    said: list[Said] = []
    for one in taken:
        said.append(resident_said(one.message.text, one.reply.language, now, None))
        said.append(Said("bot", now, shown_parts(one.reply), None, choices=choices_of(one.reply.options)))
    return tuple(said)


def _json(content: object, *, status: int = 200) -> JSONResponse:
    return JSONResponse(content, status_code=status, headers={"Cache-Control": "no-store"})


def _widget(assets: Assets) -> Asset:
    """The script that a city's page loads, with its few words in every language put before it."""
    said = {language: words("widget", language) for language in LANGUAGES}
    head = f'"use strict";(()=>{{const WORDS={json.dumps(said, ensure_ascii=True)};\n'
    script = assets.get("widget.js")
    return Asset(head.encode() + script.content + b"})();\n", script.media_type)


def _message_body() -> dict[str, Any]:
    schema = MessageIn.model_json_schema()
    kinds = ("application/json", "application/x-www-form-urlencoded")
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}}


def _route_class(deps: ChannelDeps, page: Page) -> type[APIRoute]:
    """A route that gives an error in the shape that was asked for: JSON to a script, a page to a form."""

    def shaped(request: Request, error: SpillwayError) -> Response:
        if is_form(request):
            response: Response = page.error(request, library=deps.library.last_good, error=error)
        else:
            words_911 = text("chat.line_911", page_language(request))
            out = ErrorOut(code=error.code, error=f"{error.safe_text} {words_911}")
            response = _json(out.model_dump(), status=error.status)
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.wait)
        return response

    class ChatRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handler = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    return await handler(request)
                except SpillwayError as error:
                    return shaped(request, error)
                except RequestValidationError:
                    return shaped(request, BadInput(text("chat.error_json", page_language(request))))
                except SQLAlchemyError as error:
                    log.error("web.database_failed", error=repr(error))
                    return shaped(request, NotReady(text("chat.error_unready", page_language(request))))

            return answer

    return ChatRoute
