"""The whole program as one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from fastapi import FastAPI
from starlette.responses import RedirectResponse

from bot.channels.sms import router as sms_router
from bot.channels.web.routes import router as chat_router
from console.audit.routes import router as audit_router
from console.blocks.routes import router as blocks_router
from console.facts.routes import router as facts_router
from console.home.routes import router as home_router
from console.incidents.routes import router as incidents_router
from console.messages.routes import router as messages_router
from console.people.routes import router as people_router
from console.review.routes import router as review_router
from console.simulator.routes import router as simulator_router
from console.topics.models_routes import router as models_router
from console.topics.routes import router as topics_router
from desk.external.building import make_desk
from desk.external.routes import router as outside_router
from desk.external.worker import OutsideWorker
from desk.rounds import DeskRounds
from desk.routes import router as desk_router
from desk.voice.doing import VoiceRounds
from ivr.routes import router as voice_router
from knowledge.library import LiveLibrary
from server.assembly import SECOND_LOOK, Service, assemble
from server.conversations.recovery import Recovery
from server.errors import NotReady
from server.golive import gaps
from server.http.deps import ChannelDeps
from server.http.errors import install_error_handlers
from server.http.health import health_router
from server.http.pages import STATIC
from server.http.security import SecurityHeaders
from server.http.static_files import CachedFiles, Compressed
from server.outbox.worker import OutboxWorker
from server.retention.rounds import Retention
from server.settings import Settings
from server.staff.account import router as account_router
from server.staff.oidc.routes import router as oidc_router
from server.staff.routes import router as staff_router
from server.twilio.standin import make_call_control, make_recordings, make_sender

RESIDENTS: Final = (sms_router, voice_router, chat_router)
"""The surfaces of residents."""
STAFF: Final = (
    staff_router,
    oidc_router,
    account_router,
    desk_router,
    home_router,
    messages_router,
    facts_router,
    incidents_router,
    people_router,
    review_router,
    blocks_router,
    audit_router,
)
"""The surfaces of staff."""
LEARNING: Final = (topics_router, models_router)
"""Surfaces of staff that also need the models that are loaded."""


def create_app(settings: Settings, *, address: str = "http://127.0.0.1:8311", service: Service | None = None) -> FastAPI:
    """Assembles everything and mounts every surface. `address` is where this process listens; it stands in for the public
    address in training mode. Raises `NotReady` in live mode, naming each gap."""
    if not settings.live and not settings.public_url:
        settings = settings.model_copy(update={"public_url": address})
    service = service or assemble(settings, patience=SECOND_LOOK)
    if settings.live:
        refuse_gaps(service)
    settings = service.settings.model_copy(update={"public_url": settings.public_url})
    deps = ChannelDeps(
        settings=settings,
        spine=service.spine,
        library=service.library,
        keys=service.keys,
        sessions=service.sessions,
        wake=service.wake,
    )

    outside = make_desk(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        stop = asyncio.Event()
        worker = OutboxWorker(deps, make_sender(app, settings, service.keys))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.to_thread(service.warm_up))
            tasks.create_task(worker.run(stop))
            tasks.create_task(Recovery(deps).run(stop))
            tasks.create_task(service.keeper.run(stop))
            if outside is not None:
                sending = OutsideWorker(deps, outside)
                await asyncio.to_thread(sending.benefit_of_the_doubt)
                tasks.create_task(sending.run(stop))
            tasks.create_task(DeskRounds(deps).run(stop))
            tasks.create_task(VoiceRounds(deps).run(stop))
            tasks.create_task(Retention(deps).run(stop))
            yield
            stop.set()
        service.close()

    app = FastAPI(
        title="Spillway",
        description="Answers the calls and texts that a 311 center cannot hold in a disaster.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    deps = replace(deps, calls=make_call_control(app, settings), recordings=make_recordings(app, settings))
    app.state.signs = deps.signs
    install_error_handlers(app, deps)
    for router in (*RESIDENTS, *STAFF):
        app.include_router(router(deps))
    app.include_router(outside_router(deps, outside))
    for learning in LEARNING:
        app.include_router(learning(deps, service))
    app.mount("/static", CachedFiles(directory=STATIC), name="static")
    app.include_router(health_router(service))
    if not settings.live:
        app.include_router(simulator_router(deps, app))

    @app.get("/", include_in_schema=False)
    async def front() -> RedirectResponse:
        return RedirectResponse("/chat/")

    app.add_middleware(Compressed)
    app.add_middleware(SecurityHeaders, chat_origins=settings.chat_origins, secure=settings.public_url.startswith("https://"))
    return app


def refuse_gaps(service: Service) -> None:
    """Raises `NotReady` with every gap between this installation and live service."""
    with service.sessions() as session:
        library: LiveLibrary = service.library
        missing = gaps(settings=service.settings, library=library.get(session), session=session)
    if missing:
        raise NotReady("Live mode cannot start:\n" + "\n".join(f"- {gap}" for gap in missing))
