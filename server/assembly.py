"""Putting one process together: database, knowledge, triage, assistant and spine, in that order."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import Engine

from bot.keywords import KeywordAssistant
from bot.language import detect
from bot.triage.engine import TriageEngine
from desk.desk import AgentDesk
from ivr.assistant import PhoneAssistant
from knowledge.library import Library, LiveLibrary
from knowledge.packs import load_packs
from server.conversations.locks import ConversationLocks
from server.conversations.ports import Assistant
from server.conversations.spine import Spine
from server.conversations.wake import Wake
from server.database.engine import Sessions, make_engine, make_sessions
from server.database.migrate import upgrade
from server.errors import NotReady
from server.identity.keys import Keys
from server.metrics import STEP
from server.secrets import with_secrets
from server.settings import ROOT, Settings

if TYPE_CHECKING:
    from bot.assistant import RasaAssistant

log = structlog.get_logger()

PACKS_DIR: Final = ROOT / "knowledge" / "packs"
TRAINING_PACKS: Final = ("core", "harbor_city")
LIVE_PACKS: Final = ("core",)
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Service:
    """Everything one process runs with."""

    settings: Settings
    engine: Engine
    sessions: Sessions
    keys: Keys
    library: LiveLibrary
    triage: TriageEngine
    assistant: RasaAssistant | None
    wake: Wake
    spine: Spine

    def close(self) -> None:
        """Gives the database connections back."""
        self.spine.locks.close()
        self.engine.dispose()


def prepare(settings: Settings, *, progress: Progress = lambda _step: None) -> None:
    """Makes a new installation ready: schema, shipped packs, trained models. Doing it again only adds what is missing."""
    engine = make_engine(settings.database)
    try:
        progress("database")
        upgrade(engine)
        progress("packs")
        with make_sessions(engine).begin() as session:
            names = LIVE_PACKS if settings.live else TRAINING_PACKS
            load_packs(session, packs_dir=PACKS_DIR, names=names, actor="shipped packs", training=not settings.live)
    finally:
        engine.dispose()
    if settings.model_path is None and not models_present(settings.models_dir):
        from bot.training import train_all

        train_all(models_dir=settings.models_dir, progress=progress)


def models_present(folder: Path) -> bool:
    """True when both learned parts are there."""
    return (folder / "triage.npz").exists() and any(folder.glob("*.tar.gz"))


def assemble(settings: Settings, *, with_assistant: bool = True) -> Service:
    """Puts the parts together. A model that is missing or broken steps down to the keyword menu; it never stops the process."""
    settings = with_secrets(settings)
    engine = make_engine(settings.database)
    sessions = make_sessions(engine)
    keys = Keys.from_secret(settings.secret_key.get_secret_value())
    library = LiveLibrary(sessions)
    triage = TriageEngine.load(settings.models_dir / "triage.npz")
    STEP.labels(part="triage").set(int(triage.degraded))
    assistant = load_assistant(settings, library) if with_assistant else None
    wake = Wake()
    answering: list[Assistant] = [KeywordAssistant(lambda: library.last_good)]
    if assistant is not None:
        answering.insert(0, assistant)
    spine = Spine(
        sessions=sessions,
        locks=ConversationLocks(engine),
        keys=keys,
        triage=triage,
        library=library,
        assistants=tuple(_OnEveryChannel(each, library=lambda: library.last_good) for each in answering),
        desk=AgentDesk(city=lambda: library.last_good.city),
        detect=detect,
        stored=wake.stored,
    )
    return Service(settings, engine, sessions, keys, library, triage, assistant, wake, spine)


class _OnEveryChannel(PhoneAssistant):
    """An assistant with its manners on the phone; the step gauge knows it by the name of the one inside."""

    def __init__(self, inner: Assistant, *, library: Callable[[], Library]) -> None:
        super().__init__(inner, library=library)
        self.part = type(inner).__name__


def keep_in_memory() -> None:
    """Takes everything that was loaded out of the garbage collector's sight, for a process that serves one service until it ends:
    its rounds through half a gigabyte that never changes cost a seventh of each turn."""
    gc.collect()
    gc.freeze()


def load_assistant(settings: Settings, library: LiveLibrary) -> RasaAssistant | None:
    """Loads the newest model; nothing, and a word to staff, when there is none that loads."""
    from bot.runtime.training import newest_model

    path = settings.model_path or newest_model(settings.models_dir)
    try:
        if path is None:
            raise NotReady("There is no trained model; run `spillway train`.")
        from actions.registry import make_executor
        from bot.assistant import RasaAssistant
        from bot.runtime.rasa_core import RasaAgent

        agent = RasaAgent(model=path, executor=make_executor(lambda: library.last_good), library=lambda: library.last_good)
        assistant = RasaAssistant(agent, library=lambda: library.last_good, timeout=settings.assistant_timeout)
        assistant.warm_up()
        return assistant
    except Exception as error:
        # Whatever is wrong with the model, residents get the keyword menu, and the gauge and the doctor say why.
        log.error("assistant.not_loaded", error=repr(error))
        STEP.labels(part="RasaAssistant").set(1)
        return None
