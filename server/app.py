"""The whole program as one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.responses import RedirectResponse

from bot.channels.sms import router as sms_router
from bot.channels.web.routes import router as chat_router
from console.simulator.routes import router as simulator_router
from desk.rounds import DeskRounds
from desk.routes import router as desk_router
from ivr.routes import router as voice_router
from knowledge.library import LiveLibrary
from server.assembly import Service, assemble
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
from server.settings import Settings
from server.staff.routes import router as staff_router
from server.twilio.standin import make_sender


def create_app(settings: Settings, *, address: str = "http://127.0.0.1:8311", service: Service | None = None) -> FastAPI:
    """Assembles everything and mounts every surface. `address` is where this process listens; it stands in for the public
    address in training mode. Raises `NotReady` in live mode, naming each gap."""
    if not settings.live and not settings.public_url:
        settings = settings.model_copy(update={"public_url": address})
    service = service or assemble(settings)
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

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        stop = asyncio.Event()
        worker = OutboxWorker(deps, make_sender(app, settings, service.keys))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run(stop))
            tasks.create_task(Recovery(deps).run(stop))
            tasks.create_task(DeskRounds(deps).run(stop))
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
    install_error_handlers(app, deps)
    for router in (sms_router(deps), voice_router(deps), chat_router(deps), staff_router(deps), desk_router(deps)):
        app.include_router(router)
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
