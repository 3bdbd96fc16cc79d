"""The simulator's page and the routes behind its phones: every text and call goes through the stand-in for Twilio, signed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import ChoiceLoader, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from bot.channels.web.assets import Assets
from bot.channels.web.intake import page_language
from bot.channels.web.page import HERE as CHAT
from bot.channels.web.page import city_name, environment, secured, shown_number
from console.catalogue import LANGUAGES, text, words
from console.simulator.wire import (
    AgentsOut,
    CallIn,
    CallOut,
    DialIn,
    KeysIn,
    RingIn,
    SpeechIn,
    TextIn,
    TextsOut,
    call_out,
    text_out,
)
from server.errors import BadInput, Conflict, NotFound, SpillwayError
from server.http.deps import ChannelDeps
from server.twilio.standin import Call, CallError, OutboundCall, StandIn, WebhookFailed, standin_of

log = structlog.get_logger()

HERE: Final = Path(__file__).parent
OUR_NUMBER: Final = "+12025550100"
"""The 311 number while the city has none at Twilio; 555-01xx is kept for fiction by the North American Numbering Plan."""
RESIDENTS: Final = ("+12025550141", "+12025550142", "+12025550143")
SHORT_CODE: Final = "55512"
WITHHELD: Final = "anonymous"
_MOST_CALLS: Final = 200
_KEEP_ASSETS: Final = 31_536_000
_C = TypeVar("_C", bound=Call)


def router(deps: ChannelDeps, app: FastAPI) -> APIRouter:
    """The simulator for the app that hosts the stand-in. In live mode every address of it is unknown."""
    assets = Assets(HERE / "static", base="/simulator/assets")
    chat_assets = Assets(CHAT / "static", base="/chat/assets")
    templates = environment(HERE / "templates")
    templates.loader = ChoiceLoader([FileSystemLoader(HERE / "templates"), FileSystemLoader(CHAT / "templates")])
    ours = deps.settings.twilio_number or OUR_NUMBER
    api = APIRouter(prefix="/simulator", route_class=_route_class(deps), include_in_schema=False)

    def standin() -> StandIn:
        return standin_of(app, deps.settings)

    def asset(name: str) -> str:
        return (assets if name.startswith("simulator") else chat_assets).address(name)

    @api.get("/")
    async def page(request: Request) -> HTMLResponse:
        language = page_language(request)
        city = city_name(deps.library.last_good, language)
        say = partial(_say, language=language, city=city)
        numbers = [(number, shown_number(number)) for number in RESIDENTS]
        html = templates.get_template("simulator.html").render(
            t=say,
            lang=language,
            training=True,
            embed=False,
            asset=asset,
            languages=LANGUAGES,
            ours=shown_number(ours),
            texting=[*numbers, (SHORT_CODE, say("number_short", number=SHORT_CODE))],
            calling=[*numbers, (WITHHELD, say("number_withheld"))],
            setup={"language": language, "words": words("simulator", language)},
        )
        return secured(HTMLResponse(html))

    @api.get("/assets/{name}")
    async def asset_file(request: Request, name: str) -> Response:
        return assets.get(name).response(request, max_age=_KEEP_ASSETS)

    @api.get("/texts", response_model=TextsOut)
    async def inbox(sender: str) -> TextsOut:
        """What a number got so far, also what came later than the answer to a text, such as an agent's words."""
        return _texts(standin(), _known(sender, SHORT_CODE), ours)

    @api.post("/texts", response_model=TextsOut)
    async def send_text(sent: TextIn) -> TextsOut:
        """Sends a text; the answer is everything that this number got so far."""
        sender = _known(sent.sender, SHORT_CODE)
        await _through(standin().text(sender, ours, sent.body))
        return _texts(standin(), sender, ours, sent=sent.body)

    @api.post("/calls", response_model=CallOut)
    async def place_call(calling: CallIn) -> CallOut:
        """Places a call, which runs up to the first thing that waits for the caller."""
        calls = standin().calls
        for old in list(calls)[: max(0, len(calls) - _MOST_CALLS)]:
            del calls[old]
        call: Call = await _through(standin().call(_known(calling.sender, WITHHELD), ours))
        return call_out(call)

    @api.get("/calls/{sid}", response_model=CallOut)
    async def look(sid: str) -> CallOut:
        return call_out(_call(standin(), sid))

    @api.post("/calls/{sid}/keys", response_model=CallOut)
    async def press(sid: str, pressed: KeysIn) -> CallOut:
        return await _does(_call(standin(), sid), lambda call: call.press(pressed.keys), "listening")

    @api.post("/calls/{sid}/speech", response_model=CallOut)
    async def speak(sid: str, spoken: SpeechIn) -> CallOut:
        return await _does(_call(standin(), sid), lambda call: call.speak(spoken.words, spoken.confidence), "listening")

    @api.post("/calls/{sid}/silence", response_model=CallOut)
    async def stay_silent(sid: str) -> CallOut:
        return await _does(_call(standin(), sid), lambda call: call.silence(), "listening")

    @api.post("/calls/{sid}/dial", response_model=CallOut)
    async def dialed(sid: str, ended: DialIn) -> CallOut:
        return await _does(_call(standin(), sid), lambda call: call.dial_result(ended.result), "dialing")

    @api.post("/calls/{sid}/hangup", response_model=CallOut)
    async def hang_up(sid: str) -> CallOut:
        call = _call(standin(), sid)
        if call.state != "ended":
            await _through(call.hang_up())
        return call_out(call)

    @api.get("/agent", response_model=AgentsOut)
    async def agents_phone() -> AgentsOut:
        """What rings or speaks in agents' telephones."""
        return AgentsOut(calls=[call_out(call) for call in standin().ringing()])

    @api.post("/agent/{sid}/answer", response_model=CallOut)
    async def pick_up(sid: str) -> CallOut:
        return await _does(_agents_call(standin(), sid), lambda call: call.answer(), "ringing")

    @api.post("/agent/{sid}/refuse", response_model=CallOut)
    async def let_ring(sid: str, ended: RingIn) -> CallOut:
        return await _does(_agents_call(standin(), sid), lambda call: call.refuse(ended.result), "ringing")

    return api


def _say(key: str, *, language: str, city: str, **values: str | int) -> str:
    return text(f"simulator.{key}", language, city=city, **values)


def _known(sender: str, extra: str) -> str:
    """A simulated number. Nobody may write or call here in the name of a real one."""
    if sender not in (*RESIDENTS, extra):
        raise BadInput("error_input")
    return sender


def _texts(standin: StandIn, sender: str, ours: str, *, sent: str | None = None) -> TextsOut:
    return TextsOut(
        sent=text_out(sent) if sent is not None else None,
        received=[text_out(each) for each in standin.inbox(sender)],
        blocked=(sender, ours) in standin.blocked,
    )


def _call(standin: StandIn, sid: str) -> Call:
    call = standin.calls.get(sid)
    if call is None:
        raise NotFound("error_call")
    return call


def _agents_call(standin: StandIn, sid: str) -> OutboundCall:
    call = _call(standin, sid)
    if not isinstance(call, OutboundCall):
        raise NotFound("error_call")
    return call


async def _does(call: _C, act: Callable[[_C], Awaitable[None]], state: str) -> CallOut:
    if call.state != state:
        raise Conflict("error_state")
    await _through(act(call))
    return call_out(call)


class _Failed(SpillwayError):
    """Our own answer to a webhook was one that Twilio would refuse."""

    code = "webhook_failed"
    status = 502


async def _through(step: Awaitable[Any]) -> Any:
    try:
        return await step
    except (CallError, WebhookFailed) as error:
        log.error("simulator.failed", error=str(error))
        raise _Failed(str(error)) from error


def _route_class(deps: ChannelDeps) -> type[APIRoute]:
    """A route that is unknown in live mode, and gives errors in the words of the catalogue."""

    def shaped(request: Request, error: SpillwayError) -> Response:
        language = page_language(request)
        known = error.safe_text if error.safe_text.startswith("error_") else "error_failed"
        said = text(f"simulator.{known}", language, error=error.safe_text[:300])
        return JSONResponse({"code": error.code, "error": said}, status_code=error.status)

    class SimulatorRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handler = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    if deps.settings.live:
                        raise NotFound("error_live")
                    return await handler(request)
                except SpillwayError as error:
                    return shaped(request, error)
                except RequestValidationError:
                    return shaped(request, BadInput("error_input"))

            return answer

    return SimulatorRoute
