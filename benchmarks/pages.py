"""How long each staff page takes, with 10,000 messages and 200,000 rows of audit in SQLite, over loopback.

    uv run python benchmarks/pages.py [--times N] [--messages N] [--audit N] [--only PART]

The database holds the shipped packs, copies of their messages with three versions each until there are enough, and a chained audit.
The whole program but Rasa runs in a process of its own; one administrator asks for every page in turn, N times, in both languages.
A table goes to standard output, slowest first; the exit code is 1 when the 95th percentile of a page is 100 ms or more."""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from knowledge.models import FactRow, IncidentRow, MessageVersion, TopicRow
from server import clock
from server.assembly import assemble, keep_in_memory, prepare
from server.audit.models import AuditRow
from server.settings import Settings
from server.staff.service import add_user

LIMIT_MS = 100.0
PASSWORD = "correct horse battery staple"
VERSIONS = 3
ACTS = ("message.draft", "message.published", "fact.changed", "staff.signed_in", "message.withdrawn")


def fill_messages(session: Session, wanted: int) -> None:
    """Copies what ships until there are `wanted` messages; the older versions of each are withdrawn."""
    shipped = session.scalars(select(MessageVersion).where(MessageVersion.intent.is_not(None))).all()
    topics = {row.intent: row for row in session.scalars(select(TopicRow))}
    have, number = session.scalar(select(func.count(MessageVersion.message_id.distinct()))) or 0, 0
    while have < wanted:
        number += 1
        made = set()
        for one in shipped[: wanted - have]:
            intent = f"{one.intent}_{number}"
            if intent not in made:
                topic = _columns(topics[one.intent])
                session.add(TopicRow(**{**topic, "intent": intent, "data": {**topic["data"], "intent": intent}}))
                made.add(intent)
            values = {**_columns(one), "id": None, "intent": intent, "message_id": f"{intent}.{one.message_id.partition('.')[2]}"}
            for version in range(1, VERSIONS + 1):
                state = "published" if version == VERSIONS else "withdrawn"
                session.add(MessageVersion(**{**values, "version": version, "state": state, "texts": copy.deepcopy(one.texts)}))
        have += min(len(shipped), wanted - have)
        session.flush()
        session.expunge_all()


def fill_audit(session: Session, wanted: int) -> None:
    """A chain of acts over the last month."""
    previous, begin = "0" * 64, clock.now() - timedelta(days=30)
    rows = []
    for number in range(wanted):
        previous = hashlib.sha256(f"{previous}{number}".encode()).hexdigest()
        rows.append(
            {
                "at": begin + timedelta(seconds=number * 12),
                "actor": f"person{number % 40}",
                "action": ACTS[number % len(ACTS)],
                "subject": f"message:{number % 7000}",
                "detail": {"before": {"edits": number}, "after": {"edits": number + 1}},
                "digest": previous,
            }
        )
        if len(rows) == 10_000 or number == wanted - 1:
            session.execute(insert(AuditRow), rows)
            rows.clear()


def _columns(row: object) -> dict[str, object]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}  # type: ignore[attr-defined]


def pages(session: Session) -> list[str]:
    """Every page of staff, with what it is about filled in."""
    version = session.scalars(
        select(MessageVersion).where(MessageVersion.state == "published", MessageVersion.intent.like("%|_1", escape="|"))
    ).first()
    assert version is not None
    incident = session.scalars(select(IncidentRow.id)).first()
    shelter = session.scalars(select(FactRow.key).where(FactRow.type == "shelter")).first()
    version_page = f"/console/messages/v/{version.id}"
    message = f"/console/messages/m/{version.message_id}"
    return [
        "/console/", "/console/messages/", "/console/messages/?q=water", "/console/messages/?q=agua+hervida&state=live",
        "/console/messages/?state=withdrawn&language=-es", "/console/messages/?page=200", message, version_page,
        f"{version_page}/live", "/console/facts/", "/console/facts/?type=shelter", "/console/facts/?q=school",
        f"/console/facts/shelter/{shelter}", "/console/facts/shelter/new", "/console/facts/table?type=shelter",
        "/console/incidents/",
        "/console/incidents/new", "/console/incidents/new?pack=flood", f"/console/incidents/{incident}",
        f"/console/incidents/{incident}/change?phase=after&level=full", f"/console/incidents/{incident}/close",
        f"/console/incidents/{incident}/after", "/console/topics/", "/console/topics/new", "/console/topics/t/shelter_pets",
        "/console/topics/lines", "/console/topics/models/", "/console/try/", "/console/try/?text=where+is+a+shelter",
        "/console/review/", "/console/review/figures", "/console/people/", "/console/people/admin", "/console/audit/",
        "/console/audit/?actor=person7", "/console/audit/?action=message.&subject=message:12", "/console/audit/?since=2026-01-01",
        "/console/audit/?before=100000", "/account", "/desk/", "/desk/figures", "/desk/team", "/sign-in",
    ]  # fmt: skip


def serve(folder: str, pipe: Connection) -> None:
    """The program, on a port of its own."""
    import uvicorn

    from server.app import create_app

    config = uvicorn.Config("", port=0, log_level="error", access_log=False)
    socket = config.bind_socket()
    address = f"http://127.0.0.1:{socket.getsockname()[1]}"
    settings = Settings(data_dir=Path(folder), public_url=address, twilio_number="+15555550100")
    service = assemble(settings, with_assistant=False)
    config.app = create_app(settings, service=service)
    # As `spillway serve` does.
    keep_in_memory()
    pipe.send(address)
    uvicorn.Server(config).run(sockets=[socket])


def measure(client: httpx.Client, addresses: list[str], times: int) -> dict[str, list[float]]:
    """Milliseconds of each page, one request at a time, after one that is not counted."""
    taken: dict[str, list[float]] = {address: [] for address in addresses}
    for turn in range(times + 1):
        for address in addresses:
            began = time.perf_counter()
            answer = client.get(f"{address}{'&' if '?' in address else '?'}lang={('en', 'es')[turn % 2]}")
            if turn:
                taken[address].append(1000 * (time.perf_counter() - began))
            if answer.status_code != 200:
                sys.exit(f"{address} answers {answer.status_code}: {answer.text[-1500:]}")
    return taken


def main() -> int:
    """Prepares, measures, tells."""
    parser = argparse.ArgumentParser(description="How long each staff page takes.")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--audit", type=int, default=200_000)
    parser.add_argument("--only", default="", help="only pages whose address holds this")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "models").mkdir()
        settings = Settings(data_dir=Path(folder))
        _prepared(settings, chosen.messages, chosen.audit)
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(folder, theirs))
        process.start()
        try:
            address = ours.recv()
            with httpx.Client(base_url=address, timeout=60, transport=httpx.HTTPTransport(retries=20)) as client:
                client.post("/sign-in", data={"name": "admin", "password": PASSWORD})
                service = assemble(settings, with_assistant=False)
                with service.sessions() as session:
                    addresses = [page for page in pages(session) if chosen.only in page]
                service.close()
                taken = measure(client, addresses, chosen.times)
        finally:
            process.terminate()
            process.join()
    return _told(taken)


def _prepared(settings: Settings, messages: int, audit: int) -> None:
    from server.database.engine import make_engine, make_sessions

    _schema_and_packs(settings)
    engine = make_engine(settings.database)
    with make_sessions(engine).begin() as session:
        fill_messages(session, messages)
        fill_audit(session, audit)
        add_user(session, name="admin", role="administrator", actor="benchmark", password=PASSWORD)
    engine.dispose()


def _schema_and_packs(settings: Settings) -> None:
    # A model that is named is not trained.
    prepare(settings.model_copy(update={"model_path": Path("none")}))


def _told(taken: dict[str, list[float]]) -> int:
    table = Table("page", "median ms", "p95 ms", "slowest ms")
    worst = 0.0
    figures = []
    for address, found in taken.items():
        p95 = statistics.quantiles(found, n=20)[-1] if len(found) > 1 else found[0]
        worst = max(worst, p95)
        figures.append((p95, address, statistics.median(found), max(found)))
    for p95, address, median, slowest in sorted(figures, reverse=True):
        table.add_row(address, f"{median:.1f}", f"{p95:.1f}", f"{slowest:.1f}")
    Console(width=140).print(table)
    print(json.dumps({"worst_p95_ms": round(worst, 1), "limit_ms": LIMIT_MS}))
    return int(worst >= LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
