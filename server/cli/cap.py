"""`spillway cap`: alerts of the Common Alerting Protocol, from a file or an address, as drafts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import httpx
import typer

from knowledge.cap_import import CapImport, CapNote, NoteCode, import_cap
from knowledge.library import Library
from knowledge.safe_xml import MAX_BYTES
from server import clock
from server.cli.console import out
from server.cli.open import open_database
from server.errors import BadInput, TooLarge

app = typer.Typer(help="Alerts of the Common Alerting Protocol 1.2.", no_args_is_help=True)

TIMEOUT: Final = 15.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_NOTES: Final[dict[NoteCode, str]] = {
    "already_imported": "This alert was taken in before; see",
    "not_actual": "The alert is not real, so nothing was drafted. Its status is",
    "not_public": "The alert is not for the public, so nothing was drafted. Its scope is",
    "no_info": "The alert says nothing (no info block), so nothing was drafted.",
    "no_text": "This part has no words, so it was not drafted:",
    "no_english": "The alert has no English text. Write one from a plan template.",
    "no_spanish": "There is no Spanish text; write it before the draft is approved:",
    "other_language": "A part in another language belongs to no English one and was left out:",
    "no_expiry": "The alert does not say when it ends; choose an expiry:",
    "over": "This part is over already, so it was not drafted:",
    "no_references": "It does not say which alert it updates or cancels.",
    "unknown_reference": "It refers to an alert that was never taken in:",
    "nothing_to_do": "There is nothing to draft from a message of the kind",
    "cut": "The alert is longer than a message can be; the draft holds its beginning. Read the alert itself:",
    "unknown_event": "No incident pack knows this event; choose one yourself:",
}


@app.callback()
def cap() -> None:
    """Alerts of the Common Alerting Protocol 1.2."""


@app.command("import")
def import_(
    source: Annotated[str, typer.Argument(metavar="FILE_OR_URL", help="A file, or the https address of one alert.")],
) -> None:
    """Make drafts of an alert, and say which incident it suggests. Nothing is published."""
    content = fetch(source) if source.startswith(("https://", "http://")) else read(Path(source))
    with open_database() as session:
        library = Library.read(session)
        made = import_cap(
            session,
            content=content,
            packs=library.incident_packs.values(),
            zones=library.zones,
            actor="terminal",
            now=clock.now(),
        )
    _report(made)


def read(path: Path) -> bytes:
    """The content of a file. Raises `BadInput` when there is none, `TooLarge` past 5 MB."""
    if not path.is_file():
        raise BadInput(f"There is no file {path}.")
    if path.stat().st_size > MAX_BYTES:
        raise TooLarge("The file is larger than 5 MB.")
    return path.read_bytes()


def fetch(address: str) -> bytes:
    """What an address answers, within 5 MB. Raises `BadInput` when it does not answer, or not over https."""
    _secure(address)
    taken = bytearray()
    try:
        with (
            httpx.Client(timeout=TIMEOUT, max_redirects=3, follow_redirects=True) as client,
            client.stream("GET", address, headers={"Accept": "application/cap+xml, application/xml"}) as answer,
        ):
            _secure(str(answer.url))
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                taken += piece
                if len(taken) > MAX_BYTES:
                    raise TooLarge("What the address answers is larger than 5 MB.")
    except httpx.HTTPStatusError as error:
        raise BadInput(f"The address answered {error.response.status_code}.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BadInput(f"The address could not be read ({type(error).__name__}).") from error
    return bytes(taken)


def _secure(address: str) -> None:
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise BadInput("This is no address.") from error
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise BadInput("Alerts are read over https only.")


def _report(made: CapImport) -> None:
    out.print(f"{made.kind} {made.identifier}", markup=False)
    for word, references in (("drafted", made.drafts), ("withdrew", made.withdrawn), ("STILL PUBLISHED", made.still_published)):
        for reference in references:
            out.print(f"{word}  {reference}", markup=False)
    one = made.incident
    if one is not None:
        zones = f", zones {', '.join(one.zones)}" if one.zones else ""
        out.print(f"suggests  {one.name}: pack {one.pack or '-'}, {one.phase}, {one.level}{zones}", markup=False)
    for note in made.notes:
        out.print(_note(note), markup=False)


def _note(note: CapNote) -> str:
    return f"note  {_NOTES[note.code]} {note.detail}".rstrip()
