"""Whether this process lives, is ready, and what it counts."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from desk.models import Handoff
from desk.states import WAITING as WAITING_STATES
from server.assembly import Service
from server.database.engine import reading
from server.metrics import STEP, WAITING


def health_router(service: Service) -> APIRouter:
    """The routes for load balancers and monitoring."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="The process lives.")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz", summary="Residents can be answered; says which part has stepped down.")
    async def readyz() -> JSONResponse:
        parts = await asyncio.to_thread(_parts, service)
        ready = parts["database"] == "ok" and parts["messages"] == "ok"
        return JSONResponse({"ready": ready, "mode": service.settings.mode.value, "parts": parts}, 200 if ready else 503)

    @router.get("/metrics", summary="Counts for Prometheus.")
    async def metrics() -> Response:
        await asyncio.to_thread(_count_waiting, service)
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return router


def _count_waiting(service: Service) -> None:
    """Counts who waits for a person; while the database is down the last count stands."""
    try:
        with reading(service.sessions) as session:
            WAITING.set(session.scalar(select(func.count()).select_from(Handoff).where(Handoff.state.in_(WAITING_STATES))) or 0)
    except SQLAlchemyError:
        STEP.labels(part="database").set(1)


def _parts(service: Service) -> dict[str, str]:
    try:
        with reading(service.sessions) as session:
            session.execute(text("SELECT 1"))
        database = "ok"
    except SQLAlchemyError:
        database = "down"
    return {
        "database": database,
        "messages": "ok" if service.library.last_good.topics else "none published",
        "triage": "patterns only" if service.triage.degraded else "ok",
        "assistant": "keyword menu" if service.assistant is None else "ok",
    }
