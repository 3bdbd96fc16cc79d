"""Putting one process together: database, knowledge, triage, assistant and spine, in that order."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.keywords import KeywordAssistant
from bot.language import detect
from bot.language import warm_up as warm_up_detection
from bot.learning.files import live_copy
from bot.learning.keeper import ModelKeeper
from bot.learning.service import live_id
from bot.published import PublishedExamples
from bot.request_states import RequestStates
from bot.triage.engine import TriageEngine
from desk.desk import AgentDesk
from ivr.assistant import PhoneAssistant
from knowledge.library import Library, LiveLibrary
from knowledge.packs import load_packs
from server.conversations.locks import ConversationLocks
from server.conversations.ports import Assistant
from server.conversations.spine import Spine
from server.conversations.wake import Wake
from server.database.engine import Sessions, make_engine, make_sessions, reading
from server.database.migrate import upgrade
from server.identity.keys import Keys
from server.metrics import STEP
from server.secrets import with_secrets
from server.settings import ROOT, Settings

if TYPE_CHECKING:
    from bot.assistant import RasaAssistant
    from bot.runtime.rasa_core import RasaAgent

log = structlog.get_logger()

PACKS_DIR: Final = ROOT / "knowledge" / "packs"
TRAINING_PACKS: Final = ("core", "harbor_city")
LIVE_PACKS: Final = ("core",)
SECOND_LOOK: Final = 0.06
"""Seconds that a resident waits for the triage's second look; then the first one decides, towards danger."""
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
    keeper: ModelKeeper

    def warm_up(self) -> None:
        """Loads what is otherwise loaded at the first message that needs it: half a second that no resident has to wait. What
        cannot be loaded now is tried again by that message."""
        for part in (self.triage.warm_up, warm_up_detection):
            try:
                part()
            except Exception as error:
                log.error("warm_up.failed", error=repr(error))

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
    train_missing(settings, progress=progress)


def train_missing(settings: Settings, *, progress: Progress = lambda _step: None) -> None:
    """Trains the models unless they are there or a setting names one."""
    if settings.model_path is None and not models_present(settings.models_dir):
        from bot.training import train_all

        train_all(models_dir=settings.models_dir, progress=progress)


def models_present(folder: Path) -> bool:
    """True when both learned parts are there."""
    return (folder / "triage.npz").exists() and any(folder.glob("*.tar.gz"))


def assemble(settings: Settings, *, with_assistant: bool = True, patience: float | None = None) -> Service:
    """Puts the parts together. A model that is missing or broken steps down to the keyword menu; it never stops the process.

    `patience` limits the triage's second look where residents wait; replays and evaluations finish each."""
    settings = with_secrets(settings)
    engine = make_engine(settings.database)
    sessions = make_sessions(engine)
    keys = Keys.from_secret(settings.secret_key.get_secret_value())
    library = LiveLibrary(sessions)
    triage = TriageEngine.load(settings.models_dir / "triage.npz", patience=patience)
    STEP.labels(part="triage").set(int(triage.degraded))
    assistant, model_id = load_assistant(settings, library, sessions) if with_assistant else (None, None)
    wake = Wake()
    menu = KeywordAssistant(lambda: library.last_good)
    answering: list[Assistant] = [PublishedExamples(menu, library=lambda: library.last_good, knows=lambda _intent, _text: False)]
    if assistant is not None:
        learned = PublishedExamples(assistant, library=lambda: library.last_good, knows=assistant.knows)
        answering.insert(0, learned)
    knowing = [RequestStates(each, sessions, lambda: library.last_good) for each in answering]
    spine = Spine(
        sessions=sessions,
        locks=ConversationLocks(engine),
        keys=keys,
        triage=triage,
        library=library,
        assistants=tuple(_OnEveryChannel(each, library=lambda: library.last_good) for each in knowing),
        desk=AgentDesk(city=lambda: library.last_good.city),
        detect=detect,
        stored=wake.stored,
    )
    keeper = ModelKeeper(
        sessions=sessions,
        models_dir=settings.models_dir,
        assistant=assistant,
        load=lambda path: load_agent(path, library),
        loaded=model_id,
        pinned=settings.model_path,
    )
    return Service(settings, engine, sessions, keys, library, triage, assistant, wake, spine, keeper)


class _OnEveryChannel(PhoneAssistant):
    """An assistant with its manners on the phone; the step gauge knows it by the name of the one inside."""

    def __init__(self, inner: Assistant, *, library: Callable[[], Library]) -> None:
        super().__init__(inner, library=library)
        self.part = str(getattr(inner, "part", type(inner).__name__))


ROUNDS: Final = (10_000, 20, 20)
"""New objects before the garbage collector looks through the young ones, how many such rounds make one through the older, and how
many of those one through all."""


def keep_in_memory() -> None:
    """Takes everything that was loaded out of the garbage collector's sight, for a process that serves one service until it ends:
    its rounds through half a gigabyte that never changes cost a seventh of each turn. Full rounds through what came after (words
    that were read anew, answers kept ready) come seldom, since each holds up everybody."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*ROUNDS)
    gc.enable()


def load_assistant(settings: Settings, library: LiveLibrary, sessions: Sessions) -> tuple[RasaAssistant | None, int | None]:
    """Loads the model that a setting names, or that was promoted, or the newest of the folder, with its number in the database;
    one that does not load gives way to the next. Nothing, and a word to staff, when none loads."""
    for model_id, find in _models(settings, sessions):
        try:
            path = find()
            if path is None:
                continue
            from bot.assistant import RasaAssistant

            agent = load_agent(path, library)
            assistant = RasaAssistant(agent, library=lambda: library.last_good, timeout=settings.assistant_timeout)
            assistant.warm_up()
            return assistant, model_id
        except Exception as error:
            # Whatever is wrong with a model, residents get another one or the keyword menu; the gauge and the doctor say why.
            log.error("assistant.not_loaded", model=model_id, error=repr(error))
    log.error("assistant.missing", error="There is no trained model that loads; run `spillway train`.")
    STEP.labels(part="RasaAssistant").set(1)
    return None, None


def load_agent(path: Path, library: LiveLibrary) -> RasaAgent:
    """An agent of one model file that speaks from the library."""
    from actions.registry import make_executor
    from bot.runtime.rasa_core import RasaAgent

    return RasaAgent(model=path, executor=make_executor(lambda: library.last_good), library=lambda: library.last_good)


def _models(settings: Settings, sessions: Sessions) -> Iterator[tuple[int | None, Callable[[], Path | None]]]:
    """Where a model may come from, the first choice first."""
    from bot.runtime.training import newest_model

    if settings.model_path is not None:
        yield None, lambda: settings.model_path
        return
    try:
        with reading(sessions) as session:
            live = live_id(session)
    except SQLAlchemyError as error:
        log.error("model.unread", error=repr(error))
        live = None
    if live is not None:
        yield live, lambda: _copy(settings, sessions)
    yield None, lambda: newest_model(settings.models_dir)


def _copy(settings: Settings, sessions: Sessions) -> Path | None:
    with reading(sessions) as session:
        found = live_copy(session, models_dir=settings.models_dir)
    return found[1] if found is not None else None
