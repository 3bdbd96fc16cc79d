"""A process that dies while it answers: run with a data directory, a database URL, a conversation and a message id.

It stands for `kill -9`: nothing after the first transaction runs, no handler, no rollback, no goodbye."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from server.assembly import assemble
from server.conversations.turn import Answered, Asked
from server.settings import Settings
from tests.server.harness import Resident, Scripted, with_assistant


def die(_asked: Asked) -> Answered:
    """The end of the process."""
    os._exit(9)


if __name__ == "__main__":
    data_dir, url, key, claim, words = sys.argv[1:]
    service = assemble(Settings(data_dir=Path(data_dir), database_url=url), with_assistant=False)
    asyncio.run(Resident(with_assistant(service.spine, Scripted(die)), key=key).says(words, claim=claim))
