"""`spillway doctor`: what is configured, reachable and missing, in plain words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx
import typer
from sqlalchemy import text

from bot.encoder import shared_encoder
from bot.runtime.training import newest_model
from bot.triage.engine import TriageEngine
from desk.external.building import make_desk
from desk.external.port import NotDelivered, OutsideDesk
from knowledge.library import LiveLibrary
from server.cli.console import out, quiet_libraries
from server.database.engine import make_engine, make_sessions
from server.database.migrate import current, head
from server.errors import SpillwayError
from server.golive import gaps
from server.secrets import with_secrets
from server.settings import Settings, get_settings
from server.staff.oidc.provider import CALLBACK, Unreachable, make_provider

Check = Callable[[Settings], str]


def doctor() -> None:
    """Look at every part and say what is right, what is missing, and what to do."""
    quiet_libraries("CRITICAL")
    settings = get_settings()
    out.print(f"Mode: [bold]{settings.mode.value}[/]   data: {settings.data_dir}")
    failed = 0
    for name, check in (
        ("secrets", _secrets),
        ("database", _database),
        ("messages", _messages),
        ("triage", _triage),
        ("assistant", _assistant),
        ("twilio", _twilio),
        ("desk", _desk),
        ("sign-in", _sign_in),
        ("live mode", _live),
    ):
        try:
            out.print(f"[green]ok[/]       {name:10} {check(settings)}", highlight=False)
        except Exception as error:
            # The doctor reports whatever is wrong with a part and goes on to the next one.
            failed += 1
            first_line = str(error).partition("\n")[0]
            what = error.safe_text if isinstance(error, SpillwayError) else f"{type(error).__name__}: {first_line}"
            out.print(f"[red]problem[/]  {name:10} {what}", highlight=False)
    if failed:
        raise typer.Exit(1)


def _secrets(settings: Settings) -> str:
    with_secrets(settings)
    return "The secret key and the Twilio token are there."


def _database(settings: Settings) -> str:
    engine = make_engine(settings.database)
    try:
        started = time.perf_counter()
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        took = (time.perf_counter() - started) * 1000
        revision = current(engine)
        if revision != head():
            raise SpillwayError(f"The schema is {revision or 'empty'}, this program needs {head()}: run `spillway db upgrade`.")
        return f"{engine.dialect.name} answers in {took:.1f} ms, schema {revision}."
    finally:
        engine.dispose()


def _messages(settings: Settings) -> str:
    engine = make_engine(settings.database)
    try:
        library = LiveLibrary(make_sessions(engine)).get()
        if not library.topics:
            raise SpillwayError("No topic is published: run `spillway packs import`.")
        return f"{len(library.topics)} topics; phase {library.phase}; city {library.city.get('city', 'not named')}."
    finally:
        engine.dispose()


def _triage(settings: Settings) -> str:
    engine = TriageEngine.load(settings.models_dir / "triage.npz")
    if engine.degraded:
        raise SpillwayError("The classifier is not trained; the patterns alone decide. Run `spillway train`.")
    decision = engine.assess("my house is on fire and we cannot get out")
    quick = "" if shared_encoder().quick else " The encoders' own packages compute, which takes two to three times as long."
    return f"Loaded; a fire is {decision.level.value}.{quick}"


def _assistant(settings: Settings) -> str:
    model = settings.model_path or newest_model(settings.models_dir)
    if model is None or not model.exists():
        raise SpillwayError("There is no trained model; residents get the keyword menu. Run `spillway train`.")
    return f"{model.name} ({model.stat().st_size / 1e6:.1f} MB)."


def _twilio(settings: Settings) -> str:
    if not settings.live and not settings.twilio_account_sid:
        return "Training mode uses the built-in stand-in; no account is needed."
    base = settings.twilio_api_base or "https://api.twilio.com"
    auth = (settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value())
    answer = httpx.get(f"{base}/2010-04-01/Accounts/{settings.twilio_account_sid}.json", auth=auth, timeout=5)
    if answer.status_code != httpx.codes.OK:
        raise SpillwayError(f"Twilio answered {answer.status_code}: check the account and the token.")
    return "The account answers."


def _desk(settings: Settings) -> str:
    desk = make_desk(settings)
    if desk is None:
        return "Our own desk at /desk/ is the only one."
    path = {"webhook": "/outside/events", "chatwoot": "/outside/chatwoot"}[desk.kind]
    return f"{asyncio.run(_probed(desk))} It reaches us at {settings.public_url or 'SPILLWAY_PUBLIC_URL'}{path}."


async def _probed(desk: OutsideDesk) -> str:
    try:
        return f"{desk.kind}: {await desk.probe()}"
    except NotDelivered as failed:
        raise SpillwayError(
            f"The city's own desk ({desk.kind}) does not answer: {failed.what}. Conversations wait at /desk/ until it does."
        ) from failed
    finally:
        await desk.close()


def _sign_in(settings: Settings) -> str:
    provider = make_provider(settings)
    if provider is None:
        return "Staff sign in with name and password; no identity provider is named (docs/accounts.md)."
    try:
        to = provider.probe()
    except Unreachable as away:
        raise SpillwayError(
            f"The identity provider does not answer as one: {away.what}. Staff sign in with name and password until it does."
        ) from away
    return f"People are sent to {to}. It sends them back to {settings.public_url or 'SPILLWAY_PUBLIC_URL'}{CALLBACK}."


def _live(settings: Settings) -> str:
    engine = make_engine(settings.database)
    try:
        sessions = make_sessions(engine)
        with sessions() as session:
            missing = gaps(settings=settings, library=LiveLibrary(sessions).get(session), session=session)
        if missing and settings.live:
            raise SpillwayError("Not ready:\n" + "\n".join(f"             - {gap}" for gap in missing))
        return "Every decision is made." if not missing else f"{len(missing)} decisions are left before live mode (docs/golive.md)."
    finally:
        engine.dispose()
