"""What each process does about models while it runs: takes over the one that was promoted, and trains when it is its turn."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.learning import service, worker
from bot.learning.data import learning_data
from bot.learning.files import live_copy
from server.alerts.service import raise_alert
from server.database.engine import Sessions, reading
from server.errors import NotReady, SpillwayError
from server.metrics import STEP
from server.settings import ROOT

if TYPE_CHECKING:
    from bot.assistant import RasaAssistant
    from bot.runtime.rasa_core import RasaAgent

log = structlog.get_logger()

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at which model should answer, and whether a training waits."""
LONGEST: Final = 1200.0
"""Seconds after which a training is stopped."""
WORK: Final = "work"
_ERROR_LINES: Final = 12


@dataclass
class ModelKeeper:
    """Follows the database. `load` makes an agent of a model file; `pinned` is the file that a setting names, which stays."""

    sessions: Sessions
    models_dir: Path
    assistant: RasaAssistant | None
    load: Callable[[Path], RasaAgent]
    loaded: int | None = None
    """The model that answers here; nothing for the newest file of the folder."""
    pinned: Path | None = None
    _refused: int | None = field(default=None, init=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Looks each second until the process ends. A failure is told and never stops the looking."""
        training = asyncio.create_task(self._train(stop))
        while not stop.is_set():
            try:
                await asyncio.to_thread(self.follow)
            except SQLAlchemyError as error:
                log.error("model.unread", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_EVERY)
        await training

    def follow(self) -> bool:
        """Takes over the model that should answer, when it is another one than does; true when it did. A model that does not
        load leaves the old one answering, and staff are told once."""
        if self.assistant is None or self.pinned is not None:
            return False
        with reading(self.sessions) as session:
            wanted = service.live_id(session)
        if wanted in (self.loaded, self._refused):
            return False
        try:
            path = self._file()
            if path is None:
                return False
            agent = self.load(path)
            self.assistant.try_agent(agent)
        except Exception as error:
            # Whatever is wrong with the new model, the old one goes on answering.
            log.error("model.not_loaded", model=wanted, error=repr(error))
            STEP.labels(part="model").set(1)
            self._refused = wanted
            with self.sessions.begin() as session:
                raise_alert(session, kind="model_not_loaded", severity="warning", detail={"model": wanted})
            return False
        self.assistant.replace_agent(agent)
        self.loaded, self._refused = wanted, None
        STEP.labels(part="model").set(0)
        log.info("model.loaded", model=wanted)
        return True

    def _file(self) -> Path | None:
        from bot.runtime.training import newest_model  # deferred: every command reads this module, and Rasa is heavy

        with reading(self.sessions) as session:
            found = live_copy(session, models_dir=self.models_dir)
        return found[1] if found is not None else newest_model(self.models_dir)

    async def _train(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                model_id = await asyncio.to_thread(self._take_up)
                if model_id is not None:
                    await self.work(model_id, stop)
            except SQLAlchemyError as error:
                log.error("training.unread", error=repr(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_EVERY)

    def _take_up(self) -> int | None:
        if self.assistant is None:
            # A process that answers with the menu alone could not tell what a training changes.
            return None
        with reading(self.sessions) as session:
            if service.under_way(session) is None:
                return None
        with self.sessions.begin() as session:
            row = service.take_up(session)
            return None if row is None else row.id

    async def work(self, model_id: int, stop: asyncio.Event) -> None:
        """Runs one training or test that was taken up, in a process of its own, and stores what came of it."""
        base = self.models_dir / WORK
        base.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=base))
        try:
            await asyncio.to_thread(self._lay_out, model_id, folder)
            errors = await self._run(model_id, folder, stop)
            if stop.is_set():
                await asyncio.to_thread(self._hand_on, model_id)
            else:
                await asyncio.to_thread(self._store, model_id, folder, errors)
        except (SpillwayError, OSError, ValueError) as error:
            log.error("training.failed", model=model_id, error=repr(error))
            await asyncio.to_thread(self._fail, model_id, getattr(error, "safe_text", repr(error)))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _lay_out(self, model_id: int, folder: Path) -> None:
        with reading(self.sessions) as session:
            data = learning_data(session)
            mark, task = data.mark(live=service.live_id(session)), service.get(session, model_id=model_id).kind
        with self.sessions.begin() as session:
            service.note_data(session, model_id=model_id, mark=mark)
        data.write(folder / worker.LEARNING)
        (folder / worker.TASK).write_text(task, "utf-8")
        live = self.pinned or self._file()
        if live is not None:
            shutil.copyfile(live, folder / worker.LIVE)

    async def _run(self, model_id: int, folder: Path, stop: asyncio.Event) -> str:
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-W", "ignore", "-m", "bot.learning.worker", str(folder))
        with (folder / "errors").open("wb") as errors:
            process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=pipe, stderr=errors)
            told = asyncio.create_task(self._follow_progress(model_id, process))
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({told, stopped}, timeout=LONGEST, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not told.done():
                    told.cancel()
                    process.kill()
                stopped.cancel()
                await process.wait()
        if told.done() and not told.cancelled():
            told.result()
        return (folder / "errors").read_text("utf-8", "replace")

    async def _follow_progress(self, model_id: int, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            raise NotReady("The training cannot be followed.")
        async for line in process.stdout:
            told: dict[str, Any] = json.loads(line)
            await asyncio.to_thread(self._beat, model_id, str(told["step"]), float(told["progress"]))
        await process.wait()

    def _beat(self, model_id: int, step: str, progress: float) -> None:
        with self.sessions.begin() as session:
            service.beat(session, model_id=model_id, step=step, progress=progress)

    def _store(self, model_id: int, folder: Path, errors: str) -> None:
        report = folder / worker.REPORT
        if not report.exists():
            raise NotReady("\n".join(errors.strip().splitlines()[-_ERROR_LINES:]) or "The training was stopped.")
        candidate = folder / worker.CANDIDATE
        content = candidate.read_bytes() if candidate.exists() else None
        with self.sessions.begin() as session:
            service.finish(session, model_id=model_id, report=json.loads(report.read_text("utf-8")), content=content)

    def _hand_on(self, model_id: int) -> None:
        with self.sessions.begin() as session:
            service.hand_on(session, model_id=model_id)

    def _fail(self, model_id: int, error: str) -> None:
        with self.sessions.begin() as session:
            service.fail(session, model_id=model_id, error=error)

    def beginning(self) -> bytes | None:
        """The file of the model that answers while the database names none, to go back to later."""
        from bot.runtime.training import newest_model  # deferred, as above

        path = self.pinned or newest_model(self.models_dir)
        return path.read_bytes() if path is not None else None
