"""Random interleavings of residents, agents, crashes, duplicates and late messages against a ledger of what was said by whom.

    python -m benchmarks.desk_ledger 10000 --seed 1
    python -m benchmarks.desk_ledger 10000 --jobs 2 --minutes 30
    python -m benchmarks.desk_ledger 500 --postgres

Nothing may be lost, doubled, or sent by somebody who does not own the conversation. `--postgres` lets two processes act on one
database at the same time. The tests run a few dozen of these. The database lies in memory (/dev/shm) where the machine has that."""

from __future__ import annotations

import argparse
import asyncio
import math
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import update

from benchmarks.desk_two_processes import two_processes
from benchmarks.desk_world import World
from desk.models import Handoff
from server import clock
from server.assembly import Service, assemble, prepare
from server.conversations.models import Conversation
from server.conversations.ownership import Owner
from server.outbox.models import OutboundMessage
from server.settings import Settings

SAID_EVERY: Final = 20
"""Seconds between two words on how far it is."""
PER_DATABASE: Final = 50
"""A database that grows for hours would measure its size, not the desk."""
MEMORY: Final = Path("/dev/shm")


def run(service: Service, *, count: int, seed: int, steps: int = 25, more: Callable[[int], bool] = lambda _done: True) -> int:
    """Runs so many interleavings, each with residents of its own, from one seed, until `more`, which is told how many are done,
    says that it is enough. Gives how many there were."""
    for number in range(count):
        with tempfile.TemporaryDirectory(prefix="spillway-carrier-", dir=_folder()) as carrier:
            world = World(service, Random(f"{seed}:{number}"), f"w{seed}-{number}", Path(carrier))
            try:
                asyncio.run(world.live(steps))
            except AssertionError as error:
                raise AssertionError(f"interleaving {number} of seed {seed}: {error}") from error
        clear(service)
        if not more(number + 1):
            return number + 1
    return count


def clear(service: Service) -> None:
    """Ends everything, so that the next world does not find this one's residents in the line."""
    with service.sessions.begin() as session:
        session.execute(update(Handoff).where(Handoff.ended_at.is_(None)).values(state="lost", ended_at=clock.now()))
        still = update(Conversation).where(Conversation.owner != Owner.CLOSED.value)
        session.execute(still.values(owner=Owner.CLOSED.value, active_key=None))
        session.execute(update(OutboundMessage).where(OutboundMessage.state == "queued").values(state="expired"))


def _folder() -> Path | None:
    return MEMORY if MEMORY.is_dir() else None


def on_sqlite(count: int, seed: int, until: float) -> int:
    """Interleavings on databases of their own, a fresh one every fifty. Gives how many there were."""
    folder = Path(tempfile.mkdtemp(prefix="spillway-ledger-", dir=_folder()))
    begun = said = time.time()
    done = 0

    def more(ran: int) -> bool:
        nonlocal said
        now = time.time()
        if now - said >= SAID_EVERY:
            said = now
            print(f"  seed {seed}: {done + ran} of {count}, {now - begun:.0f} s", flush=True)
        return now < until

    try:
        settings = Settings(data_dir=folder, twilio_number="+15555550100", model_path=folder / "none")
        prepare(settings)
        while done < count and time.time() < until:
            shutil.copy(folder / "spillway.db", folder / "run.db")
            service = assemble(settings.model_copy(update={"database_url": f"sqlite:///{folder / 'run.db'}"}), with_assistant=False)
            done += run(service, count=min(PER_DATABASE, count - done), seed=seed * 100_000 + done, more=more)
            service.close()
            for old in folder.glob("run.db*"):
                old.unlink()
        return done
    finally:
        shutil.rmtree(folder)


def main() -> None:
    """Runs interleavings on databases of their own and says how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=None, help="stop after so long, with what was done by then")
    parser.add_argument("--jobs", type=int, default=1, help="so many at the same time, each on databases of its own")
    parser.add_argument("--postgres", action="store_true", help="two processes on one PostgreSQL database")
    wanted = parser.parse_args()
    begun = time.time()
    until = begun + 60 * wanted.minutes if wanted.minutes is not None else math.inf
    if wanted.postgres:
        done = two_processes(count=wanted.count, seed=wanted.seed, until=until, clear=clear)
    else:
        share = [wanted.count // wanted.jobs + (job < wanted.count % wanted.jobs) for job in range(wanted.jobs)]
        jobs = [(some, wanted.seed + job, until) for job, some in enumerate(share)]
        with multiprocessing.get_context("spawn").Pool(wanted.jobs) as pool:
            done = sum(pool.starmap(on_sqlite, jobs))
    print(f"{done} interleavings hold, {time.time() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
