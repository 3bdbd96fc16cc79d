"""Choosing and rendering an answer, with 1,000 messages and 5,000 facts on SQLite, beside a render without the library's memory.

    uv run python benchmarks/answers.py [--answers N]

The database holds the shipped packs and as many copies of their topics as it takes, 60 facts of each type, and streets for the
rest. *As a turn asks*: the revision is looked up in the database and the answer taken from the snapshot; the first time it has not
said it yet. *Uncached*: the answer is chosen and rendered anew, as if nothing were remembered. It is processor time, so that other
programs on the machine do not count. A table goes to standard output; the exit code is 1 when the 95th percentile of the first two
is 2 ms or more."""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from knowledge.facts import STREET
from knowledge.library import PACKS, Library, LiveLibrary, Situation
from knowledge.models import FactRow, MessageVersion, TopicRow
from knowledge.packs import load_packs
from knowledge.rendering.sms import render_sms
from knowledge.rendering.voice import render_voice
from server import clock
from server.database.engine import make_engine, make_sessions, reading
from server.database.migrate import upgrade

MESSAGES, FACTS, OF_A_TYPE, LIMIT_MS = 1_000, 5_000, 60, 2.0
CHANNELS = ("sms", "web", "voice")


def fill(session: Session) -> None:
    """Copies what ships until there are enough messages and facts."""
    topics, facts = session.scalars(select(TopicRow)).all(), session.scalars(select(FactRow)).all()
    messages = session.scalars(select(MessageVersion).where(MessageVersion.intent.is_not(None))).all()
    number = 0
    while session.scalar(select(func.count(MessageVersion.id))) < MESSAGES:
        number += 1
        for topic in topics:
            name = f"{topic.intent}_{number}"
            session.add(TopicRow(**{**_columns(topic), "intent": name, "data": {**topic.data, "intent": name}}))
        for one in messages:
            variant = one.message_id.partition(".")[2]
            name = f"{one.intent}_{number}"
            session.add(MessageVersion(**{**_columns(one), "id": None, "intent": name, "message_id": f"{name}.{variant}"}))
        session.flush()
    held = Counter(fact.type for fact in facts)
    for number in itertools.count(1):
        for fact in facts:
            if fact.type != STREET and held[fact.type] >= OF_A_TYPE:
                continue
            data = {name: f"{value} {number}" if name == "name" else value for name, value in fact.data.items()}
            session.add(FactRow(**{**_columns(fact), "id": None, "key": f"{fact.key}-{number}", "data": data}))
            held[fact.type] += 1
        if held.total() >= FACTS:
            break
    session.flush()


def _columns(row: TopicRow | MessageVersion | FactRow) -> dict[str, object]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


def timed(count: int, act: Callable[[int], object]) -> list[float]:
    """The milliseconds of processor time that each of `count` acts took."""
    taken = []
    for number in range(count):
        started = time.thread_time()
        act(number)
        taken.append((time.thread_time() - started) * 1000)
    return taken


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--answers", type=int, default=3_000)
    answers = parser.parse_args().answers
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'bench.db'}")
        upgrade(engine)
        sessions = make_sessions(engine)
        with sessions.begin() as session:
            load_packs(session, packs_dir=PACKS, names=("core", "harbor_city"), actor="benchmark", training=True)
            fill(session)
            sizes = [session.scalar(select(func.count(model.id))) for model in (MessageVersion, FactRow)]
        live = LiveLibrary(sessions)
        intents = list(live.last_good.topics)
        now = clock.now()

        def situation(number: int) -> Situation:
            channel, language = CHANNELS[number % 3], ("en", "es")[number % 2]
            return Situation(language, channel, now, ("00402", None, "00405")[number // 6 % 3])  # type: ignore[arg-type]

        def intent(number: int) -> str:
            return intents[number * 7919 % len(intents)]

        def as_a_turn(number: int) -> None:
            with reading(sessions) as session:
                live.get(session).answer(intent(number), situation(number))

        def uncached(number: int) -> None:
            for remembered in (render_voice, render_sms):
                remembered.cache_clear()
            live.last_good._speaker._answers(intent(number), situation(number))

        started = time.perf_counter()
        with reading(sessions) as session:
            Library.read(session)
        read = (time.perf_counter() - started) * 1000
        rows = {
            "as a turn asks, first time": timed(answers, as_a_turn),
            "as a turn asks, again": timed(answers, as_a_turn),
            "uncached": timed(answers, uncached),
        }
        engine.dispose()
    console = Console()
    table = Table(title=f"{sizes[0]:,} messages, {sizes[1]:,} facts, SQLite; a new snapshot is read in {read:.0f} ms")
    for head in ("", "median ms", "p95 ms", "p99 ms", "worst ms"):
        table.add_column(head, justify="left" if not head else "right")
    for name, taken in rows.items():
        cuts = statistics.quantiles(taken, n=100)
        table.add_row(name, *(f"{value:.3f}" for value in (cuts[49], cuts[94], cuts[98], max(taken))))
    console.print(table)
    asked = (rows["as a turn asks, first time"], rows["as a turn asks, again"])
    sys.exit(any(statistics.quantiles(taken, n=20)[-1] >= LIMIT_MS for taken in asked))


if __name__ == "__main__":
    main()
