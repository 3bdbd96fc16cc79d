"""The desk's ledger with two processes on one PostgreSQL database: the same residents, agents and messages at the same time."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path
from random import Random
from typing import Final

from benchmarks.desk_world import World
from server.assembly import Service, assemble
from server.settings import Settings

STEPS: Final = 20
PATIENCE: Final = 120
"""Seconds that one process waits for the other at the end of a world."""


def two_processes(*, count: int, seed: int, until: float, clear: Callable[[Service], None], url: str | None = None) -> int:
    """Runs worlds in which two processes act at once; gives how many. Without `url` a PostgreSQL server is started for it, as the
    tests do. Raises `AssertionError` with what one of them found."""
    if url is None:
        from tests.server.databases import PostgresServer

        server = PostgresServer.start()
        try:
            with server.database() as made:
                return two_processes(count=count, seed=seed, until=until, clear=clear, url=made)
        finally:
            server.stop()
    folder = Path(tempfile.mkdtemp(prefix="spillway-two-"))
    settings = Settings(data_dir=folder, database_url=url, twilio_number="+15555550100", model_path=folder / "none")
    # The first start makes the secrets that both share.
    assemble(settings, with_assistant=False).close()
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(2, timeout=PATIENCE)
    both = [context.Process(target=_one, args=(part, folder, url, count, seed, until, clear, together)) for part in range(2)]
    try:
        for process in both:
            process.start()
        for process in both:
            process.join()
        found = [path.read_text() for path in sorted(folder.glob("broken-*"))]
        assert not found, found
        assert [process.exitcode for process in both] == [0, 0]
        return int((folder / "done").read_text())
    finally:
        shutil.rmtree(folder)


def _one(
    part: int, folder: Path, url: str, count: int, seed: int, until: float, clear: Callable[[Service], None], together: Barrier
) -> None:
    settings = Settings(data_dir=folder, database_url=url, twilio_number="+15555550100", model_path=folder / "none")
    service = assemble(settings, with_assistant=False)
    done = 0
    try:
        while done < count:
            _world(service, part=part, number=done, seed=seed, folder=folder, clear=clear, together=together)
            done += 1
            if part == 0:
                (folder / "done").write_text(str(done if time.time() < until else -done))
                if done % 20 == 0:
                    print(f"  {done} of {count}", flush=True)
            together.wait()
            if int((folder / "done").read_text()) < 0:
                break
        together.wait()
        if part == 0:
            (folder / "done").write_text(str(done))
    except BaseException as error:
        found = f"world {done} of seed {seed}, process {part}: {type(error).__name__}: {error}"
        (folder / f"broken-{part}").write_text(f"{found}\n{traceback.format_exc()}")
        together.abort()
        raise
    finally:
        service.close()


def _world(
    service: Service, *, part: int, number: int, seed: int, folder: Path, clear: Callable[[Service], None], together: Barrier
) -> None:
    name = f"w{seed}-{number}"
    carrier = folder / f"carrier-{number}"
    carrier.mkdir(exist_ok=True)
    world = World(service, Random(f"{seed}:{number}:{part}"), name, carrier, shared=True)
    if part == 0:
        world.sit_down()
    together.wait()
    asyncio.run(world.steps(STEPS))
    (folder / f"{name}-{part}").write_text(json.dumps({"claims": list(world.claims), "typed": world.typed}))
    together.wait()
    if part == 0:
        other = json.loads((folder / f"{name}-1").read_text())
        world.claims.update((claim, world.written(int(claim.rpartition(":")[2]))) for claim in other["claims"])
        world.typed += other["typed"]
        world.settle()
        clear(service)
